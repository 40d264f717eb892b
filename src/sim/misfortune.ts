/**
 * Owns: what goes wrong in a simulation by itself, and when: kills in the middle of messages, and
 * lost threads. All of it comes from a generator of its own, so that one fault more does not change
 * what else happens before it.
 * Does not own: how a handler dies (sabotage.ts), losing a thread (world.ts).
 */
import { Cell } from "../kernel/cell.ts";
import { seeded } from "./random.ts";
import type { Strike } from "./sabotage.ts";
import type { World } from "./world.ts";

const MINUTE_MS = 60_000;
/** Macro steps within which an actor that is to die during its message does. */
const DURING_STEPS = 20;

/** The faults of one simulation. */
export class Misfortune {
  readonly #luck: () => number;
  readonly #crash: number;
  readonly #losses: number;
  #over = false;
  /** Actors that die soon: which life, and at which step of the world. */
  #doomed: { cell: Cell; step: number }[] = [];
  /** When the next thread is lost. */
  nextLossMs = Number.POSITIVE_INFINITY;

  /** @param crash chance per message @param losses threads in a virtual minute, on average */
  constructor(seed: number, crash: number, losses: number) {
    this.#luck = seeded(seed ^ 0x5eed);
    this.#crash = crash;
    this.#losses = losses;
    this.#plan(0);
  }

  /** Decides on one message; whoever dies before or after its handler gets the kill at once. */
  strike(world: World, path: string): Strike {
    if (this.#over || this.#luck() >= this.#crash) return null;
    const cell = world.kernelOf(path).members.get(path);
    if (!(cell instanceof Cell)) return null;
    const when = Math.floor(this.#luck() * 3);
    if (when === 2) {
      const step = world.steps + 1 + Math.floor(this.#luck() * DURING_STEPS);
      this.#doomed.push({ cell, step });
      return null;
    }
    kill(cell);
    return when === 0 ? "before" : "after";
  }

  /** Kills whose step has come. */
  reap(world: World): void {
    if (this.#doomed.length === 0) return;
    const { steps } = world;
    const due = this.#doomed.filter((each) => each.step <= steps);
    this.#doomed = this.#doomed.filter((each) => each.step > steps);
    for (const { cell } of due) kill(cell);
  }

  /** Which thread is lost now, of 1 … threads. */
  loss(nowMs: number, threads: number): number {
    this.#plan(nowMs);
    return 1 + Math.floor(this.#luck() * threads);
  }

  /** The node is gone with all that was to die. */
  forget(): void {
    this.#doomed = [];
  }

  /** Nothing goes wrong any more. */
  calm(): void {
    this.#over = true;
    this.#doomed = [];
    this.nextLossMs = Number.POSITIVE_INFINITY;
  }

  #plan(nowMs: number): void {
    if (this.#losses === 0) return;
    // As far apart as losses that know nothing of each other.
    const minutes = -Math.log(1 - this.#luck()) / this.#losses;
    this.nextLossMs = nowMs + Math.max(1, Math.round(minutes * MINUTE_MS));
  }
}

function kill(cell: Cell): void {
  const { path: to, life } = cell;
  if (cell.status !== "exited") cell.receive({ kind: "kill", to, life, by: "operator" });
}
