/**
 * Owns: of which crashes the stack is kept. Where the same error comes again and again, putting its
 * stack into words would cost more than all the restarts; the first ones say all there is to say.
 * Does not own: the words (actor/exit.ts), telling them (node/, observe/).
 */

/** Stacks of the same error that are kept, in one period, below one supervisor. */
export const STACKS_MAX = 10;
/** @unit ms */
const PERIOD_MS = 1_000;
/** Different errors that are told apart in one period; what comes after them is one error. */
const ERRORS_MAX = 1_000;
/** Characters of a message that make it another error. */
const MESSAGE_MAX = 200;

/** Counts the crashes of a kernel. */
export class Stacks {
  readonly #counts = new Map<string, number>();
  #untilMs = Number.NEGATIVE_INFINITY;

  /** Errors below one supervisor are the same if they differ in nothing but numbers. */
  keeps(parent: string, name: string, message: string, nowMs: number): boolean {
    const counts = this.#counts;
    if (nowMs >= this.#untilMs) {
      counts.clear();
      this.#untilMs = nowMs + PERIOD_MS;
    }
    const said = message.slice(0, MESSAGE_MAX).replace(/\d+/g, "0");
    const key = `${parent} ${name} ${said}`;
    const known = counts.get(key) ?? (counts.size < ERRORS_MAX ? 0 : (counts.get("") ?? 0));
    if (known >= STACKS_MAX) return false;
    counts.set(counts.has(key) || counts.size < ERRORS_MAX ? key : "", known + 1);
    return true;
  }
}
