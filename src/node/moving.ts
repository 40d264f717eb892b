/**
 * Owns: what moving actors takes on a real node: the start option, how busy a thread is, what a new
 * thread must know. Does not own: who moves (kernel/rebalance.ts), how (kernel/moves.ts).
 */
import { performance } from "node:perf_hooks";
import { ActorError } from "../actor/errors.ts";
import { settings } from "../actor/settings.ts";
import type { Duration } from "../actor/units.ts";
import { CONTROL, type Places } from "../kernel/placement.ts";
import type { MovingOptions } from "../kernel/ports.ts";
import type { Rebalancing } from "../kernel/rebalance.ts";

/** When a busy thread gives actors to an idle one. */
export interface RebalanceOptions {
  /** Time between two looks at the threads. @default "1s" @limit 1 ms … 365 days */
  every?: Duration;
  /** A thread busier than this, at two looks, gives. @unit percent @default 80 @limit 1 … 100 */
  busy?: number;
  /** A thread less busy than this takes. @unit percent @default 30 @limit 1 … 100 */
  idle?: number;
  /** Moves after one look, at most. @default 4 @limit 1 … 64 */
  moves?: number;
  /** Time an actor stays where it has come to. @default "10s" @limit 1 ms … 365 days */
  rest?: Duration;
}

const AT = "start(), rebalance";
const PERCENT = [1, 100] as const;

/** @throws E_SPEC_RANGE E_UNITS E_SPEC_STRATEGY; null: nobody moves */
export function rebalancing(
  wanted: boolean | RebalanceOptions | undefined,
  threads: number,
): Rebalancing | null {
  const given = typeof wanted === "object" && wanted !== null ? wanted : {};
  const on =
    given === wanted || settings.flag(wanted as boolean | undefined, false, "rebalance", AT);
  if (!on) return null;
  return {
    threads,
    everyMs: settings.period(given.every, 1_000, "every", AT),
    busy: settings.integer(given.busy, 80, PERCENT, "busy", AT) / 100,
    idle: settings.integer(given.idle, 30, PERCENT, "idle", AT) / 100,
    moves: settings.integer(given.moves, 4, [1, 64], "moves", AT),
    restMs: settings.period(given.rest, 10_000, "rest", AT),
  };
}

/** Between nodes partitions say what runs where. @throws E_SPEC_STRATEGY */
export function checkAlone(wanted: Rebalancing | null, cluster: unknown): void {
  if (wanted === null || !cluster) return;
  throw new ActorError("E_SPEC_STRATEGY", "rebalance: actors of several nodes cannot move yet", {
    at: AT,
    fix: "leave it out, or run one node",
  });
}

/** What a thread is told of moving as it begins. */
export interface MovingData {
  readonly rebalancing: Rebalancing | null;
  /** Highest number of the threads with actors or supervisors. */
  readonly threads: number;
  readonly generation: number;
  readonly losses: readonly number[];
}

/** For the kernel of one thread. */
export function movingOf(data: MovingData, places: Places): MovingOptions {
  let last = performance.eventLoopUtilization();
  return {
    threads: data.threads,
    generation: data.generation,
    losses: data.losses,
    // The main thread has no part in moves: what it sends goes by an actor's home.
    onlookers: [data.threads + 1],
    mayMove: (path) => data.rebalancing !== null && places.isAlone(path),
    busy: () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
  };
}

/** Does this thread decide who moves? */
export const decides = (thread: number, { rebalancing }: MovingData) =>
  thread === CONTROL ? rebalancing : null;
