/**
 * Owns: marking, in memory shared with a watcher, whose code runs on this thread: a user's or ours;
 * so that a watcher can end a user's code that hangs and never lands in ours (ADR 0004).
 * Does not own: watching and ending (the host's), what follows from an end (aborting.ts).
 *
 * The worker pays plain stores only. The watcher writes WANTED, waits until any store of ours that
 * is still under way is visible (a millisecond is plenty), and ends the run only if RUN is still the
 * same and odd. At each boundary from user code into ours we change RUN first and look at WANTED
 * then: so one of the two sees the other, and if it is us, we hold still until it lands.
 *
 * One verb is not marked, since nearly all of what users call is this one: the tell of an ephemeral
 * actor to one that its ref has reached before. An end lands at the entry of a function or in a loop,
 * nowhere else; what such a tell passes through has no loop, and is put together so that at each entry
 * the message is not sent yet, or the receiver is ready to read nothing (Cell.put), or all is done.
 *
 * An end that lands in a promise callback ends the drain of callbacks and nothing more: we go on
 * behind it. So the watcher negates WANTED when an end has landed; a run that comes to its own end
 * after that says so (HELD) and is ended again, in our waiting loop.
 */
import type { Cell } from "./cell.ts";
import type { Course } from "./course.ts";
import type { Meter } from "./ports.ts";
import { TURN_REDUCTIONS } from "./scheduler.ts";

/**
 * The run of user code under way: its number while user code itself is on top, the number + 1 in a
 * verb it has called, 0 when there is none. Numbers of runs are odd.
 */
export const RUN = 0;
/** Longest time the run may take. @unit ms */
export const SLICE_MS = 1;
/** Written by the watcher: the run it wants to end, negative once that has landed; or 0. */
export const WANTED = 2;
/** Counts the entries of whoever drives this kernel. */
export const BEATS = 3;
/** Moves while a run that was ended stands at its own end and waits to be ended there. */
export const HELD = 4;
/** Highest number of a life given out here, for a successor of this thread. */
export const LIVES = 5;
/** Length of the shared array; a host has the last two for itself. */
export const CELLS = 8;

// The same once more: each use of an exported variable is a look-up that the compiler keeps, and
// these are used several times per message.
const AT_RUN = RUN;
const AT_SLICE_MS = SLICE_MS;
const AT_WANTED = WANTED;
const YIELD_AFTER = TURN_REDUCTIONS;

/** Numbers of runs: odd, never 0, and small integers to V8 also with one added. */
const RUNS = 0x3fff_ffff;

/** Who is at work on this thread. */
export class Guard {
  readonly cells: Int32Array;
  private readonly meter: Meter | null;
  private run = 1;
  /** What the shared memory has of it. */
  private sliceMs = 0;
  /** Whose code runs. Still set when nothing is on the stack: that run was ended from outside. */
  current: Cell | null = null;

  constructor(cells: Int32Array | undefined, meter: Meter | undefined) {
    this.cells = cells ?? new Int32Array(CELLS);
    this.meter = meter ?? null;
  }

  /** User code of this actor begins. */
  enter(cell: Cell): void {
    if (this.meter !== null) this.meter.arm(YIELD_AFTER, cell.program.maxReductions);
    this.begin(cell);
  }

  /** It goes on, with the message at work: what that has spent is no longer there to be spent. */
  reenter(cell: Cell): void {
    const spent = cell.active?.own?.spent ?? 0;
    const left = Math.max(cell.program.maxReductions - spent, 1);
    if (this.meter !== null) this.meter.arm(YIELD_AFTER, left);
    this.begin(cell);
  }

  private begin(cell: Cell): void {
    const { cells } = this;
    this.current = cell;
    const { sliceMs } = cell.program;
    if (sliceMs !== this.sliceMs) cells[AT_SLICE_MS] = this.sliceMs = sliceMs;
    this.run = (this.run + 2) & RUNS;
    cells[AT_RUN] = this.run;
  }

  /** It is over, or waits. @returns what it used @unit reductions */
  leave(): number {
    const { cells } = this;
    cells[AT_RUN] = 0;
    const wanted = cells[AT_WANTED];
    if (wanted === this.run || wanted === -this.run) this.hold(cells, true);
    let used = 0;
    if (this.meter !== null) {
      used = this.meter.used();
      if (used !== 0) this.charge(this.meter, used);
    }
    this.current = null;
    return used;
  }

  /** From user code into ours: a verb was called, or a promise of ours was settled. */
  pause(): void {
    if (this.current === null) return;
    const { cells } = this;
    cells[AT_RUN] = this.run + 1;
    if (cells[AT_WANTED] === this.run) this.hold(cells, false);
  }

  /** Back into user code. */
  resume(): void {
    if (this.current !== null) this.cells[AT_RUN] = this.run;
  }

  /** The run was ended from outside. @returns whose it was */
  clear(): Cell | null {
    const { current, cells } = this;
    cells[AT_RUN] = 0;
    this.current = null;
    if (current !== null && this.meter !== null) {
      charge(current, this.meter.used());
    }
    return current;
  }

  /** Code outside of any run is no handler: it yields, but no handler's limit is its limit. */
  rest(): void {
    if (this.meter !== null) this.meter.arm(YIELD_AFTER, UNLIMITED);
  }

  /** Is to be ended: nothing of ours may be touched from here on until it lands or is withdrawn. */
  private hold(cells: Int32Array, last: boolean): void {
    const { run } = this;
    const ours = cells[AT_RUN] as number;
    cells[AT_RUN] = run;
    for (;;) {
      const wanted = Atomics.load(cells, WANTED);
      if (wanted !== run && !(last && wanted === -run)) break;
      if (last) cells[HELD] = ((cells[HELD] as number) + 1) & 0xffff;
    }
    cells[AT_RUN] = ours;
  }

  private charge(meter: Meter, used: number): void {
    const cell = this.current as Cell;
    charge(cell, used);
    if (meter.over() && cell.active !== null) overspent(cell, cell.active.more, used);
  }
}

/** Kept a small integer as long as it is one: as a float it would cost each actor 16 bytes. */
function charge(cell: Cell, used: number): void {
  const sum = cell.reductions + used;
  // Two stores: of one of either kind the compiler would make a float, and look into that.
  if (sum <= 0x7fffffff) cell.reductions = sum | 0;
  else cell.reductions = sum;
}

/** Metered work is over its limit: the actor ends, whatever it catches. @param used since it waited */
function overspent({ program }: Cell, course: Course, used: number): void {
  const { maxReductions: limit } = program;
  course.doom({ tag: "quota", resource: "reductions", limit, used: course.spent + used });
}

/** More than a thread can do in years. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;
