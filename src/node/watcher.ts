/**
 * Owns: watching all scheduler threads from the control thread: one timer, one {@link Watch} each,
 * and carrying out what they decide.
 * Does not own: deciding (watch.ts), replacing a thread (node.ts; it is told).
 */
import type { MessagePort } from "node:worker_threads";
import { BEATS, RUN } from "../kernel/guard.ts";
import { Inspector } from "./inspector.ts";
import type { Preemption } from "./options.ts";
import { Spent, usageOf } from "./spent.ts";
import { type Limits, type Move, Watch } from "./watch.ts";

/** Cells of a thread beside the guard's: its number in Node and in the system. */
export const THREAD_ID = 6;
export const TID = 7;
/** What a late run that answers has, to come to its own end. @unit ms */
const MOMENT_MS = 3;

/** Between two looks at threads that do well. @unit ms */
const PERIOD_MS = [5, 25] as const;
/** … and when no thread has done anything at the last IDLE_LOOKS of them. @unit ms */
const IDLE_MS = 100;
const IDLE_LOOKS = 20;
/** Between two tries to reach a thread through the inspector. @unit ms */
const RETRY_MS = 250;
/** Tries before it is announced that threads can only be replaced. */
const TRIES = 20;

export interface WatcherOptions extends Preemption {
  /** File of the threads. */
  readonly url: string;
  /** Smallest `sliceMs` of the app. @unit ms */
  readonly sliceMs: number;
  /** A thread is to be replaced. */
  readonly lost: (thread: number, generation: number, why: string) => void;
  /** Something people should know. */
  readonly warn: (message: string) => void;
}

interface Watched {
  readonly thread: number;
  readonly generation: number;
  readonly cells: Int32Array;
  readonly port: MessagePort;
  readonly watch: Watch;
  readonly spent: Spent;
  beats: number;
  /** Can its runs be ended already? */
  found: boolean;
}

/** The watcher of one node. */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #threads = new Map<number, Watched>();
  #inspector: Inspector | null;
  readonly #periodMs: number;
  #finding = false;
  #announced = false;
  /** Looks at which no thread had done anything, one after the other. */
  #idle = 0;

  constructor(options: WatcherOptions) {
    this.#options = options;
    const [low, high] = PERIOD_MS;
    this.#periodMs = Math.min(Math.max(options.sliceMs / 4, low), high);
    this.#inspector = options.driver === "abort" ? this.#connect() : null;
    this.#later(this.#periodMs);
  }

  /** A thread is up. It may be the successor of one that was watched. */
  add(
    thread: number,
    generation: number,
    cells: Int32Array,
    endable: boolean,
    port: MessagePort,
  ): void {
    this.remove(thread);
    if (!endable) this.#announce("a setting of this process forbids it");
    const abort = endable && this.#inspector !== null;
    const limits: Limits = { ...this.#options, momentMs: MOMENT_MS, abort };
    const memory = {
      load: (cell: number) => Atomics.load(cells, cell),
      store: (cell: number, value: number) => void Atomics.store(cells, cell, value),
    };
    const spent = new Spent(performance.now(), () => usageOf(cells[TID] as number));
    const watch = new Watch(memory, limits);
    const entry = { thread, generation, cells, port, watch, spent, beats: -1, found: !abort };
    this.#threads.set(thread, entry);
    void this.#find();
  }

  /** A thread is gone. */
  remove(thread: number): void {
    this.#threads.get(thread)?.port.close();
    this.#threads.delete(thread);
  }

  /** Nothing is ended any more. */
  close(): void {
    this.#inspector?.close();
    this.#inspector = null;
  }

  #connect(): Inspector | null {
    try {
      return new Inspector(this.#options.url);
    } catch (error) {
      this.#announce(error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  #announce(why: string): void {
    if (this.#announced) return;
    this.#announced = true;
    this.#options.warn(`code that hangs costs its thread, it cannot be ended alone: ${why}`);
  }

  /** Reaches all threads that are not reached yet, one after the other, until it has them. */
  async #find(): Promise<void> {
    const inspector = this.#inspector;
    if (this.#finding || inspector === null) return;
    this.#finding = true;
    const missing = () => [...this.#threads.values()].filter((each) => !each.found);
    for (let tries = 1; missing().length > 0; tries++) {
      for (const each of missing())
        each.found = await inspector.find(each.cells[THREAD_ID] as number);
      if (missing().length === 0) break;
      if (tries === TRIES) this.#announce("the inspector does not answer; it is asked again");
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      if (![...this.#threads.values()].some((each) => each.found)) inspector.renew();
    }
    this.#finding = false;
  }

  #later(ms: number): void {
    setTimeout(() => this.#round(), ms).unref();
  }

  #round(): void {
    const now = performance.now();
    let [soonMs, idle] = [this.#periodMs, true];
    for (const each of [...this.#threads.values()]) {
      const beats = each.cells[BEATS] as number;
      const turned = beats !== each.beats;
      each.beats = beats;
      const pinged = each.watch.pinged;
      // While a run is under way each look is close: an interval that is not known counts in full.
      const nowMs = each.spent.read(now, each.watch.owing || each.cells[RUN] !== 0);
      this.#carryOut(each, each.watch.look(nowMs, now));
      soonMs = Math.min(soonMs, each.watch.urgent ? 1 : each.watch.leftMs + 1);
      if ((turned && !pinged) || (each.watch.owing && !pinged)) idle = false;
    }
    // A ping makes a thread turn: that is no sign of life of its own.
    this.#idle = idle ? this.#idle + 1 : 0;
    this.#later(this.#idle > IDLE_LOOKS ? IDLE_MS : soonMs);
  }

  #carryOut(each: Watched, move: Move): void {
    const { cells, watch } = each;
    const inspector = this.#inspector;
    if (move.do === "ping") return each.port.postMessage(0);
    if (move.do === "replace") {
      this.remove(each.thread);
      return this.#options.lost(each.thread, each.generation, move.why);
    }
    if (move.do === "nothing" || inspector === null) return;
    const threadId = cells[THREAD_ID] as number;
    if (move.do === "ask") {
      void inspector.ask(threadId, move.run).then((known) => known && watch.asked(move.run));
      return;
    }
    void inspector.end(threadId).then((landed) => {
      if (!landed) return;
      watch.landed(move.run);
      each.port.postMessage(0);
    });
  }
}
