/**
 * Owns: marking, in memory shared with a watcher, whose code runs on this thread: a user's or ours;
 * so that a watcher can end a user's code that hangs and never lands in ours (ADR 0004).
 * Does not own: watching and ending (the host's), what follows from an end (aborting.ts).
 *
 * The worker pays plain stores only. The watcher writes WANTED, waits until any store of ours that
 * is still under way is visible (a millisecond is plenty), and ends the run only if RUN is still the
 * same and USER is 1. At each boundary from user code into ours we store USER = 0 first and look at
 * WANTED then: so one of the two sees the other, and if it is us, we hold still until it lands.
 */
import type { Cell } from "./cell.ts";
import type { Meter } from "./ports.ts";

/** Number of the run of user code under way; 0 when there is none. */
export const RUN = 0;
/** 1 while user code itself is on top, 0 in a verb it has called. */
export const USER = 1;
/** Longest time the run may take. @unit ms */
export const SLICE_MS = 2;
/** Written by the watcher: the run it wants to end, or 0. */
export const WANTED = 3;
/** Counts the entries of whoever drives this kernel. */
export const BEATS = 4;
/** Length of the shared array. */
export const CELLS = 8;

const RUN_MAX = 0x3fff_ffff;

/** Who is at work on this thread. */
export class Guard {
  readonly cells: Int32Array;
  readonly #meter: Meter | null;
  #run = 0;
  /** Whose code runs. Still set when nothing is on the stack: that run was ended from outside. */
  current: Cell | null = null;

  constructor(cells: Int32Array | undefined, meter: Meter | undefined) {
    this.cells = cells ?? new Int32Array(CELLS);
    this.#meter = meter ?? null;
  }

  /** User code of this actor begins. */
  enter(cell: Cell): void {
    const { cells } = this;
    this.current = cell;
    if (this.#meter !== null) this.#arm(this.#meter, cell);
    cells[SLICE_MS] = cell.spec.sliceMs;
    cells[USER] = 1;
    this.#run = this.#run === RUN_MAX ? 1 : this.#run + 1;
    cells[RUN] = this.#run;
  }

  /** It is over. */
  leave(): void {
    this.pause();
    this.cells[RUN] = 0;
    if (this.#meter !== null) this.#charge(this.#meter);
    this.current = null;
  }

  /** From user code into ours: a verb was called, or a promise of ours was settled. */
  pause(): void {
    const { cells } = this;
    cells[USER] = 0;
    const wanted = cells[WANTED];
    if (wanted !== 0 && wanted === cells[RUN]) this.#hold(wanted as number);
  }

  /** Back into user code. */
  resume(): void {
    if (this.current !== null) this.cells[USER] = 1;
  }

  /** The run was ended from outside. @returns whose it was */
  clear(): Cell | null {
    const { current, cells } = this;
    cells[USER] = 0;
    cells[RUN] = 0;
    this.current = null;
    if (current !== null && this.#meter !== null) current.reductions += this.#meter.used();
    return current;
  }

  /** Is to be ended: nothing of ours may be touched from here on until it lands or is withdrawn. */
  #hold(run: number): void {
    const { cells } = this;
    cells[USER] = 1;
    while (Atomics.load(cells, WANTED) === run);
    cells[USER] = 0;
  }

  #arm(meter: Meter, cell: Cell): void {
    const left = cell.spec.maxReductions - (cell.active?.spent ?? 0);
    meter.arm(SLICE_REDUCTIONS, Math.max(left, 1));
  }

  #charge(meter: Meter): void {
    const cell = this.current as Cell;
    const used = meter.used();
    cell.reductions += used;
    const { active } = cell;
    if (active === null) return;
    active.spent += used;
    if (meter.over()) active.overspent();
  }
}

/** Metered work after which an async handler lets the others run; Erlang's CONTEXT_REDS. */
export const SLICE_REDUCTIONS = 4_000;
