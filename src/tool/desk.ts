/**
 * Owns: who may make a call now: one desk a node lets calls in, by the limits of their tool and the
 * quotas of their actor, in the order they came; and settles what they spent.
 * Does not own: the books (ledger.ts), the limits (gate.ts), how it is reached (node/desk-link.ts).
 */
import type { Account } from "../actor/accounts.ts";
import { ActorError } from "../actor/errors.ts";
import type { ToolLimits } from "../actor/pace.ts";
import type { NearLimit } from "../kernel/tools.ts";
import { Gate } from "./gate.ts";
import type { AccountView, Amounts, Extra, Left, Refusal } from "./ledger.ts";
import { Ledger } from "./ledger.ts";
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
  | { readonly say: "no"; readonly why: string; readonly overloaded: boolean };

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
}

/** An account with its limits. */
export interface Budget {
  readonly path: string;
  readonly rows: readonly AccountView[];
}

function notRaised(path: string, what: string): ActorError {
  if (what === "account") {
    const fix = "coppice budget lists those there are";
    return new ActorError("E_PATH_UNKNOWN", `${path} has no quota`, { at: path, fix });
  }
  const fix = "only a limit that its quota names can be raised";
  return new ActorError("E_QUOTA_UNHELD", `${path} has no limit of ${what}`, { at: path, fix });
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

  constructor(host: DeskHost) {
    this.#host = host;
    const began = (path: string) => void host.keep({ began: path }, () => {});
    this.#wakes = new Wakes(this.ledger, { ...host, began });
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
    for (const { waiting } of this.#lines.values()) waiting.delete(id);
    this.#wakes.delete(id);
    // It may be inside already: then its owner settles it, or is lost.
  }

  /** A call has ended. */
  settle(id: string, { ok, spent }: Settled): void {
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
      if (each.owner === owner) this.settle(id, { ok: null, spent: null });
    }
  }

  view(path: string): AccountView[] {
    return this.ledger.view(path, this.#host.now());
  }

  /** All accounts there are, by path. */
  budgets(): Budget[] {
    const paths = this.ledger.paths.sort();
    return paths.map((path) => ({ path, rows: this.view(path) })).filter(({ rows }) => rows.length);
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
    const reserved = this.ledger.reserve(id, accounts, amounts, this.#host.now());
    if (reserved.refused !== null) {
      gate?.leave(null, this.#host.now());
      return done({ say: "quota", refusal: reserved.refused });
    }
    const { near, left } = reserved;
    const go = () => done({ say: "go", near, left });
    const paths = accounts.filter((each) => each.durable).map((each) => each.path);
    // What is spent before it is written down would be free after a crash.
    const kept = paths.length > 0 && this.#host.keep({ hold: id, paths, amounts }, go);
    this.#inside.set(id, { owner, gate, tool, kept });
    if (!kept) go();
  }
}
