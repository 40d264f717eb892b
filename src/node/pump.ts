/**
 * Owns: when a kernel runs: woken by a message, a store's answer, a timer or its own unfinished
 * work; for how long before the event loop gets its turn; when batches leave.
 * Does not own: what a turn does (kernel/).
 *
 * Turns are entered from a MessagePort callback: it is as fast as setImmediate, and code entered
 * from there may be ended from outside (ADR 0004). So handlers that await go on in there too: the
 * kernel drains promise callbacks itself.
 */
import { MessageChannel } from "node:worker_threads";
import { recover } from "../kernel/aborting.ts";
import { BEATS } from "../kernel/guard.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Lookout } from "./lookout.ts";

/** Longest time in turns before I/O gets its chance. @unit ms */
const SLICE_MS = 8;
/** Turns between two looks at the clock. */
const TURNS = 64;
/** Longest delay setTimeout takes. @unit ms */
const TIMEOUT_MAX = 2_147_483_647;

/**
 * Milliseconds of a clock that never jumps and is the same in all threads of the process (that of
 * `performance.now()` begins anew in each). Fractions are cut. @unit ms
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + Math.trunc(nanoseconds / 1e6);
}

/** Drives one kernel. */
export class Pump {
  readonly #channel = new MessageChannel();
  readonly #flush: () => void;
  readonly #lookout: Pick<Lookout, "look" | "turned">;
  /** The event loop has its turn before anybody looks out again. */
  #turning = false;
  #kernel: Kernel | null = null;
  #posted = false;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  #stopped = false;
  /** It runs, or will at the end of this callback: nobody need wake it. */
  #entered = false;
  /** Where the run that was ended stood, as its watcher saw it. */
  aborted = "";

  /**
   * @param flush sends the batches that have collected
   * @param lookout looks out for mail of other threads while there is nothing to do
   */
  constructor(flush: () => void, lookout: Pick<Lookout, "look" | "turned">) {
    this.#flush = flush;
    this.#lookout = lookout;
    this.#channel.port1.on("message", () => {
      this.#posted = false;
      this.#run();
    });
    this.#channel.port1.unref();
  }

  attach(kernel: Kernel): void {
    this.#kernel = kernel;
  }

  /** There is something to do: now or with the next callback. Cheap to call often. */
  readonly wake = (): void => {
    if (this.#posted || this.#stopped || this.#entered) return;
    this.#posted = true;
    this.#channel.port2.postMessage(0);
  };

  /** A MessagePort's callback begins to deliver: it will end with {@link now}. */
  enter(): void {
    this.#entered = true;
  }

  /**
   * Runs in a MessagePort's callback: at once, which saves a turn of the event loop; but for a kernel
   * that has just had its slice: then it is the others' turn, and only batches leave.
   */
  readonly now = (): void => {
    if (!this.#posted) return this.#run();
    this.#entered = false;
    this.#flush();
  };

  /**
   * Goes on after all others had their turn. A message posted here and now would not do: Node takes up
   * to a thousand from a port before it looks at anything else, which is seconds of slices.
   */
  #again(): void {
    this.#posted = true;
    setImmediate(() => this.#channel.port2.postMessage(0));
  }

  /** Keeps the process alive (main thread) while somebody waits. */
  hold(on: boolean): void {
    if (on) this.#channel.port1.ref();
    else this.#channel.port1.unref();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#channel.port1.close();
  }

  #run(): void {
    const kernel = this.#kernel;
    this.#entered = false;
    if (kernel === null || this.#stopped) return;
    this.#entered = true;
    const { cells, current } = kernel.guard;
    cells[BEATS] = (cells[BEATS] as number) + 1;
    // A run of user code was ended from outside: nothing of it is on the stack any more.
    if (current !== null) this.#recover(kernel, current.spec.sliceMs);
    const began = performance.now();
    kernel.advance(monotonicMs());
    for (let turns = 1; kernel.runTurn(); turns++) {
      // A handler goes on in the microtasks after this callback, alone.
      if (kernel.resumed) break;
      if (turns % TURNS === 0 && performance.now() - began > SLICE_MS) break;
    }
    this.#flush();
    kernel.guard.rest();
    this.#entered = false;
    if (kernel.busy) this.#again();
    else {
      this.#sleep(kernel);
      // (Where handlers go on in the microtasks after this callback, they must not wait.)
      if (!kernel.resumed) this.#lookOut(kernel);
    }
  }

  /**
   * Mail that comes meanwhile is taken as soon as this callback returns; what has ended waits no
   * longer than a look takes, and timers and sockets have their turn again and again.
   */
  #lookOut(kernel: Kernel): void {
    if (this.#turning || this.#posted || this.#lookout.look()) return;
    this.#turning = true;
    setImmediate(() => {
      this.#turning = false;
      this.#lookout.turned();
      if (!kernel.busy && !this.#stopped) this.#lookOut(kernel);
    });
  }

  #recover(kernel: Kernel, sliceMs: number): void {
    const stack = this.aborted;
    this.aborted = "";
    recover(kernel, { tag: "aborted", sliceMs, ...(stack === "" ? {} : { stack }) });
  }

  /** Nothing to do until the next timer is due. */
  #sleep(kernel: Kernel): void {
    const next = kernel.timers.next() ?? Number.POSITIVE_INFINITY;
    if (next >= this.#timerAt && this.#timer !== null) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAt = next;
    if (next === Number.POSITIVE_INFINITY) return;
    const delay = Math.min(Math.max(next - monotonicMs(), 1), TIMEOUT_MAX);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.wake();
    }, delay);
  }
}
