/**
 * Owns: whether a thread that has nothing to do looks out for mail of other threads before it
 * sleeps, and for how long: to wake a thread takes the operating system far longer than an answer
 * takes. Looking out that brings nothing, as on a machine with more threads than processors, stops
 * itself (ADR 0033).
 * Does not own: mail (transport.ts), when there is nothing to do (pump.ts).
 */

/** Looks after which it is decided anew whether they pay. */
const TRIAL = 16;
/** Looks in vain among them that are too many. */
const TOO_MANY = 5;
/** How long nobody looks then: doubled from trial to trial until one pays. @unit ms */
const REST_MS = [1, 1_000] as const;
/** Longest time of looks with success before timers and sockets get their turn. @unit ms */
const STREAK_MS = 1;
/** Peeks between two looks at the clock. */
const PEEKS = 16;

/** What a lookout needs of its host. */
export interface LookoutHost {
  /** Longest look; 0 = never look. @unit ms */
  readonly limitMs: number;
  /** Has another thread posted what this one has not taken yet? */
  readonly mail: () => boolean;
  /** A clock that never jumps. @unit ms, with fractions */
  readonly now: () => number;
}

/** Looks out for mail, for one thread. */
export class Lookout {
  /** Time spent looking since the thread began. @unit ms */
  spentMs = 0;
  /** How often it has looked, and how often in vain. */
  looks = 0;
  misses = 0;
  readonly #host: LookoutHost;
  #stirred = false;
  /** Of this trial. */
  #tried = 0;
  #vain = 0;
  #restMs: number = REST_MS[0];
  #restUntilMs = Number.NEGATIVE_INFINITY;
  /** When the first of the looks began that have had success ever since. */
  #streakMs = Number.POSITIVE_INFINITY;

  constructor(host: LookoutHost) {
    this.#host = host;
  }

  /** Something goes to another thread, or has come from one: more may come soon. */
  readonly stir = (): void => {
    this.#stirred = true;
  };

  /** The event loop has had its turn. */
  turned(): void {
    this.#streakMs = Number.POSITIVE_INFINITY;
  }

  /**
   * There is nothing to do: looks out, if something stirs and it has paid lately.
   *
   * @returns false: not before the event loop has had its turn
   */
  look(): boolean {
    const { limitMs, mail, now } = this.#host;
    if (!this.#stirred || limitMs === 0 || mail()) return true;
    const beganMs = now();
    if (beganMs < this.#restUntilMs) return true;
    if (beganMs - this.#streakMs > STREAK_MS) return false;
    this.#stirred = false;
    if (this.#streakMs > beganMs) this.#streakMs = beganMs;
    let [found, nowMs] = [false, beganMs];
    while (!found && nowMs - beganMs < limitMs) {
      for (let peeks = 0; peeks < PEEKS && !found; peeks++) found = mail();
      nowMs = now();
    }
    this.spentMs += nowMs - beganMs;
    // Found too late is not found: this thread itself was not running.
    this.#judge(found && nowMs - beganMs <= limitMs, nowMs);
    return true;
  }

  #judge(paid: boolean, nowMs: number): void {
    this.looks++;
    this.#tried++;
    if (!paid) {
      this.misses++;
      this.#vain++;
      this.turned();
    }
    if (this.#vain === TOO_MANY) {
      this.#restUntilMs = nowMs + this.#restMs;
      this.#restMs = Math.min(this.#restMs * 2, REST_MS[1]);
    } else if (this.#tried === TRIAL) {
      this.#restMs = REST_MS[0];
    } else return;
    this.#tried = this.#vain = 0;
  }
}
