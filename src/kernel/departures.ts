/**
 * Owns: letting an actor go: holding it still, telling the others, and packing it when nothing is
 * under way to it or from it any more (ADR 0025).
 * Does not own: where everybody is and what comes in (moves.ts), what travels (luggage.ts).
 *
 * A durable actor is first held until its commit in flight is done: what that lets out is sent before
 * the others are asked. When all have answered, its mail goes to the new place, and it stays until
 * this thread's store has answered everything: then all its mail has its number and its place, and
 * whatever this thread has asked for it has happened.
 */
import type { ExitReason } from "../actor/exit.ts";
import { say } from "./arrival.ts";
import { answerWaiting } from "./burial.ts";
import { Cell } from "./cell.ts";
import { seal } from "./commits.ts";
import type { Kernel } from "./kernel.ts";
import { isCommitted, mayLeave, pack, retire, stopClocks } from "./luggage.ts";
import type { MoveStep } from "./moving.ts";

/** An actor held still because it leaves. */
interface Leaving {
  readonly cell: Cell;
  readonly move: number;
  readonly thread: number;
  /** Who has said that nothing more comes from there: thread → its generation. */
  readonly said: Map<number, number>;
  /** Has the new thread been asked to wait for it? Not while a commit is in flight. */
  asked: boolean;
  /** The new thread waits for it: now the others may send there. */
  expected: boolean;
  /** Everybody knows: set when it only waits for the store; losses of threads it knows of. */
  losses: readonly number[] | null;
}

/** The actor that leaves this thread: one at a time. */
export class Departures {
  readonly #kernel: Kernel;
  #leaving: Leaving | null = null;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The actor of this path if it only waits for the store, and its mail goes elsewhere already. */
  parting(path: string): Cell | null {
    const leaving = this.#leaving;
    return leaving !== null && leaving.losses !== null && leaving.cell.path === path
      ? leaving.cell
      : null;
  }

  /** The control thread wants it to go. */
  leave(path: string, move: number, thread: number): void {
    const { members, options } = this.#kernel;
    const cell = members.get(path);
    if (!(cell instanceof Cell && mayLeave(cell))) {
      return this.#say(options.control, path, move, { do: "stay" });
    }
    cell.more.leaving = true;
    const said = new Map<number, number>();
    this.#leaving = { cell, move, thread, said, asked: false, expected: false, losses: null };
    seal(cell);
    this.rested(cell);
  }

  /** Its commit in flight is done, if there was one. */
  rested(cell: Cell): void {
    const leaving = this.#leaving;
    if (leaving?.cell !== cell || leaving.asked) return;
    if (cell.status !== "exited" && !isCommitted(cell)) return;
    const { path } = cell;
    if (!mayLeave(cell)) {
      this.#leaving = null;
      cell.more.leaving = false;
      this.#kernel.schedule(cell);
      return this.#say(this.#kernel.options.control, path, leaving.move, { do: "stay" });
    }
    leaving.asked = true;
    cell.more.unmute(Number.POSITIVE_INFINITY);
    this.#kernel.moves.away.set(path, { thread: leaving.thread, move: leaving.move });
    this.#tell(leaving, leaving.thread);
  }

  /** A thread has said that nothing more comes from there. */
  rerouted(move: number, by: number, generation: number): void {
    const leaving = this.#leaving;
    if (leaving?.move !== move) return;
    leaving.said.set(by, generation);
    if (by === leaving.thread && !leaving.expected) this.#tellOthers(leaving);
    if (leaving.said.size < this.#kernel.moves.options.threads) return;
    const generations = [...leaving.said];
    const { control } = this.#kernel.options;
    this.#say(control, leaving.cell.path, move, { do: "ready", generations });
  }

  /** Everybody knows. */
  depart(move: number): void {
    const leaving = this.#leaving;
    if (leaving?.move !== move) return;
    const { cell } = leaving;
    const kernel = this.#kernel;
    kernel.members.delete(cell.path);
    leaving.losses = [...kernel.moves.losses];
    if (cell.slice === null) return this.#go(leaving, leaving.losses);
    // What is due from now on is due at the new place.
    stopClocks(cell);
    const { losses } = leaving;
    kernel.outgoing.whenAnswered(() => {
      // (The thread it was to go to may be lost by then.)
      if (this.#leaving === leaving) this.#go(leaving, losses);
    });
  }

  /** Another thread is gone: its successor knows nothing of the move yet. */
  lost(thread: number): void {
    const leaving = this.#leaving;
    if (!leaving?.asked || leaving.losses !== null) return;
    if (!(leaving.expected || thread === leaving.thread)) return;
    leaving.said.delete(thread);
    this.#tell(leaving, thread);
  }

  /** The thread it was to go to is lost, with the mail that waited there: it ends with it. */
  drop(path: string, reason: ExitReason): void {
    const cell = this.#leaving?.cell;
    if (cell?.path !== path) return;
    this.#leaving = null;
    this.#kernel.members.delete(path);
    answerWaiting(this.#kernel, cell, reason, null);
    retire(cell);
  }

  #go({ cell, move }: Leaving, losses: readonly number[]): void {
    this.#leaving = null;
    const luggage = pack(cell, losses);
    this.#say(this.#kernel.options.control, cell.path, move, { do: "arrive", luggage });
  }

  #tellOthers(leaving: Leaving): void {
    leaving.expected = true;
    for (let other = 0; other <= this.#kernel.moves.options.threads; other++) {
      if (other !== this.#kernel.thread && other !== leaving.thread) this.#tell(leaving, other);
    }
  }

  #tell({ cell, move, thread }: Leaving, other: number): void {
    this.#say(other, cell.path, move, { do: "reroute", thread, from: this.#kernel.thread });
  }

  #say(thread: number, to: string, move: number, step: MoveStep): void {
    say(this.#kernel, thread, { kind: "move", to, move, step });
  }
}
