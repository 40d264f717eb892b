/**
 * Owns: noticing that an agent goes in circles, from its tool calls alone, with words the model can
 * read. Pure: it is told the time. One for each life of an actor that asks for it.
 * Does not own: the limits (actor/runaway.ts), refusing the call (broker.ts).
 */
import type { RunawayLimits } from "../actor/runaway.ts";

/** Pauses that grow by this are polling; so is one that is as long as SLOW_MS. */
const GROWTH = 1.2;
const SLOW_MS = 60_000;
const TRAIL_MAX = 2_002;

/** Watches the calls of one life. */
export class Circles {
  readonly #limits: RunawayLimits;
  /** Calls that were made, newest last. */
  #trail: string[] = [];
  #identical = 0;
  #lastMs = 0;
  #pauseMs = 0;
  readonly #errors = new Map<string, number>();
  #result: { tool: string; text: string; count: number } | null = null;

  constructor(limits: RunawayLimits) {
    this.#limits = limits;
  }

  /** @param call tool and input as text. @returns why this call must not be made, or null */
  before(tool: string, call: string, nowMs: number): string | null {
    const { identical, alternating, errors, stalled } = this.#limits;
    const same = this.#trail.at(-1) === call;
    const pauseMs = nowMs - this.#lastMs;
    const polls =
      same && (pauseMs >= SLOW_MS || (this.#pauseMs > 0 && pauseMs >= this.#pauseMs * GROWTH));
    const count = same ? this.#identical + (polls ? 0 : 1) : 1;
    if (identical > 0 && count > identical) {
      return `${tool} was called ${identical} times in a row with the same input; its answer stands`;
    }
    if (alternating > 0 && this.#alternates(call, alternating)) {
      return `the same two calls were made ${alternating} times in turn; neither brought anything new`;
    }
    const failures = this.#errors.get(tool) ?? 0;
    if (errors > 0 && failures >= errors) {
      this.#errors.set(tool, 0);
      return `${tool} has failed ${failures} times in a row; do it another way, or say that you cannot`;
    }
    const { tool: last, count: results } = this.#result ?? { tool: "", count: 0 };
    if (stalled > 0 && last === tool && results >= stalled && !polls) {
      this.#result = null;
      return `${tool} gave the same answer ${results} times in a row, whatever it was asked`;
    }
    this.#identical = count;
    this.#pauseMs = same ? pauseMs : 0;
    this.#lastMs = nowMs;
    this.#trail.push(call);
    if (this.#trail.length > TRAIL_MAX) this.#trail = this.#trail.slice(-TRAIL_MAX / 2);
    return null;
  }

  /** @param text of the result, null: it failed */
  after(tool: string, text: string | null): void {
    this.#errors.set(tool, text === null ? (this.#errors.get(tool) ?? 0) + 1 : 0);
    if (text === null) return;
    const { tool: last, text: before, count } = this.#result ?? { tool: "", text: "", count: 0 };
    const again = last === tool && before === text;
    this.#result = { tool, text, count: again ? count + 1 : 1 };
  }

  /** Would this call make `pairs` pairs, and one more begin? */
  #alternates(call: string, pairs: number): boolean {
    const trail = this.#trail.slice(-2 * pairs);
    if (trail.length < 2 * pairs) return false;
    const [first, second] = trail;
    if (first === second || call !== first) return false;
    return trail.every((each, index) => each === (index % 2 === 0 ? first : second));
  }
}
