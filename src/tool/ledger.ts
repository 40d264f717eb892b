/**
 * Owns: the books of all quotas: what each account has spent, and what is held for calls under way.
 * Pure: no clock, no I/O. Does not own: whose accounts they are (actor/accounts.ts), the file
 * (ledger-file.ts), when to ask (desk.ts).
 *
 * Invariant: L-1 used + held of an account is never above its limit, unless a tool said afterwards
 * that it had spent more than the most it had promised. What is not known is counted as spent.
 */
import type { Account } from "../actor/accounts.ts";
import { ActorError } from "../actor/errors.ts";
import type { QuotaResource } from "../actor/exit.ts";
import type { NearLimit } from "../kernel/tools.ts";

/** What is counted up. Wall time is not: it passes. */
export const COUNTED = [
  "tokens",
  "microUsd",
  "steps",
  "toolCalls",
  "reductions",
  "memoryBytes",
] as const satisfies readonly QuotaResource[];

type Counted = (typeof COUNTED)[number];

/** Whole numbers; what is absent is 0. */
export type Amounts = { readonly [R in Counted]?: number };

/** A limit that would be passed. */
export interface Refusal {
  readonly path: string;
  readonly resource: QuotaResource;
  readonly limit: number;
  readonly used: number;
}

/** Time that is left to the tightest limit of it. */
export interface Left {
  /** @unit ms */
  readonly ms: number;
  readonly path: string;
  /** @unit ms */
  readonly limit: number;
}

export type Reserved =
  | { readonly refused: Refusal }
  | { readonly refused: null; readonly near: readonly NearLimit[]; readonly left: Left | null };

/** The books of one account. */
interface Book {
  account: Account;
  readonly used: Record<Counted, number>;
  readonly held: Record<Counted, number>;
  firstMs: number | null;
  readonly warned: Set<QuotaResource>;
}

/** One account as others see it. */
export interface AccountView {
  readonly resource: QuotaResource;
  readonly used: number;
  readonly held: number;
  readonly limit: number;
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
    const book = {
      account,
      used: nothing(),
      held: nothing(),
      firstMs: null,
      warned: new Set<never>(),
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
      const { path, limits } = book.account;
      const { wallMs: limit } = limits;
      if (limit === undefined) continue;
      const ms = book.firstMs + limit - nowMs;
      if (left === null || ms < left.ms) left = { ms, path, limit };
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

  /** What an account of an earlier node has spent. */
  restore(path: string, used: Amounts): void {
    const limits = { soft: { at: 1, tell: "" } };
    const book = this.#book({ path, limits, durable: true });
    for (const each of COUNTED) book.used[each] += used[each] ?? 0;
  }

  /** Limits of an account, with what is spent and held. */
  view(path: string, nowMs: number): AccountView[] {
    const book = this.#books.get(path);
    if (book === undefined) return [];
    const { limits } = book.account;
    const rows = COUNTED.flatMap((resource) => {
      const limit = limits[resource];
      if (limit === undefined) return [];
      return [{ resource, used: book.used[resource], held: book.held[resource], limit }];
    });
    const { wallMs: limit } = limits;
    if (limit === undefined) return rows;
    const used = book.firstMs === null ? 0 : Math.round(nowMs - book.firstMs);
    return [...rows, { resource: "wallMs", used, held: 0, limit }];
  }

  /** What durable accounts have spent, calls under way counted in full. */
  *durable(): Generator<readonly [string, Amounts]> {
    for (const [path, { account, used, held }] of this.#books) {
      if (!account.durable) continue;
      const sum = COUNTED.filter((each) => each !== "memoryBytes").map((each) => [
        each,
        used[each] + held[each],
      ]);
      yield [path, Object.fromEntries(sum)];
    }
  }

  /** Calls under way. */
  get holds(): number {
    return this.#holds.size;
  }
}

function refusalOf(book: Book, amounts: Amounts, nowMs: number): Refusal | null {
  const { account, used, held, firstMs } = book;
  const { path, limits } = account;
  for (const resource of COUNTED) {
    const limit = limits[resource];
    if (limit === undefined) continue;
    const spent = used[resource] + held[resource];
    // A limit that is passed already refuses also what would cost nothing of it.
    if (spent + (amounts[resource] ?? 0) > limit) return { path, resource, limit, used: spent };
  }
  const { wallMs: limit } = limits;
  if (limit === undefined || firstMs === null || nowMs - firstMs < limit) return null;
  return { path, resource: "wallMs", limit, used: Math.round(nowMs - firstMs) };
}

function nearOf({ account, used, held, warned }: Book): NearLimit[] {
  const { path, limits } = account;
  return COUNTED.flatMap((resource) => {
    const limit = limits[resource];
    const spent = used[resource] + held[resource];
    if (limit === undefined || warned.has(resource) || spent < limit * limits.soft.at) return [];
    if (resource === "memoryBytes") return [];
    warned.add(resource);
    return [{ path, resource, limit, used: spent, tell: limits.soft.tell }];
  });
}
