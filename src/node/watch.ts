/**
 * Owns: deciding, for one thread, when its run of user code has taken too long, when it may be ended
 * and when the thread is to be given up: the watcher's half of the handshake (kernel/guard.ts). Pure:
 * it reads and writes shared cells and is told the time.
 * Does not own: the time (spent.ts), ending a run (inspector.ts), who calls this (watcher.ts).
 *
 * Invariants: W1 a run is ended only if at least VISIBLE_MS after WANTED was stored RUN still has its
 * number, user code being on top. W2 it is ended again only while it stands at its own end (HELD).
 * W3 once it is being ended, it is over only when the pump has turned.
 */
import { BEATS, HELD, RUN, SLICE_MS, WANTED } from "../kernel/guard.ts";

/** After this long a store of one thread is seen by all others. @unit ms */
export const VISIBLE_MS = 1;

/** What the watcher may do with memory; the tests have one that is slow to show stores. */
export interface Memory {
  load(cell: number): number;
  store(cell: number, value: number): void;
}

/** What is to be done about a thread now. */
export type Move =
  /** Nothing. */
  | { readonly do: "nothing" }
  /** Find out where the run stands; {@link Watch.asked} tells that it is known. */
  | { readonly do: "ask"; readonly run: number }
  /** End the run; {@link Watch.landed} tells that it has ended. */
  | { readonly do: "end"; readonly run: number }
  /** Bring the thread's pump to run. */
  | { readonly do: "ping" }
  /** Nothing helps: give the thread up. */
  | { readonly do: "replace"; readonly why: string };

/** How long a thread may be held, in each way. */
export interface Limits {
  /**
   * A run that was late and answers may have been held up by a garbage collection, and be done in a
   * moment: so long it may go on. @unit ms
   */
  readonly momentMs: number;
  /** From the decision to end a run until the thread is given up. @unit ms */
  readonly graceMs: number;
  /** Longest time without a turn of the pump while no run is under way. @unit ms */
  readonly hangMs: number;
  /** Can runs be ended? Otherwise only threads can. */
  readonly abort: boolean;
}

const NOTHING: Move = { do: "nothing" };

/**
 * Where a run that is too late stands: it is asked where it hangs, has a moment to come to its own
 * end, is told to hold still (WANTED), then ended.
 */
type Stage = "fine" | "asking" | "asked" | "wanted" | "ending" | "landed";

/** What is known of one thread. */
export class Watch {
  stage: Stage = "fine";
  readonly #memory: Memory;
  readonly #limits: Limits;
  #run = 0;
  /** When this run was first seen. */
  #since = 0;
  #leftMs = 0;
  /** When it was decided to end it. */
  #decided = 0;
  /** When it answered; when it was told to hold still. */
  #answered = -1;
  #told = 0;
  #held = 0;
  #beats = -1;
  /** When the pump was last known to turn, or was asked to. */
  #turned = 0;
  #pinged = false;

  /** Was the pump asked to turn, and has it not been seen to? */
  get pinged(): boolean {
    return this.#pinged;
  }

  constructor(memory: Memory, limits: Limits) {
    this.#memory = memory;
    this.#limits = limits;
  }

  /** Is there a reason to look again soon? */
  get urgent(): boolean {
    return this.stage !== "fine";
  }

  /** Does the thread owe a sign of life: an unfinished run, or an answer to a ping? */
  get owing(): boolean {
    return this.#run !== 0 || this.#pinged;
  }

  /** How long the run that is under way may still go on before it is too late. @unit ms */
  get leftMs(): number {
    if (this.#run === 0 || this.stage !== "fine") return Number.POSITIVE_INFINITY;
    return this.#leftMs;
  }

  /**
   * @param nowMs the thread's own time: what it was kept waiting by others does not count. It moves
   *   in steps of the system's tick
   * @param wallMs time on the wall: what stores need to be seen
   */
  look(nowMs: number, wallMs = nowMs): Move {
    const memory = this.#memory;
    const at = memory.load(RUN);
    // In a verb the number is one more, and even.
    const run = at === 0 || at % 2 === 1 ? at : at - 1;
    if (run !== this.#run && !this.#committed()) {
      if (this.stage !== "fine") this.#withdraw();
      this.#run = run;
      this.#since = nowMs;
    }
    if (this.#run === 0) return this.#idle(nowMs);
    this.#turned = nowMs;
    this.#pinged = false;
    if (this.stage !== "fine") return this.#late(at, nowMs, wallMs);
    const sliceMs = memory.load(SLICE_MS);
    this.#leftMs = sliceMs - (nowMs - this.#since);
    if (this.#leftMs >= 0) return NOTHING;
    this.#decided = nowMs;
    this.#answered = -1;
    this.stage = "asking";
    return this.#limits.abort ? { do: "ask", run } : NOTHING;
  }

  /** Where the run stands is known, and the thread has answered: it can be ended. */
  asked(run: number): void {
    if (this.stage === "asking" && this.#run === run) this.stage = "asked";
  }

  /** The end of the run has landed. */
  landed(run: number): void {
    if (this.stage !== "ending" || this.#run !== run) return;
    this.stage = "landed";
    this.#memory.store(WANTED, -run);
    this.#held = this.#memory.load(HELD);
  }

  /** Is it being ended, and has the pump not turned since? Then what RUN says may be its last word. */
  #committed(): boolean {
    if (this.stage !== "ending" && this.stage !== "landed") return false;
    return this.#memory.load(BEATS) === this.#beats;
  }

  #late(at: number, nowMs: number, wallMs: number): Move {
    const memory = this.#memory;
    const run = this.#run;
    const { graceMs } = this.#limits;
    const lateMs = nowMs - this.#decided;
    if (lateMs > graceMs) {
      const limit = memory.load(SLICE_MS) + graceMs;
      return { do: "replace", why: `a handler held it for more than ${limit} ms` };
    }
    if (this.stage === "asked") {
      if (this.#answered < 0) this.#answered = nowMs;
      if (nowMs - this.#answered < this.#limits.momentMs) return NOTHING;
      this.stage = "wanted";
      this.#told = wallMs;
      memory.store(WANTED, run);
      return NOTHING;
    }
    if (this.stage === "wanted" && wallMs - this.#told >= VISIBLE_MS && at === run) {
      this.stage = "ending";
      this.#beats = memory.load(BEATS);
      return { do: "end", run };
    }
    if (this.stage === "landed" && memory.load(HELD) !== this.#held) {
      this.stage = "ending";
      return { do: "end", run };
    }
    return NOTHING;
  }

  #withdraw(): void {
    this.stage = "fine";
    this.#memory.store(WANTED, 0);
  }

  /** No run is under way: does the pump still turn? */
  #idle(nowMs: number): Move {
    const { hangMs } = this.#limits;
    const beats = this.#memory.load(BEATS);
    if (beats !== this.#beats) {
      this.#beats = beats;
      this.#turned = nowMs;
      this.#pinged = false;
      return NOTHING;
    }
    const silentMs = nowMs - this.#turned;
    if (!this.#pinged) {
      if (silentMs < hangMs / 2) return NOTHING;
      this.#pinged = true;
      this.#turned = nowMs;
      return { do: "ping" };
    }
    if (silentMs <= hangMs) return NOTHING;
    return { do: "replace", why: `code outside of a handler held it for more than ${hangMs} ms` };
  }
}
