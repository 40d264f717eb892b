/**
 * Owns: how much time a thread really had: the machine may run something else meanwhile, and that
 * is no fault of the code on it.
 * Does not own: what follows from it (watch.ts).
 */
import { readFileSync, readlinkSync } from "node:fs";

/** What the system knows of a thread. */
export interface Usage {
  /** Time on a processor so far. @unit ms */
  readonly ranMs: number;
  /** Time it could have run and did not, so far. @unit ms */
  readonly waitedMs: number;
  /** Does it run or want to run now? */
  readonly runnable: boolean;
}

/** The system's number of this thread; 0 where /proc is missing. */
export function ownTid(): number {
  try {
    return Number(/\d+$/.exec(readlinkSync("/proc/thread-self"))?.[0] ?? 0);
  } catch {
    return 0;
  }
}

/** Reads it from /proc. @returns null where there is none */
export function usageOf(tid: number): Usage | null {
  try {
    const [ran = "", waited = ""] = readFileSync(`/proc/self/task/${tid}/schedstat`, "utf8").split(
      " ",
    );
    const stat = readFileSync(`/proc/self/task/${tid}/stat`, "utf8");
    // The name before the state may hold anything, also brackets.
    const state = stat[stat.lastIndexOf(")") + 2];
    return { ranMs: Number(ran) / 1e6, waitedMs: Number(waited) / 1e6, runnable: state === "R" };
  } catch {
    return null;
  }
}

/** A clock of one thread that stands still while the machine keeps the thread waiting. */
export class Spent {
  readonly #usage: () => Usage | null;
  /** What it surely had; `#nowMs` may be a tick ahead of it. */
  #sureMs = 0;
  #nowMs = 0;
  readonly #beganMs: number;
  #wallMs: number;
  /** When the system's figures last moved. */
  #movedMs: number;
  #before: Usage | null = null;

  constructor(wallMs: number, usage: () => Usage | null) {
    this.#beganMs = wallMs;
    this.#wallMs = wallMs;
    this.#movedMs = wallMs;
    this.#usage = usage;
  }

  /**
   * @param wallMs time on the wall
   * @param close does it matter now? Looking closely costs two reads of small files
   */
  read(wallMs: number, close: boolean): number {
    const wall = wallMs - this.#wallMs;
    this.#wallMs = wallMs;
    const usage = close ? this.#usage() : null;
    const before = this.#before;
    this.#before = usage;
    const hadMs = usage === null || before === null ? wall : had(before, usage, wall);
    // A tick's worth of running may become known at once: no look alone can bound it.
    this.#sureMs = Math.min(this.#sureMs + hadMs, wallMs - this.#beganMs);
    const still = usage !== null && before !== null && usage.ranMs === before.ranMs;
    if (!still) this.#movedMs = wallMs;
    const ahead = usage?.runnable ? Math.min(wallMs - this.#movedMs, TICK_MS) : 0;
    this.#nowMs = Math.max(this.#nowMs, this.#sureMs + ahead);
    return this.#nowMs;
  }
}

/**
 * The system brings its figures of a running thread up to date once a tick: for so long what runs
 * is taken to have run. @unit ms
 */
const TICK_MS = 4;

/** Share of the time asleep that counts: it may sleep for others, as for a garbage collection. */
const ASLEEP = 0.25;

/** Time it had between two looks: running, and a part of what it slept in a call of its own. */
function had(before: Usage, now: Usage, wallMs: number): number {
  const ran = Math.max(now.ranMs - before.ranMs, 0);
  // Still waiting is not yet counted as waiting: only what it ran is sure.
  const asleep = now.runnable ? 0 : wallMs - ran - (now.waitedMs - before.waitedMs);
  return ran + Math.max(asleep, 0) * ASLEEP;
}
