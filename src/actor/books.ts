/**
 * Owns: what the books of quotas are about: amounts, limits that would be passed, accounts as others
 * see them; and what books that several nodes share are asked. Types, and the list of resources.
 * Does not own: keeping them (tool/ledger.ts for a node, store/redis-books.ts for several).
 */
import type { QuotaResource } from "./exit.ts";
import type { QuotaLimits } from "./quota.ts";

/** What is counted up. Wall time is not: it passes. */
export const COUNTED = [
  "tokens",
  "microUsd",
  "steps",
  "toolCalls",
  "reductions",
  "memoryBytes",
] as const satisfies readonly QuotaResource[];

export type Counted = (typeof COUNTED)[number];

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

/** A limit of a quota that is nearly used up, and the message that says so. */
export interface NearLimit {
  readonly path: string;
  readonly resource: QuotaResource;
  readonly used: number;
  readonly limit: number;
  readonly tell: string;
}

export type Reserved =
  | { readonly refused: Refusal }
  | { readonly refused: null; readonly near: readonly NearLimit[]; readonly left: Left | null };

/** What a person has added to limits, also to the one of time. */
export type Extra = { readonly [R in QuotaResource]?: number };

/** One account as others see it. */
export interface AccountView {
  readonly resource: QuotaResource;
  readonly used: number;
  readonly held: number;
  readonly limit: number;
}

/** An account with its limits. */
export interface Budget {
  readonly path: string;
  readonly rows: readonly AccountView[];
}

/** An account as its limits come with a request. */
export interface Named {
  readonly path: string;
  readonly limits: QuotaLimits;
}

/** What the books that nodes share are asked, and what they answer. Plain data. */
export interface BooksTalk {
  /** Holds amounts in all accounts, or in none. */
  hold: [{ id: string; accounts: readonly Named[]; amounts: Amounts }, Reserved];
  /** A call has ended; who knows no such hold any more does nothing. `spent` null: unknown. */
  settle: [{ id: string; spent: Amounts | null }, null];
  /** Accounts there are, also before anybody has spent of them. */
  know: [{ accounts: readonly Named[] }, null];
  /** Actors live under limits of time: it begins, if it has not. Answers what is left of each. */
  begin: [{ accounts: readonly Named[] }, readonly Left[]];
  /** Raises limits there are. Answers what has none that could be raised; null: all have. */
  raise: [{ path: string; more: Extra }, QuotaResource | "account" | null];
  /** All accounts. */
  look: [Record<never, never>, readonly Budget[]];
}

export type BooksVerb = keyof BooksTalk;

/** One request, in the words of {@link BooksTalk}. */
export type BooksRequest = {
  [V in BooksVerb]: { readonly verb: V } & Readonly<BooksTalk[V][0]>;
}[BooksVerb];

/** Books that nodes share, near or far. What is asked is done in order. */
export interface CommonBooks {
  /** @param done called once, when the books can be reached; with what went wrong, if it did */
  ask<V extends BooksVerb>(
    request: { readonly verb: V } & Readonly<BooksTalk[V][0]>,
    done: (answer: BooksTalk[V][1] | BooksFailure) => void,
  ): void;
}

/** The books could not do what they were asked. */
export interface BooksFailure {
  readonly failed: string;
}
