/**
 * Owns: one thread's part in moving actors (ADR 0022): who is not at home, letting an actor go,
 * waiting for one, and what it means here that one is gone.
 * Does not own: deciding (transfers.ts), what travels (luggage.ts).
 *
 * The old thread holds the actor still and tells the new one, then all others. Each sends to the new
 * thread from then on, where it waits, and says so behind what it has sent to the old one. So when all
 * have said so, nothing is under way to the actor or from it, and it can go.
 */
import type { ExitReason } from "../actor/exit.ts";
import { say } from "./arrival.ts";
import { Survey } from "./burners.ts";
import { Cell } from "./cell.ts";
import { absent } from "./delivery.ts";
import type { Kernel } from "./kernel.ts";
import { conclude, concludeFor } from "./loss.ts";
import { isMovable, pack, retire, unpack } from "./luggage.ts";
import type { Luggage, Move, MoveStep, Place } from "./moving.ts";
import type { Envelope, MovingOptions } from "./ports.ts";

/** An actor held still because it leaves. */
interface Leaving {
  readonly cell: Cell;
  readonly move: number;
  readonly thread: number;
  /** Who has said that nothing more comes from there: thread → its generation. */
  readonly said: Map<number, number>;
  /** The new thread waits for it: now the others may send there. */
  expected: boolean;
}

/** An actor that is expected: what has come for it, and itself if it must wait. */
interface Expected {
  readonly mail: Envelope[];
  luggage: Luggage | null;
}

const NOBODY_MOVES: MovingOptions = {
  threads: 0,
  generation: 0,
  losses: [],
  onlookers: [],
  mayMove: () => false,
  busy: () => 0,
};

/** What a thread knows of actors that are not where the tree says. */
export class Moves {
  readonly #kernel: Kernel;
  readonly options: MovingOptions;
  /** Actors that are not at home: path → where they are. */
  readonly away = new Map<string, Place>();
  /** How often each thread has been lost. */
  readonly losses: number[];
  readonly #expected = new Map<string, Expected>();
  readonly #survey: Survey;
  #leaving: Leaving | null = null;
  /** The newest move that came to nothing: what is still heard of it and of earlier ones is void. */
  ended = 0;
  /** Actors that have come here. */
  arrivals = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.options = kernel.options.moving ?? NOBODY_MOVES;
    this.losses = [...this.options.losses];
    this.losses[kernel.thread] = this.options.generation;
    this.#survey = new Survey(kernel);
  }

  /** The thread where an actor lives, or a supervisor. */
  threadOf(path: string, supervisor: boolean): number {
    const place = this.away.size === 0 ? undefined : this.away.get(path);
    return place === undefined ? this.#kernel.options.route(path, supervisor) : place.thread;
  }

  /** Is it here only because its sender did not know that the actor has left, or ended? */
  isStray({ to }: Envelope): boolean {
    const { members, options, thread } = this.#kernel;
    if (this.options.threads === 0) return false;
    if (members.has(to) || options.route(to, false) === thread) return false;
    return this.away.get(to)?.thread !== thread;
  }

  /** Keeps an envelope for an actor that is on its way here. @returns whether there is one */
  keeps(envelope: Envelope): boolean {
    const expected = this.#expected.get(envelope.to);
    expected?.mail.push(envelope);
    return expected !== undefined;
  }

  receive({ to, move, step }: Move): void {
    switch (step.do) {
      case "leave":
        return this.#leave(to, move, step.thread);
      case "reroute":
        return this.#reroute(to, move, step);
      case "rerouted":
        return this.#rerouted(move, step.by, step.generation);
      case "go":
        return this.#depart(move);
      case "arrive":
        return this.#arrive(to, step.luggage);
      case "vanish":
        return this.#vanish(move, step.paths, step.reason);
      case "table":
        this.ended = Math.max(this.ended, move);
        for (const [path, place] of step.entries) this.away.set(path, place);
        return;
      case "survey":
        return this.#say(this.#kernel.options.control, to, move, this.#survey.take());
    }
  }

  /** Another thread is gone. */
  lost(thread: number): void {
    this.losses[thread] = this.lossesOf(thread) + 1;
    const leaving = this.#leaving;
    if (leaving === null || !(leaving.expected || thread === leaving.thread)) return;
    // Its successor knows nothing of the move yet.
    leaving.said.delete(thread);
    this.#tell(leaving, thread);
  }

  /** After the loss of a thread: who had to wait for the news of it may come in. */
  admit(): void {
    for (const [path, { luggage }] of this.#expected) {
      if (luggage !== null) this.#arrive(path, luggage);
    }
  }

  lossesOf(thread: number): number {
    return this.losses[thread] ?? 0;
  }

  /** On the control thread: the same, but what is for them waits here until everybody knows. */
  withhold(paths: readonly string[], reason: ExitReason): void {
    this.#forget(paths, reason);
    const { thread } = this.#kernel;
    for (const path of paths) {
      this.away.set(path, { thread, move: 0 });
      this.#expected.set(path, { mail: [], luggage: null });
    }
  }

  /** Everybody knows: it goes to their homes. */
  release(paths: readonly string[]): void {
    for (const path of paths) {
      const mail = this.#expected.get(path)?.mail ?? [];
      this.away.delete(path);
      this.#expected.delete(path);
      const { route, transport } = this.#kernel.options;
      for (const each of mail) transport.send(route(path, false), each);
    }
  }

  /* ---- inside ---- */

  /** Everybody knows. */
  #depart(move: number): void {
    const leaving = this.#leaving;
    if (leaving?.move !== move) return;
    this.#leaving = null;
    const { cell } = leaving;
    const luggage = pack(cell);
    this.#say(this.#kernel.options.control, cell.path, move, { do: "arrive", luggage });
  }

  #leave(path: string, move: number, thread: number): void {
    const { members, options } = this.#kernel;
    const cell = members.get(path);
    const here = cell instanceof Cell && isMovable(cell);
    if (!here) return this.#say(options.control, path, move, { do: "stay" });
    cell.more.leaving = true;
    cell.more.unmute(Number.POSITIVE_INFINITY);
    const leaving = { cell, move, thread, said: new Map(), expected: false };
    this.#leaving = leaving;
    this.away.set(path, { thread, move });
    this.#tell(leaving, thread);
  }

  #tellOthers(leaving: Leaving): void {
    leaving.expected = true;
    for (let other = 0; other <= this.options.threads; other++) {
      if (other !== this.#kernel.thread && other !== leaving.thread) this.#tell(leaving, other);
    }
  }

  #tell({ cell, move, thread }: Leaving, other: number): void {
    this.#say(other, cell.path, move, { do: "reroute", thread, from: this.#kernel.thread });
  }

  #reroute(path: string, move: number, step: Extract<MoveStep, { do: "reroute" }>): void {
    const { thread: by } = this.#kernel;
    const { generation } = this.options;
    const newer = move > this.ended && move > (this.away.get(path)?.move ?? 0);
    if (newer) {
      this.away.set(path, { thread: step.thread, move });
      if (step.thread === by) this.#expected.set(path, { mail: [], luggage: null });
    }
    this.#say(step.from, path, move, { do: "rerouted", by, generation });
  }

  #rerouted(move: number, by: number, generation: number): void {
    const leaving = this.#leaving;
    if (leaving?.move !== move) return;
    leaving.said.set(by, generation);
    if (by === leaving.thread && !leaving.expected) this.#tellOthers(leaving);
    if (leaving.said.size < this.options.threads) return;
    const generations = [...leaving.said];
    this.#say(this.#kernel.options.control, leaving.cell.path, move, { do: "ready", generations });
  }

  /** It comes in when this thread knows of all losses that it knows of. */
  #arrive(path: string, luggage: Luggage): void {
    const expected = this.#expected.get(path);
    if (expected === undefined) return;
    expected.luggage = luggage;
    if (luggage.losses.some((count, thread) => count > this.lossesOf(thread))) return;
    this.#expected.delete(path);
    const kernel = this.#kernel;
    const cell = unpack(kernel, path, luggage);
    this.arrivals++;
    kernel.emit({ type: "moved", path, life: cell.life, moves: this.arrivals });
    // What was lost while it was under way, nobody has told it.
    for (const [thread, count] of this.losses.entries()) {
      if ((count ?? 0) > (luggage.losses[thread] ?? 0)) concludeFor(cell, thread);
    }
    for (const each of expected.mail) {
      const sender = each.kind === "mail" ? kernel.members.get(each.from) : undefined;
      kernel.send(each, sender instanceof Cell ? sender : null);
    }
  }

  #vanish(move: number, paths: readonly string[], reason: ExitReason): void {
    this.ended = Math.max(this.ended, move);
    const kept = paths.flatMap((path) => this.#expected.get(path)?.mail ?? []);
    this.#forget(paths, reason);
    for (const each of kept) absent(this.#kernel, each);
    const { thread: by, options } = this.#kernel;
    this.#say(options.control, "", move, { do: "vanished", by });
  }

  /** They are at home from now on, and all that asked or held them is told that they are gone. */
  #forget(paths: readonly string[], reason: ExitReason): void {
    const { options } = this.#kernel;
    const gone = new Set<string>();
    for (const path of paths) {
      // Who knew of no move has drawn, or draws, his conclusions from the loss of its home.
      const home = options.route(path, false);
      const told = reason.tag === "thread_lost" && reason.thread === home;
      if (this.away.delete(path) || !told) gone.add(path);
      this.#expected.delete(path);
      if (this.#leaving?.cell.path === path) this.#drop(this.#leaving.cell);
    }
    conclude(this.#kernel, (path) => gone.has(path), reason);
  }

  /** The thread it was to go to is lost, with the mail that waited there: it ends with it. */
  #drop(cell: Cell): void {
    this.#leaving = null;
    this.#kernel.members.delete(cell.path);
    retire(cell);
  }

  #say(thread: number, to: string, move: number, step: MoveStep): void {
    say(this.#kernel, thread, { kind: "move", to, move, step });
  }
}
