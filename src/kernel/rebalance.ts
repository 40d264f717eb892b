/**
 * Owns: who should move, from the loads of all threads: a pure function, and the loop that asks for
 * loads and carries out what it says. Does not own: moving (transfers.ts), measuring (burners.ts).
 */
import type { Kernel } from "./kernel.ts";
import type { Load } from "./moving.ts";

/** When actors move. */
export interface Rebalancing {
  /** Threads that give and take: 1 … threads. */
  readonly threads: number;
  /** Time between two looks. @unit ms */
  readonly everyMs: number;
  /** A thread busier than this gives. @limit 0 … 1 */
  readonly busy: number;
  /** A thread less busy than this takes. @limit 0 … 1 */
  readonly idle: number;
  /** Moves after one look, at most. */
  readonly moves: number;
  /** Time an actor stays where it has come to. @unit ms */
  readonly restMs: number;
}

/** What earlier looks have left. */
export interface History {
  /** Threads that were busy at the last look too: one busy moment moves nobody. */
  readonly busy: ReadonlySet<number>;
  /** Threads that have just given or taken: their loads are not known yet. */
  readonly changed: ReadonlySet<number>;
  /** Actors that moved not long ago. */
  readonly resting: ReadonlySet<string>;
}

/** One move that is worth it. */
export interface Advice {
  readonly path: string;
  readonly from: number;
  readonly thread: number;
}

/** Who does this part of a thread's work starves its neighbours. */
const HOG = 0.5;

/** Who should move where: the busiest thread gives first, the idlest one takes first, each once. */
export function advise(
  loads: readonly Load[],
  history: History,
  { busy, idle, moves }: Rebalancing,
): Advice[] {
  const calm = loads.filter(({ thread }) => !history.changed.has(thread));
  const givers = calm
    .filter((each) => each.busy > busy && history.busy.has(each.thread))
    .sort((a, b) => b.busy - a.busy);
  const takers = calm.filter((each) => each.busy < idle).sort((a, b) => a.busy - b.busy);
  const advice: Advice[] = [];
  for (const from of givers) {
    const taker = takers[0];
    if (taker === undefined || advice.length >= moves) break;
    const chosen = from.candidates.find(
      ({ path, share }) => !history.resting.has(path) && isWorth(share, from, taker),
    );
    if (chosen === undefined) continue;
    takers.shift();
    advice.push({ path: chosen.path, from: from.thread, thread: taker.thread });
  }
  return advice;
}

/** Either the taker stays the less busy one, or a hog goes where it has fewer neighbours. */
function isWorth(share: number, from: Load, to: Load): boolean {
  const part = share * from.busy;
  return to.busy + part <= from.busy - part || (share >= HOG && to.actors + 1 < from.actors);
}

/** Looks at all threads again and again. Runs on the control thread. */
export class Rebalancer {
  readonly #kernel: Kernel;
  readonly #settings: Rebalancing;
  /** Answers to the last look. */
  #loads: Load[] = [];
  #advice: Advice[] = [];
  #busy = new Set<number>();
  #changed = new Set<number>();
  /** Actor → until when it stays. @unit ms */
  readonly #resting = new Map<string, number>();

  constructor(kernel: Kernel, settings: Rebalancing) {
    this.#kernel = kernel;
    this.#settings = settings;
    const { transfers } = kernel;
    if (transfers === null) return;
    transfers.onLoad = (load) => {
      if (load.thread <= settings.threads) this.#loads.push(load);
    };
    transfers.onIdle = () => this.#carryOut();
    this.#later();
  }

  #later(): void {
    const { timers, nowMs } = this.#kernel;
    timers.add(nowMs + this.#settings.everyMs, () => this.#look());
  }

  #look(): void {
    const { nowMs, transfers } = this.#kernel;
    for (const [path, until] of this.#resting) if (until <= nowMs) this.#resting.delete(path);
    const loads = this.#loads;
    const resting = new Set(this.#resting.keys());
    const history = { busy: this.#busy, changed: this.#changed, resting };
    this.#advice = advise(loads, history, this.#settings);
    this.#busy = new Set(
      loads.filter(({ busy }) => busy > this.#settings.busy).map(({ thread }) => thread),
    );
    this.#changed = new Set();
    this.#loads = [];
    this.#carryOut();
    transfers?.survey();
    this.#later();
  }

  /** One after the other. */
  #carryOut(): void {
    const { transfers, nowMs } = this.#kernel;
    while (transfers?.idle === true) {
      const next = this.#advice.shift();
      if (next === undefined) return;
      this.#resting.set(next.path, nowMs + this.#settings.restMs);
      this.#changed.add(next.from).add(next.thread);
      transfers.move(next.path, next.thread);
    }
  }
}
