/**
 * Owns: who may make a call now: one desk a node lets calls in, by the limits of their tool and the
 * quotas of their actor, in the order they came; and settles what they spent.
 * Does not own: the books (ledger.ts), the limits (gate.ts), how it is reached (node/desk-link.ts).
 */
import type { Account } from "../actor/accounts.ts";
import type {
  AccountView,
  Amounts,
  BooksFailure,
  Budget,
  CommonBooks,
  Extra,
  Left,
  NearLimit,
  Refusal,
  Reserved,
} from "../actor/books.ts";
import type { ToolLimits } from "../actor/pace.ts";
import { Gate } from "./gate.ts";
import { Ledger } from "./ledger.ts";
import { notRaised, SharedBooks } from "./shared-books.ts";
import { Wakes } from "./wakes.ts";

/** A call that wants to begin. Plain data: it travels between threads. */
export interface Entry {
  /** Of this call alone. */
  readonly id: string;
  readonly tool: string;
  readonly limits: ToolLimits | null;
  readonly accounts: readonly Account[];
  /** The most it may cost. */
  readonly amounts: Amounts;
}

/** What the desk says. */
export type Admission =
  | { readonly say: "go"; readonly near: readonly NearLimit[]; readonly left: Left | null }
  | { readonly say: "quota"; readonly refusal: Refusal }
  | { readonly say: "no"; readonly why: string; readonly overloaded: boolean }
  /** The books of its quotas cannot be reached: nobody forbids it, and it must not run. */
  | { readonly say: "away"; readonly why: string };

/** How a call ended. */
export interface Settled {
  /** Did the tool work? null: the call says nothing about that. */
  readonly ok: boolean | null;
  /** null: nobody knows, so the most is counted. */
  readonly spent: Amounts | null;
}

/** What a desk needs of its host. */
export interface DeskHost {
  readonly now: () => number;
  /** Calls back later. @unit ms */
  readonly after: (ms: number, fire: () => void) => void;
  /** Keeps a line of the books; calls back when it is safe. @returns whether it does so at all */
  readonly keep: (line: LedgerLine, safe: () => void) => boolean;
  /** The books that this node shares with others; null: it has all itself. */
  readonly common: CommonBooks | null;
}

/** A line of the books of durable accounts. */
export type LedgerLine =
  | { readonly hold: string; readonly paths: readonly string[]; readonly amounts: Amounts }
  | { readonly settle: string; readonly spent: Amounts | null }
  | { readonly began: string }
  | { readonly raised: string; readonly more: Extra };

interface Waiting {
  readonly entry: Entry;
  readonly owner: object;
  readonly done: (admission: Admission) => void;
}

interface Line {
  readonly gate: Gate;
  readonly waiting: Map<string, Waiting>;
  timed: boolean;
}

interface Inside {
  readonly owner: object;
  readonly gate: Gate | null;
  readonly tool: string;
  readonly kept: boolean;
  /** Held in common books too. */
  readonly common: boolean;
}

/** Tools with limits; more are a mistake. */
const TOOLS_MAX = 100_000;

/** The desk of a node. */
export class Desk {
  readonly ledger = new Ledger();
  readonly #host: DeskHost;
  readonly #lines = new Map<string, Line>();
  readonly #inside = new Map<string, Inside>();
  readonly #wakes: Wakes;
  readonly #common: SharedBooks;

  constructor(host: DeskHost) {
    this.#host = host;
    this.#common = new SharedBooks(host.common, host);
    const began = (path: string) => void host.keep({ began: path }, () => {});
    const isCommon = this.#common.has;
    const beginCommon: SharedBooks["begin"] = (...asked) => this.#common.begin(...asked);
    this.#wakes = new Wakes(this.ledger, { ...host, began, isCommon, beginCommon });
  }

  /** Accounts there are, also before anybody has spent of them. */
  know(accounts: readonly Account[]): void {
    const common = accounts.filter(this.#common.has);
    if (common.length > 0) this.#common.books?.ask({ verb: "know", accounts: common }, () => {});
    for (const each of accounts) if (!this.#common.has(each)) this.ledger.know(each);
  }

  /** An actor lives that stands under limits of time. `over` is called once, unless it is withdrawn. */
  live(
    id: string,
    accounts: readonly Account[],
    owner: object,
    over: (why: Refusal) => void,
  ): void {
    this.#wakes.add(id, accounts, owner, over);
  }

  /** Raises limits. @returns when it is safe; @throws ActorError E_PATH_UNKNOWN E_QUOTA_UNHELD */
  raise(path: string, more: Extra): Promise<void> {
    const none = this.ledger.raise(path, more);
    if (none === "account" && this.#common.books !== null) {
      return this.#common.raise(path, more).then(() => this.#wakes.look(path));
    }
    if (none !== null) throw notRaised(path, none);
    this.#wakes.look(path);
    return new Promise((resolve) => {
      const durable = this.ledger.isDurable(path);
      if (!durable || !this.#host.keep({ raised: path, more }, resolve)) resolve();
    });
  }

  /** A call wants to begin. `done` is called once, unless it is withdrawn. @param owner its thread */
  enter(entry: Entry, owner: object, done: (admission: Admission) => void): void {
    if (entry.limits === null) return this.#begin({ entry, owner, done }, null);
    const line = this.#line(entry.tool, entry.limits);
    if (line.waiting.size === 0 && this.#tryOne(line, { entry, owner, done })) return;
    if (line.waiting.size >= entry.limits.maxQueue) {
      const why = `${line.waiting.size} calls of it wait already`;
      return done({ say: "no", why, overloaded: true });
    }
    line.waiting.set(entry.id, { entry, owner, done });
  }

  /** Nobody waits for it any more. */
  withdraw(id: string): void {
    if (this.#common.giveUp(id)) this.#leave(id, { ok: null, spent: {} });
    for (const { waiting } of this.#lines.values()) waiting.delete(id);
    this.#wakes.delete(id);
    // It may be inside already: then its owner settles it, or is lost.
  }

  /** A call has ended. */
  settle(id: string, settled: Settled): void {
    if (this.#inside.get(id)?.common === true) this.#common.settle(id, settled.spent);
    this.#leave(id, settled);
  }

  /** It is inside no more; common books know already. */
  #leave(id: string, { ok, spent }: Settled): void {
    const inside = this.#inside.get(id);
    if (inside === undefined) return;
    this.#inside.delete(id);
    this.ledger.settle(id, spent);
    if (inside.kept) this.#host.keep({ settle: id, spent }, () => {});
    inside.gate?.leave(ok, this.#host.now());
    const line = this.#lines.get(inside.tool);
    if (line !== undefined) this.#pump(line);
  }

  /** A thread is gone: its calls may have spent all that they held. */
  lost(owner: object): void {
    this.#wakes.lost(owner);
    for (const { waiting } of this.#lines.values()) {
      for (const [id, each] of waiting) if (each.owner === owner) waiting.delete(id);
    }
    for (const [id, each] of this.#inside) {
      if (each.owner !== owner) continue;
      if (this.#common.giveUp(id)) this.#leave(id, { ok: null, spent: {} });
      else this.settle(id, { ok: null, spent: null });
    }
  }

  view(path: string): AccountView[] {
    return this.ledger.view(path, this.#host.now());
  }

  /** All accounts there are, by path. @throws ActorError E_STORE_REACH */
  async budgets(): Promise<Budget[]> {
    const own = this.ledger.paths.map((path) => ({ path, rows: this.view(path) }));
    const all = [...own.filter(({ rows }) => rows.length > 0), ...(await this.#common.look())];
    return all.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  #line(tool: string, limits: ToolLimits): Line {
    const known = this.#lines.get(tool);
    if (known !== undefined) return known;
    if (this.#lines.size >= TOOLS_MAX) this.#lines.clear();
    const line = { gate: new Gate(limits, this.#host.now()), waiting: new Map(), timed: false };
    this.#lines.set(tool, line);
    return line;
  }

  /** @returns whether the call has its answer */
  #tryOne(line: Line, call: Waiting): boolean {
    const word = line.gate.enter(this.#host.now());
    if (word.say === "go") this.#begin(call, line.gate);
    else if (word.say === "no") call.done({ say: "no", why: word.why, overloaded: false });
    else if (word.ms !== null && !line.timed) {
      line.timed = true;
      this.#host.after(word.ms, () => {
        line.timed = false;
        this.#pump(line);
      });
    }
    return word.say !== "wait";
  }

  #pump(line: Line): void {
    for (const [id, each] of line.waiting) {
      if (!this.#tryOne(line, each)) return;
      line.waiting.delete(id);
    }
  }

  /** The tool has room: has its actor? */
  #begin({ entry, owner, done }: Waiting, gate: Gate | null): void {
    const { id, tool, accounts, amounts } = entry;
    const common = accounts.filter(this.#common.has);
    const own = common.length === 0 ? accounts : accounts.filter((each) => !this.#common.has(each));
    const reserved = this.ledger.reserve(id, own, amounts, this.#host.now());
    if (reserved.refused !== null) {
      gate?.leave(null, this.#host.now());
      return done({ say: "quota", refusal: reserved.refused });
    }
    const { near, left } = reserved;
    const go = () => done({ say: "go", near, left });
    const paths = own.filter((each) => each.durable).map((each) => each.path);
    // What is spent before it is written down would be free after a crash.
    const kept = paths.length > 0 && this.#host.keep({ hold: id, paths, amounts }, go);
    this.#inside.set(id, { owner, gate, tool, kept, common: common.length > 0 });
    if (common.length > 0) {
      this.#common.hold(id, common, amounts, (said) => done(this.#admission(id, said, reserved)));
    } else if (!kept) go();
  }

  /** What common books have said; nothing is held here either if that is no. */
  #admission(
    id: string,
    said: Reserved | BooksFailure,
    own: { readonly near: readonly NearLimit[]; readonly left: Left | null },
  ): Admission {
    const isHeld = !("failed" in said) && said.refused === null;
    if (!isHeld) {
      this.#leave(id, { ok: null, spent: {} });
      if ("failed" in said) return { say: "away", why: said.failed };
      return { say: "quota", refusal: said.refused as Refusal };
    }
    const left =
      own.left !== null && own.left.ms < (said.left?.ms ?? Infinity) ? own.left : said.left;
    return { say: "go", near: [...said.near, ...own.near], left };
  }
}
