/**
 * Owns: a desk's side of books that nodes share: which accounts are there, and how long a call waits
 * for its hold when they cannot be reached. It never begins without one.
 * Does not own: the books (store/redis-books.ts), the way there (node/books-link.ts).
 */
import type { Account } from "../actor/accounts.ts";
import type {
  Amounts,
  BooksFailure,
  Budget,
  CommonBooks,
  Extra,
  Left,
  Reserved,
} from "../actor/books.ts";
import { ActorError } from "../actor/errors.ts";

/** A call waits so long for its hold; then it fails, and nothing has run. @unit ms */
const PATIENCE_MS = 30_000;
/** So many calls wait at a time; what comes then fails at once. */
const WAITING_MAX = 10_000;

interface Host {
  readonly now: () => number;
  /** Calls back later. @unit ms */
  readonly after: (ms: number, fire: () => void) => void;
}

interface Waiting {
  readonly sinceMs: number;
  readonly done: (said: Reserved | BooksFailure) => void;
}

const failed = (said: object): said is BooksFailure => "failed" in said;

/** Where they are, if there are any. */
export class SharedBooks {
  readonly books: CommonBooks | null;
  readonly #host: Host;
  /** By when they came. */
  readonly #waiting = new Map<string, Waiting>();
  #timed = false;

  /** @param books null: this node has all accounts itself */
  constructor(books: CommonBooks | null, host: Host) {
    this.books = books;
    this.#host = host;
  }

  /** Does this account lie there? */
  readonly has = ({ spread }: Account): boolean => spread && this.books !== null;

  /** @param done called once, unless it is given up */
  hold(
    id: string,
    accounts: readonly Account[],
    amounts: Amounts,
    done: (said: Reserved | BooksFailure) => void,
  ): void {
    if (this.#waiting.size >= WAITING_MAX) {
      return done({ failed: `${WAITING_MAX} calls wait already` });
    }
    this.#waiting.set(id, { sinceMs: this.#host.now(), done });
    this.#watch();
    this.books?.ask({ verb: "hold", id, accounts: accounts.map(named), amounts }, (said) => {
      const waiting = this.#waiting.get(id);
      // Who was given up has settled behind this hold: it costs nothing.
      if (waiting === undefined) return;
      this.#waiting.delete(id);
      waiting.done(said);
    });
  }

  /** Nobody waits for it any more. @returns whether it was waited for: it has not begun */
  giveUp(id: string): boolean {
    if (!this.#waiting.delete(id)) return false;
    this.settle(id, {});
    return true;
  }

  settle(id: string, spent: Amounts | null): void {
    this.books?.ask({ verb: "settle", id, spent }, () => {});
  }

  /** The time of accounts, which begins with that. */
  begin(accounts: readonly Account[], then: (left: readonly Left[]) => void): void {
    this.books?.ask({ verb: "begin", accounts: accounts.map(named) }, (said) => {
      if (!failed(said)) then(said);
    });
  }

  /** Raises limits there are. @throws ActorError E_PATH_UNKNOWN E_QUOTA_UNHELD E_STORE_REACH */
  raise(path: string, more: Extra): Promise<void> {
    return new Promise((resolve, reject) => {
      this.books?.ask({ verb: "raise", path, more }, (none) => {
        if (none === null) resolve();
        else reject(typeof none === "string" ? notRaised(path, none) : unreached(none, path));
      });
    });
  }

  /** All accounts there. @throws ActorError E_STORE_REACH */
  look(): Promise<readonly Budget[]> {
    const { books } = this;
    if (books === null) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      books.ask({ verb: "look" }, (said) => {
        if (failed(said)) reject(unreached(said, "coppice budget"));
        else resolve(said);
      });
    });
  }

  /** Calls back for who waits the longest. */
  #watch(): void {
    const [first] = this.#waiting.values();
    if (this.#timed || first === undefined) return;
    this.#timed = true;
    this.#host.after(Math.max(first.sinceMs + PATIENCE_MS - this.#host.now(), 0), () => {
      this.#timed = false;
      const now = this.#host.now();
      for (const [id, { sinceMs, done }] of this.#waiting) {
        if (sinceMs + PATIENCE_MS > now) break;
        this.giveUp(id);
        done({ failed: `no answer for ${PATIENCE_MS / 1_000} s` });
      }
      this.#watch();
    });
  }
}

const named = ({ path, limits }: Account) => ({ path, limits });

/** @param what has no limit that could be raised */
export function notRaised(path: string, what: string): ActorError {
  if (what === "account") {
    const fix = "coppice budget lists those there are";
    return new ActorError("E_PATH_UNKNOWN", `${path} has no quota`, { at: path, fix });
  }
  const fix = "only a limit that its quota names can be raised";
  return new ActorError("E_QUOTA_UNHELD", `${path} has no limit of ${what}`, { at: path, fix });
}

const unreached = ({ failed: why }: BooksFailure, at: string): ActorError =>
  new ActorError("E_STORE_REACH", `the books of quotas cannot be reached: ${why}`, {
    at,
    fix: "coppice doctor shows what Redis says; try again when it answers",
  });
