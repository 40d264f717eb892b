/**
 * Owns: the books of all quotas: what each account has spent, and what is held for calls under way.
 * Pure: no clock, no I/O. Does not own: whose accounts they are (actor/accounts.ts), the file
 * (ledger-file.ts), when to ask (desk.ts).
 *
 * Invariant: L-1 used + held of an account is never above its limit, unless a tool said afterwards
 * that it had spent more than the most it had promised. What is not known is counted as spent.
 */
import type { Account } from "../actor/accounts.ts";
import {
  type AccountView,
  type Amounts,
  COUNTED,
  type Counted,
  type Extra,
  type Left,
  type NearLimit,
  type Refusal,
  type Reserved,
} from "../actor/books.ts";
import { ActorError } from "../actor/errors.ts";
import type { QuotaResource } from "../actor/exit.ts";

/** What of an account outlives its node. */
export interface Kept {
  readonly used: Amounts;
  /** When its time began; null: it has not. In the time of whoever asks. */
  readonly firstMs: number | null;
  readonly extra: Extra;
}

/** The books of one account. */
interface Book {
  account: Account;
  extra: Extra;
  readonly used: Record<Counted, number>;
  readonly held: Record<Counted, number>;
  firstMs: number | null;
  readonly warned: Set<QuotaResource>;
}

interface Hold {
  readonly books: readonly Book[];
  readonly amounts: Amounts;
}

/** An account more than this is refused: nothing is forgotten for it. */
const ACCOUNTS_MAX = 1_000_000;

const nothing = (): Record<Counted, number> => ({
  tokens: 0,
  microUsd: 0,
  steps: 0,
  toolCalls: 0,
  reductions: 0,
  memoryBytes: 0,
});

/** The books of a node. */
export class Ledger {
  readonly #books = new Map<string, Book>();
  readonly #holds = new Map<string, Hold>();
  /** Calls that spent more than they had reserved. */
  overruns = 0;

  #book(account: Account): Book {
    const known = this.#books.get(account.path);
    if (known !== undefined) {
      known.account = account;
      return known;
    }
    if (this.#books.size >= ACCOUNTS_MAX) {
      throw new ActorError("overloaded", `${ACCOUNTS_MAX} quotas are kept already`, {
        at: account.path,
        fix: "put the quota on a supervisor instead of on each of so many children",
      });
    }
    const book: Book = {
      account,
      extra: {},
      used: nothing(),
      held: nothing(),
      firstMs: null,
      warned: new Set<QuotaResource>(),
    };
    this.#books.set(account.path, book);
    return book;
  }

  /** Holds amounts in all accounts, or in none. @param id of the call; used once */
  reserve(id: string, accounts: readonly Account[], amounts: Amounts, nowMs: number): Reserved {
    const books = accounts.map((each) => this.#book(each));
    for (const book of books) {
      const refused = refusalOf(book, amounts, nowMs);
      if (refused !== null) return { refused };
    }
    const near: NearLimit[] = [];
    let left: Left | null = null;
    for (const book of books) {
      for (const each of COUNTED) book.held[each] += amounts[each] ?? 0;
      book.firstMs ??= nowMs;
      near.push(...nearOf(book));
      const own = timeOf(book, nowMs);
      if (own !== null && (left === null || own.ms < left.ms)) left = own;
    }
    this.#holds.set(id, { books, amounts });
    return { refused: null, near, left };
  }

  /** A call has ended: what it spent is counted, the rest given back. @param spent null: unknown */
  settle(id: string, spent: Amounts | null): void {
    const hold = this.#holds.get(id);
    if (hold === undefined) return;
    this.#holds.delete(id);
    const { books, amounts } = hold;
    const real = spent ?? amounts;
    if (COUNTED.some((each) => (real[each] ?? 0) > (amounts[each] ?? 0))) this.overruns++;
    for (const book of books) {
      for (const each of COUNTED) {
        book.held[each] -= amounts[each] ?? 0;
        // Memory is lent: all of it comes back.
        if (each !== "memoryBytes") book.used[each] += real[each] ?? 0;
      }
    }
  }

  /** An account there is, also before anybody has spent of it. */
  know(account: Account): void {
    this.#book(account);
  }

  /** The time of an account begins with the first actor under it. @returns whether it did so now */
  begin(account: Account, nowMs: number): boolean {
    const book = this.#book(account);
    if (book.firstMs !== null) return false;
    book.firstMs = nowMs;
    return true;
  }

  /** Time that is left to an account; null: it has no such limit, or its time has not begun. */
  timeLeft(path: string, nowMs: number): Left | null {
    const book = this.#books.get(path);
    return book === undefined ? null : timeOf(book, nowMs);
  }

  /** Raises limits there are. @returns what has no limit that could be raised; null: all have */
  raise(path: string, more: Extra): QuotaResource | "account" | null {
    const book = this.#books.get(path);
    if (book === undefined) return "account";
    const names = Object.keys(more) as QuotaResource[];
    const none = names.find((each) => book.account.limits[each] === undefined);
    if (none !== undefined) return none;
    const sum = names.map((each) => [each, (book.extra[each] ?? 0) + (more[each] ?? 0)]);
    book.extra = { ...book.extra, ...Object.fromEntries(sum) };
    for (const each of names) book.warned.delete(each);
    return null;
  }

  /** Does what this account has spent outlive the node? */
  isDurable(path: string): boolean {
    return this.#books.get(path)?.account.durable ?? false;
  }

  /** What an account of an earlier node has spent. */
  restore(path: string, { used, firstMs, extra }: Kept): void {
    const limits = { soft: { at: 1, tell: "" } };
    const book = this.#book({ path, limits, durable: true, spread: true });
    for (const each of COUNTED) book.used[each] += used[each] ?? 0;
    book.firstMs = firstMs;
    book.extra = extra;
  }

  /** Paths that have an account. */
  get paths(): string[] {
    return [...this.#books.keys()];
  }

  /** Limits of an account, with what is spent and held. */
  view(path: string, nowMs: number): AccountView[] {
    const book = this.#books.get(path);
    if (book === undefined) return [];
    const rows = COUNTED.flatMap((resource) => {
      const limit = limitOf(book, resource);
      if (limit === undefined) return [];
      return [{ resource, used: book.used[resource], held: book.held[resource], limit }];
    });
    const limit = limitOf(book, "wallMs");
    if (limit === undefined) return rows;
    const used = book.firstMs === null ? 0 : Math.round(nowMs - book.firstMs);
    return [...rows, { resource: "wallMs", used, held: 0, limit }];
  }

  /** What durable accounts have spent, calls under way counted in full. */
  *durable(): Generator<readonly [string, Kept]> {
    for (const [path, { account, used, held, firstMs, extra }] of this.#books) {
      if (!account.durable) continue;
      const sum = COUNTED.filter((each) => each !== "memoryBytes").map((each) => [
        each,
        used[each] + held[each],
      ]);
      yield [path, { used: Object.fromEntries(sum), firstMs, extra }];
    }
  }

  /** Calls under way. */
  get holds(): number {
    return this.#holds.size;
  }
}

function limitOf({ account, extra }: Book, resource: QuotaResource): number | undefined {
  const limit = account.limits[resource];
  return limit === undefined ? undefined : limit + (extra[resource] ?? 0);
}

function timeOf(book: Book, nowMs: number): Left | null {
  const limit = limitOf(book, "wallMs");
  if (limit === undefined || book.firstMs === null) return null;
  return { ms: book.firstMs + limit - nowMs, path: book.account.path, limit };
}

/** Time that is over. */
export const overtime = ({ ms, path, limit }: Left): Refusal | null =>
  ms > 0 ? null : { path, resource: "wallMs", limit, used: Math.round(limit - ms) };

function refusalOf(book: Book, amounts: Amounts, nowMs: number): Refusal | null {
  const { account, used, held } = book;
  const { path } = account;
  for (const resource of COUNTED) {
    const limit = limitOf(book, resource);
    if (limit === undefined) continue;
    const spent = used[resource] + held[resource];
    // A limit that is passed already refuses also what would cost nothing of it.
    if (spent + (amounts[resource] ?? 0) > limit) return { path, resource, limit, used: spent };
  }
  const left = timeOf(book, nowMs);
  return left === null ? null : overtime(left);
}

function nearOf(book: Book): NearLimit[] {
  const { account, used, held, warned } = book;
  const { path, limits } = account;
  return COUNTED.flatMap((resource) => {
    const limit = limitOf(book, resource);
    const spent = used[resource] + held[resource];
    if (limit === undefined || warned.has(resource) || spent < limit * limits.soft.at) return [];
    if (resource === "memoryBytes") return [];
    warned.add(resource);
    return [{ path, resource, limit, used: spent, tell: limits.soft.tell }];
  });
}
