/**
 * Owns: when a call of one tool may begin: how many at a time, how many in a time, and not while it
 * only fails. One for each tool of a node. Pure: it is told the time.
 * Does not own: who waits (desk.ts), what a call costs (ledger.ts).
 */
import type { ToolLimits } from "../actor/pace.ts";

export type Word =
  | { readonly say: "go" }
  /** Not yet: when a call has ended, or at the latest after this. @unit ms, null: only then */
  | { readonly say: "wait"; readonly ms: number | null }
  | { readonly say: "no"; readonly why: string };

const GO: Word = { say: "go" };

/** The gate of one tool. */
export class Gate {
  readonly #limits: ToolLimits;
  #running = 0;
  #failures = 0;
  /** The breaker is open until then; null: closed. */
  #openUntilMs: number | null = null;
  /** One call tries whether the tool works again. */
  #trying = false;
  #tokens: number;
  #filledMs: number;

  constructor(limits: ToolLimits, nowMs: number) {
    this.#limits = limits;
    this.#tokens = limits.rate?.calls ?? 0;
    this.#filledMs = nowMs;
  }

  /** May a call begin? If so, it has begun. */
  enter(nowMs: number): Word {
    const { concurrency, rate, breaker } = this.#limits;
    if (breaker !== null && this.#openUntilMs !== null) {
      const left = this.#openUntilMs - nowMs;
      if (left > 0 || this.#trying) {
        const when = this.#trying ? "one call tries it now" : `it is tried again in ${left} ms`;
        return { say: "no", why: `it failed ${this.#failures} times in a row; ${when}` };
      }
    }
    if (concurrency !== null && this.#running >= concurrency) return { say: "wait", ms: null };
    if (rate !== null) {
      const gained = ((nowMs - this.#filledMs) * rate.calls) / rate.perMs;
      this.#tokens = Math.min(rate.calls, this.#tokens + gained);
      this.#filledMs = nowMs;
      if (this.#tokens < 1) {
        return { say: "wait", ms: Math.ceil(((1 - this.#tokens) * rate.perMs) / rate.calls) };
      }
      this.#tokens--;
    }
    this.#running++;
    if (this.#openUntilMs !== null) this.#trying = true;
    return GO;
  }

  /** A call has ended. @param ok null: it says nothing about the tool */
  leave(ok: boolean | null, nowMs: number): void {
    this.#running--;
    const { breaker } = this.#limits;
    if (breaker === null) return;
    const tried = this.#trying;
    this.#trying = false;
    if (ok === true) {
      this.#failures = 0;
      this.#openUntilMs = null;
    } else if (ok === false) {
      this.#failures++;
      if (tried || this.#failures >= breaker.failures)
        this.#openUntilMs = nowMs + breaker.cooldownMs;
    }
  }
}
