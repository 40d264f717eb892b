/**
 * Owns: one thread's part in moving actors (ADR 0025): who is not at home, waiting for one, and what
 * it means here that one is gone.
 * Does not own: deciding (transfers.ts), letting one go (departures.ts), what travels (luggage.ts).
 *
 * The old thread holds the actor still and tells the new one, then all others. Each sends to the new
 * thread from then on, where it waits, and says so behind what it has sent to the old one. So when all
 * have said so, nothing is under way to the actor or from it, and it can go.
 */
import type { ExitReason } from "../actor/exit.ts";
import { say } from "./arrival.ts";
import { Survey } from "./burners.ts";
import { Cell } from "./cell.ts";
import { absent, undeliverable } from "./delivery.ts";
import { Departures } from "./departures.ts";
import type { Kernel } from "./kernel.ts";
import { conclude, concludeFor } from "./loss.ts";
import { unpack } from "./luggage.ts";
import type { Luggage, Move, MoveStep, Place } from "./moving.ts";
import type { Envelope, MovingOptions } from "./ports.ts";

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
  readonly departures: Departures;
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
    this.departures = new Departures(kernel);
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

  /**
   * Nobody lives here who should get this. Only the place of a durable actor asks the store for it:
   * otherwise what one sender sends over two places would be numbered in any order.
   */
  turnAway(envelope: Envelope): void {
    const kernel = this.#kernel;
    const elsewhere = this.threadOf(envelope.to, false) !== kernel.thread;
    if (envelope.kind !== "mail" || envelope.seq > 0 || !elsewhere) absent(kernel, envelope);
    else undeliverable(kernel, envelope, "no_actor", null);
  }

  /** Keeps an envelope for an actor that is on its way here. @returns whether there is one */
  keeps(envelope: Envelope): boolean {
    if (this.#expected.size === 0) return false;
    const expected = this.#expected.get(envelope.to);
    expected?.mail.push(envelope);
    return expected !== undefined;
  }

  receive({ to, move, step }: Move): void {
    switch (step.do) {
      case "leave":
        return this.departures.leave(to, move, step.thread);
      case "reroute":
        return this.#reroute(to, move, step);
      case "rerouted":
        return this.departures.rerouted(move, step.by, step.generation);
      case "go":
        return this.departures.depart(move);
      case "arrive":
        return this.#arrive(to, step.luggage);
      case "vanish":
        return this.#vanish(move, step.paths, step.reason);
      case "table":
        return this.#learn(move, step.entries);
      case "home":
        return this.#takeIn(step.paths);
      case "survey":
        return this.#say(this.#kernel.options.control, to, move, this.#survey.take());
    }
  }

  /** Another thread is gone. */
  lost(thread: number): void {
    this.losses[thread] = this.lossesOf(thread) + 1;
    this.departures.lost(thread);
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

  /** At the beginning. Who was here has gone with the thread before: everybody will be told. */
  #learn(move: number, entries: readonly (readonly [string, Place])[]): void {
    this.ended = Math.max(this.ended, move);
    for (const [path, place] of entries) {
      if (place.thread !== this.#kernel.thread) this.away.set(path, place);
    }
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
    for (const each of kept) this.turnAway(each);
    const { thread: by, options, outgoing } = this.#kernel;
    // What comes now is asked of the store behind what the others have asked it.
    for (const path of paths) {
      const isHome = options.route(path, false) === by && !this.#kernel.members.has(path);
      if (isHome) this.#expected.set(path, { mail: [], luggage: null });
    }
    // What this thread has asked of the store for them comes before whatever is asked at home.
    outgoing.whenAnswered(() => this.#say(options.control, "", move, { do: "vanished", by }));
  }

  /** Their ends are known to all: what has come for them may be looked at. */
  #takeIn(paths: readonly string[]): void {
    for (const path of paths) {
      const mail = this.#expected.get(path)?.mail ?? [];
      this.#expected.delete(path);
      for (const each of mail) this.#kernel.deliver(each);
    }
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
      this.departures.drop(path, reason);
    }
    conclude(this.#kernel, (path) => gone.has(path), reason);
  }

  #say(thread: number, to: string, move: number, step: MoveStep): void {
    say(this.#kernel, thread, { kind: "move", to, move, step });
  }
}
