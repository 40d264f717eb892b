/**
 * Owns: who burns how much of a thread: those that had work at the last look, and what they have
 * done since. Does not own: what follows from it (rebalance.ts).
 */
import { Cell } from "./cell.ts";
import type { Kernel, Member } from "./kernel.ts";
import { mayLeave } from "./luggage.ts";
import type { Candidate, MoveStep } from "./moving.ts";

/** Actors looked at. A busy thread's burners are nearly always ready to run. */
const SAMPLE = 1_000;
/** Candidates that are told. */
const TOLD = 8;
/** Part of the thread's work below which nobody is worth a move. */
const SHARE_MIN = 0.02;

/** One thread's looks at its load. */
export class Survey {
  readonly #kernel: Kernel;
  /** Actors of the last look, with what they had done by then. @unit reductions */
  #sample = new Map<Cell, number>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Since the last time it was called. */
  take(): MoveStep {
    const { moves, thread } = this.#kernel;
    const spent = new Map<Cell, number>();
    let total = 0;
    for (const [cell, before] of this.#sample) {
      const used = cell.status === "exited" ? 0 : cell.reductions - before;
      if (used <= 0) continue;
      spent.set(cell, used);
      total += used;
    }
    const busy = moves.options.busy();
    const candidates: Candidate[] = [...spent]
      .sort(([, a], [, b]) => b - a)
      .map(([cell, used]) => ({ cell, share: used / total }))
      .filter(({ cell, share }) => share >= SHARE_MIN && this.#mayGo(cell))
      .slice(0, TOLD)
      .map(({ cell: { path }, share }) => ({ path, share }));
    this.#sample = new Map([...spent.keys()].map((cell) => [cell, cell.reductions]));
    for (const member of this.#busy()) {
      if (this.#sample.size >= SAMPLE) break;
      if (member instanceof Cell) this.#sample.set(member, member.reductions);
    }
    return { do: "load", load: { thread, busy, actors: spent.size, candidates } };
  }

  /** Those ready to run, and durable ones that wait for their commit: they are busy as well. */
  *#busy(): Generator<Member | undefined> {
    const { scheduler, outgoing, members } = this.#kernel;
    yield* scheduler.waiting();
    for (const path of outgoing.paths) yield members.get(path);
  }

  #mayGo(cell: Cell): boolean {
    return this.#kernel.moves.options.mayMove(cell.path) && mayLeave(cell);
  }
}
