/**
 * Owns: what moving actors takes on a real node: the start option, how busy a thread is, what a new
 * thread must know. Does not own: who moves (kernel/rebalance.ts), how (kernel/moves.ts).
 */
import { performance } from "node:perf_hooks";
import { type App, visitSpecs } from "../actor/app.ts";
import { ActorError } from "../actor/errors.ts";
import { type Names, onlyKnown } from "../actor/names.ts";
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
const OPTIONS: Names<RebalanceOptions> = {
  every: true,
  busy: true,
  idle: true,
  moves: true,
  rest: true,
};
const PERCENT = [1, 100] as const;

/** @throws E_SPEC_RANGE E_UNITS E_SPEC_SETTING E_SPEC_STRATEGY E_SPEC_COMBINATION; null: nobody moves */
export function rebalancing(
  wanted: boolean | RebalanceOptions | undefined,
  threads: number,
  app: App,
): Rebalancing | null {
  const written = typeof wanted === "object" && wanted !== null ? wanted : {};
  const given = onlyKnown(written, OPTIONS, AT);
  const on =
    written === wanted || settings.flag(wanted as boolean | undefined, true, "rebalance", AT);
  if (!on || !mayHelp(wanted !== undefined, app)) return null;
  return {
    threads,
    everyMs: settings.period(given.every, 1_000, "every", AT),
    busy: settings.integer(given.busy, 80, PERCENT, "busy", AT) / 100,
    idle: settings.integer(given.idle, 30, PERCENT, "idle", AT) / 100,
    moves: settings.integer(given.moves, 4, [1, 64], "moves", AT),
    restMs: settings.period(given.rest, 10_000, "rest", AT),
  };
}

/** Can anybody move? Who has asked for it must know that nobody can. @throws E_SPEC_COMBINATION */
function mayHelp(asked: boolean, { root, store }: App): boolean {
  let some = false;
  visitSpecs(root, (spec) => {
    if (spec.kind === "actor" && spec.movable) some = true;
  });
  // Between nodes partitions say what runs where.
  const alone = store.kind !== "redis";
  if (!asked || (some && alone)) return some && alone;
  const fact = alone
    ? "rebalance, and no child of the app is movable"
    : "rebalance and a Redis store: actors of several nodes do not move";
  const fix = alone ? "write child(id, behaviour, { movable: true })" : "leave rebalance out";
  throw new ActorError("E_SPEC_COMBINATION", fact, { at: AT, fix });
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
export function movingOf(
  data: MovingData,
  places: Places,
  lookout: { readonly spentMs: number },
): MovingOptions {
  let last = performance.eventLoopUtilization();
  let spentMs = 0;
  return {
    threads: data.threads,
    generation: data.generation,
    losses: data.losses,
    // The main thread has no part in moves: what it sends goes by an actor's home.
    onlookers: [data.threads + 1],
    mayMove: (path) => data.rebalancing !== null && places.isAlone(path),
    busy: () => {
      const now = performance.eventLoopUtilization();
      const { active, idle } = performance.eventLoopUtilization(now, last);
      // Who looks out for mail has time for others.
      const workMs = Math.max(active - (lookout.spentMs - spentMs), 0);
      last = now;
      spentMs = lookout.spentMs;
      return workMs / Math.max(active + idle, 1);
    },
  };
}

/** Does this thread decide who moves? */
export const decides = (thread: number, { rebalancing }: MovingData) =>
  thread === CONTROL ? rebalancing : null;
