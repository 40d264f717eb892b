/**
 * Owns: who is to be told that the time of a quota is over: actors that live under such a limit,
 * whether they do anything or not. One timer for each account.
 * Does not own: the books (ledger.ts, those of several nodes: shared-books.ts), ending the actor
 * (kernel/overtime.ts).
 */
import type { Account } from "../actor/accounts.ts";
import type { Left, Refusal } from "../actor/books.ts";
import { type Ledger, overtime } from "./ledger.ts";

interface Living {
  readonly id: string;
  readonly paths: readonly string[];
  readonly owner: object;
  readonly over: (why: Refusal) => void;
}

interface Host {
  readonly now: () => number;
  /** Calls back later. @unit ms */
  readonly after: (ms: number, fire: () => void) => void;
  /** The time of a durable account has begun. */
  readonly began: (path: string) => void;
  /** Are the books of this account common ones? */
  readonly isCommon: (account: Account) => boolean;
  /** Time of common accounts, which begins with that; called back when they can be reached. */
  readonly beginCommon: (
    accounts: readonly Account[],
    then: (left: readonly Left[]) => void,
  ) => void;
}

/** A host's timers go no further. @unit ms */
const LONGEST_MS = 2 ** 31 - 1;

export class Wakes {
  readonly #ledger: Ledger;
  readonly #host: Host;
  readonly #living = new Map<string, Living>();
  readonly #under = new Map<string, Set<Living>>();
  readonly #common = new Map<string, Account>();
  readonly #timed = new Set<string>();

  constructor(ledger: Ledger, host: Host) {
    this.#ledger = ledger;
    this.#host = host;
  }

  add(id: string, accounts: readonly Account[], owner: object, over: Living["over"]): void {
    const paths = accounts.map(({ path }) => path);
    const living = { id, paths, owner, over };
    this.#living.set(id, living);
    const common = accounts.filter(this.#host.isCommon);
    for (const account of common) this.#common.set(account.path, account);
    for (const account of accounts) {
      const { path, durable } = account;
      const under = this.#under.get(path) ?? new Set();
      this.#under.set(path, under.add(living));
      if (this.#common.has(path)) continue;
      const began = this.#ledger.begin(account, this.#host.now());
      if (began && durable) this.#host.began(path);
    }
    if (common.length > 0) this.#ask(common);
    for (const path of paths) if (!this.#common.has(path)) this.look(path);
  }

  delete(id: string): void {
    const living = this.#living.get(id);
    if (living === undefined) return;
    this.#living.delete(id);
    for (const path of living.paths) {
      const under = this.#under.get(path);
      under?.delete(living);
      if (under?.size !== 0) continue;
      this.#under.delete(path);
      this.#common.delete(path);
    }
  }

  /** A thread is gone, its actors with it. */
  lost(owner: object): void {
    for (const each of this.#living.values()) if (each.owner === owner) this.delete(each.id);
  }

  /** Looks at the time of an account, now and when it should be over. */
  look(path: string): void {
    const common = this.#common.get(path);
    // Another node may have raised it since.
    if (common !== undefined) return this.#ask([common]);
    const left = this.#ledger.timeLeft(path, this.#host.now());
    if (left !== null) this.#mind(left);
  }

  #ask(accounts: readonly Account[]): void {
    this.#host.beginCommon(accounts, (all) => {
      for (const left of all) this.#mind(left);
    });
  }

  /** So much is left now. */
  #mind(left: Left): void {
    const { path } = left;
    const why = overtime(left);
    if (why !== null) {
      for (const each of [...(this.#under.get(path) ?? [])]) {
        this.delete(each.id);
        each.over(why);
      }
      return;
    }
    // A limit may have been raised while a timer runs: it looks again then.
    if (!this.#under.has(path) || this.#timed.has(path)) return;
    this.#timed.add(path);
    this.#host.after(Math.min(Math.ceil(left.ms), LONGEST_MS), () => {
      this.#timed.delete(path);
      this.look(path);
    });
  }
}
