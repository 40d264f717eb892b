/**
 * Owns: an ordered line of calls: what arrives while one call is under way is the next call. A call
 * whose end nobody knows is made again under the same number, until it is answered or the line ends.
 * Does not own: what a call does (redis-store.ts).
 */

import { type Arg, lengthOf } from "./redis-bytes.ts";
import { isPassing } from "./redis-connect.ts";
import type { Reply } from "./redis-wire.ts";

/** A call is closed to further pieces at these sizes: later ones should not wait long. */
const CALL_PIECES = 1_000;
const CALL_BYTES = 1_000_000;
/** Pauses between the tries of a call double up to this. @unit ms */
const PAUSE_MAX_MS = 500;

/** Operations that share one fate: they are in one call. */
interface Piece {
  readonly ops: readonly (readonly Arg[])[];
  readonly bytes: number;
  readonly resolve: (replies: readonly Reply[]) => void;
  readonly reject: (thrown: unknown) => void;
}

export interface LineOptions {
  /** Number of the last call of this line's predecessor: what of it is late must not look new. */
  readonly last?: number;
  /** Makes one call. @returns one reply per operation */
  readonly call: (number: number, args: Arg[]) => Promise<readonly Reply[]>;
  /** A call could not be made, or its answer was lost: it is made again. */
  readonly troubled: (thrown: unknown) => void;
}

/** One line. */
export class Line {
  readonly #options: LineOptions;
  #waiting: Piece[] = [];
  #busy = false;
  #number: number;
  #ended: unknown = null;
  #stopPause: (() => void) | null = null;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#number = options.last ?? 0;
  }

  /** Number of the last call. */
  get last(): number {
    return this.#number;
  }

  /** @returns one reply per operation, in order. @throws what {@link end} was told */
  send(ops: readonly (readonly Arg[])[]): Promise<readonly Reply[]> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      let bytes = 0;
      for (const args of ops) for (const arg of args) bytes += lengthOf(arg);
      this.#waiting.push({ ops, bytes, resolve, reject });
      if (!this.#busy) void this.#work();
    });
  }

  /** Nothing is called any more; what waits ends with `reason`. */
  end(reason: unknown): void {
    this.#ended ??= reason;
    this.#stopPause?.();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const piece of waiting) piece.reject(this.#ended);
  }

  async #work(): Promise<void> {
    this.#busy = true;
    // What is sent in the same turn goes along.
    await null;
    while (this.#waiting.length > 0) {
      const group = this.#group();
      try {
        const args = group.flatMap(({ ops }) => ops.flat());
        const replies = await this.#untilAnswered(++this.#number, args);
        let from = 0;
        for (const { ops, resolve } of group) {
          resolve(replies.slice(from, from + ops.length));
          from += ops.length;
        }
      } catch (thrown) {
        for (const { reject } of group) reject(thrown);
      }
    }
    this.#busy = false;
  }

  #group(): Piece[] {
    let pieces = 0;
    let bytes = 0;
    for (const piece of this.#waiting) {
      if (pieces > 0 && (pieces >= CALL_PIECES || bytes + piece.bytes > CALL_BYTES)) break;
      pieces++;
      bytes += piece.bytes;
    }
    return this.#waiting.splice(0, pieces);
  }

  async #untilAnswered(number: number, args: Arg[]): Promise<readonly Reply[]> {
    for (let pause = 20; ; pause = Math.min(2 * pause, PAUSE_MAX_MS)) {
      if (this.#ended !== null) throw this.#ended;
      try {
        return await this.#options.call(number, args);
      } catch (thrown) {
        if (!isPassing(thrown)) throw thrown;
        this.#options.troubled(thrown);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pause);
        this.#stopPause = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
