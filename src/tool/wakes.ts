/**
 * Owns: who is to be told that the time of a quota is over: actors that live under such a limit,
 * whether they do anything or not. One timer for each account.
 * Does not own: the books (ledger.ts), ending the actor (kernel/overtime.ts).
 */
import type { Account } from "../actor/accounts.ts";
import { type Ledger, overtime, type Refusal } from "./ledger.ts";

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
}

/** A host's timers go no further. @unit ms */
const LONGEST_MS = 2 ** 31 - 1;

export class Wakes {
  readonly #ledger: Ledger;
  readonly #host: Host;
  readonly #living = new Map<string, Living>();
  readonly #under = new Map<string, Set<Living>>();
  readonly #timed = new Set<string>();

  constructor(ledger: Ledger, host: Host) {
    this.#ledger = ledger;
    this.#host = host;
  }

  add(id: string, accounts: readonly Account[], owner: object, over: Living["over"]): void {
    const paths = accounts.map(({ path }) => path);
    const living = { id, paths, owner, over };
    this.#living.set(id, living);
    for (const account of accounts) {
      const { path, durable } = account;
      const began = this.#ledger.begin(account, this.#host.now());
      if (began && durable) this.#host.began(path);
      const under = this.#under.get(path) ?? new Set();
      this.#under.set(path, under.add(living));
    }
    for (const path of paths) this.look(path);
  }

  delete(id: string): void {
    const living = this.#living.get(id);
    if (living === undefined) return;
    this.#living.delete(id);
    for (const path of living.paths) {
      const under = this.#under.get(path);
      under?.delete(living);
      if (under?.size === 0) this.#under.delete(path);
    }
  }

  /** A thread is gone, its actors with it. */
  lost(owner: object): void {
    for (const each of this.#living.values()) if (each.owner === owner) this.delete(each.id);
  }

  /** Looks at the time of an account, now and when it should be over. */
  look(path: string): void {
    const under = this.#under.get(path);
    const left = this.#ledger.timeLeft(path, this.#host.now());
    if (under === undefined || left === null) return;
    const why = overtime(left);
    if (why !== null) {
      for (const each of [...under]) {
        this.delete(each.id);
        each.over(why);
      }
      return;
    }
    // A limit may have been raised while a timer runs: it looks again then.
    if (this.#timed.has(path)) return;
    this.#timed.add(path);
    this.#host.after(Math.min(Math.ceil(left.ms), LONGEST_MS), () => {
      this.#timed.delete(path);
      this.look(path);
    });
  }
}
