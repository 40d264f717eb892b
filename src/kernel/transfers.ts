/**
 * Owns: the control thread's part in moving actors (ADR 0025): one move after the other, and what
 * becomes of actors whose thread is lost away from home. The control thread is never lost while its
 * node lives, so what it has seen is what has happened.
 * Does not own: who should move (rebalance.ts), the part of the other threads (moves.ts).
 */
import type { ExitReason } from "../actor/exit.ts";
import { say } from "./arrival.ts";
import type { Kernel } from "./kernel.ts";
import type { Load, Luggage, Move, MoveStep } from "./moving.ts";
import type { Signal } from "./ports.ts";
import { SupervisorCell } from "./supervisor-cell.ts";

type Exited = Extract<Signal, { kind: "exited" }>;

/** An actor on its way. */
interface Transfer {
  readonly kind: "move";
  readonly path: string;
  readonly from: number;
  readonly thread: number;
  /** The thread it was to go to is lost: if it has stopped by then, it is lost with its mail. */
  lost: ExitReason | null;
}

/** Actors that are lost: everybody must know before they are started again. */
interface Loss {
  readonly kind: "vanish";
  readonly paths: readonly string[];
  readonly reason: ExitReason;
  /** What supervisors hear then. */
  readonly then: readonly Exited[];
  readonly waiting: Set<number>;
}

/** Actors that may live away from home at a time: each thread knows of all of them. */
export const AWAY_MAX = 10_000;

/** Who moves, and who lives where. */
export class Transfers {
  readonly #kernel: Kernel;
  /** Paths that are not at home: path → thread. */
  readonly #away = new Map<string, number>();
  readonly #losses: Loss[] = [];
  #open: Transfer | Loss | null = null;
  #last = 0;
  /** Told the load of a thread. */
  onLoad: ((load: Load) => void) | null = null;
  /** Told when nothing is open any more. */
  onIdle: (() => void) | null = null;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Has everything come to its end? */
  get idle(): boolean {
    return this.#open === null;
  }

  /** May more actors leave their home? */
  get full(): boolean {
    return this.#away.size >= AWAY_MAX;
  }

  /** Begins to move an actor, if it may leave its place. @returns whether that was begun */
  move(path: string, thread: number): boolean {
    const { moves } = this.#kernel;
    const from = moves.threadOf(path, false);
    if (!this.idle || this.full || from === thread || !this.#mayMove(path)) return false;
    this.#open = { kind: "move", path, from, thread, lost: null };
    this.#last++;
    // From here on the control thread decides what the loss of a thread means for it.
    if (!moves.away.has(path)) moves.away.set(path, { thread: from, move: 0 });
    this.#say(from, path, { do: "leave", thread });
    return true;
  }

  /** Asks all threads for their load. */
  survey(): void {
    const { threads } = this.#kernel.moves.options;
    for (let thread = 1; thread <= threads; thread++) this.#say(thread, "", { do: "survey" });
  }

  /** The steps that are for the control thread. @returns whether this was one */
  receive({ to, move, step }: Move): boolean {
    if (step.do === "load") this.onLoad?.(step.load);
    else if (step.do === "stay") this.#stay(move);
    else if (step.do === "ready") this.#ready(move, step.generations);
    else if (step.do === "vanished") this.#vanished(move, step.by);
    else if (step.do === "arrive") this.#pass(to, move, step.luggage);
    else return false;
    return true;
  }

  /** A thread is lost, and with it those who were there, or were to go there. */
  lost(thread: number, reason: ExitReason): void {
    const open = this.#open;
    this.#sayTable(thread);
    const paths = [...this.#away].filter(([, at]) => at === thread).map(([path]) => path);
    if (open?.kind === "vanish") {
      open.waiting.add(thread);
      this.#say(thread, "", { do: "vanish", paths: open.paths, reason: open.reason });
    } else if (open?.from === thread) {
      if (!paths.includes(open.path)) paths.push(open.path);
      this.#open = null;
    } else if (open?.thread === thread) open.lost = reason;
    if (paths.length > 0) this.#lose(paths, reason);
    this.#next();
  }

  /* ---- inside ---- */

  /** Its supervisor must be here, and it must run. */
  #mayMove(path: string): boolean {
    const at = path.lastIndexOf("/");
    const parent = this.#kernel.members.get(path.slice(0, at));
    if (!(parent instanceof SupervisorCell)) return false;
    const child = parent.state.children.get(path.slice(at + 1));
    if (child?.status !== "up" || child.spec.kind !== "actor" || !child.spec.movable) return false;
    return this.#kernel.moves.options.mayMove(path);
  }

  #next(): void {
    while (this.#open === null) {
      const loss = this.#losses.shift();
      if (loss === undefined) return this.onIdle?.();
      this.#tellAll(loss);
    }
  }

  #end(): void {
    this.#open = null;
    this.#next();
  }

  #opened(move: number): Transfer | Loss | null {
    return move === this.#last ? this.#open : null;
  }

  #stay(move: number): void {
    const open = this.#opened(move);
    if (open?.kind !== "move") return;
    const { away } = this.#kernel.moves;
    if (away.get(open.path)?.move === 0) away.delete(open.path);
    this.#end();
  }

  /** Not yet if one of them is a thread that is lost: the old thread will hear of it and ask again. */
  #ready(move: number, said: readonly (readonly [number, number])[]): void {
    const open = this.#opened(move);
    if (open?.kind !== "move") return;
    const { moves } = this.#kernel;
    if (said.some(([thread, generation]) => generation < moves.lossesOf(thread))) return;
    if (open.lost === null) return this.#say(open.from, open.path, { do: "go" });
    this.#lose([open.path], open.lost);
    this.#end();
  }

  /** On to the new thread; or it was lost meanwhile, and everybody will be told. */
  #pass(path: string, move: number, luggage: Luggage): void {
    const open = this.#opened(move);
    if (open?.kind !== "move") return;
    const { thread, lost } = open;
    if (lost !== null) this.#lose([path], lost);
    else {
      this.#away.set(path, thread);
      this.#say(thread, path, { do: "arrive", luggage });
    }
    this.#end();
  }

  /** A lost thread's successor begins without it. */
  #sayTable(thread: number): void {
    const { away, ended } = this.#kernel.moves;
    const entries = [...away].filter(([, { move }]) => move > 0);
    say(this.#kernel, thread, {
      kind: "move",
      to: "",
      move: ended,
      step: { do: "table", entries },
    });
  }

  /** Here it counts at once; what is for them from now on waits until everybody knows. */
  #lose(paths: readonly string[], reason: ExitReason): void {
    const kernel = this.#kernel;
    const then = paths.flatMap((path) => this.#livesOf(path, reason));
    for (const path of paths) {
      this.#away.delete(path);
      kernel.emit({ type: "vanished", path, reason });
    }
    kernel.moves.withhold(paths, reason);
    this.#losses.push({ kind: "vanish", paths, reason, then, waiting: new Set() });
  }

  #livesOf(path: string, reason: ExitReason): Exited[] {
    const at = path.lastIndexOf("/");
    const to = path.slice(0, at);
    const parent = this.#kernel.members.get(to);
    if (!(parent instanceof SupervisorCell)) return [];
    return [...parent.state.lives.values()]
      .filter(({ id }) => id === path.slice(at + 1))
      .map(({ life }) => ({ kind: "exited", to, life, reason }));
  }

  #tellAll(loss: Loss): void {
    this.#open = loss;
    this.#last++;
    const { paths, reason, waiting } = loss;
    const { threads, onlookers } = this.#kernel.moves.options;
    for (let thread = 0; thread <= threads; thread++) {
      if (thread !== this.#kernel.thread) waiting.add(thread);
    }
    const step: MoveStep = { do: "vanish", paths, reason };
    for (const thread of [...waiting, ...onlookers]) this.#say(thread, "", step);
  }

  #vanished(move: number, by: number): void {
    const open = this.#opened(move);
    if (open?.kind !== "vanish" || !open.waiting.delete(by) || open.waiting.size > 0) return;
    // Everybody knows: now they may be started again.
    const { moves } = this.#kernel;
    moves.ended = this.#last;
    for (let thread = 1; thread <= moves.options.threads; thread++) {
      this.#say(thread, "", { do: "home", paths: open.paths });
    }
    for (const each of open.then) this.#kernel.send(each, null);
    moves.release(open.paths);
    this.#end();
  }

  #say(thread: number, to: string, step: MoveStep): void {
    say(this.#kernel, thread, { kind: "move", to, move: this.#last, step });
  }
}
