/**
 * A planner that splits a goal into pieces, workers that do one piece each, and a critic that
 * collects and judges what they bring. They share one fate: pieces of a plan whose planner or
 * critic has lost its memory make no sense, so all start again together; with `durable` members
 * they go on where they were.
 *
 *     /…/crew            one_for_all
 *     ├─ (resources)     what the others need, such as a pool
 *     ├─ critic          your behaviour: collects results
 *     ├─ workers         dynamic: one per piece, restarted alone
 *     └─ planner         your behaviour: starts workers; last to start, first to stop
 *
 * | who ends              | who restarts              | what is lost                               |
 * |-----------------------|---------------------------|--------------------------------------------|
 * | a worker, uncleanly   | it alone                  | the piece in hand, done again if durable   |
 * | a worker, cleanly     | nobody: its piece is done | nothing                                    |
 * | planner or critic     | all                       | what is not durable, workers included      |
 * | a resource            | all                       | the same                                   |
 * | workers give up       | all                       | the same                                   |
 * | the crew gives up     | whoever supervises it     | the same                                   |
 */
import {
  type ActorSettings,
  type Behaviour,
  type ChildSpec,
  type DynamicFlags,
  dynamic,
  type Messages,
  type SupervisorFlags,
  type SupervisorSpec,
  supervisor,
} from "coppice";
import type { z } from "zod";

/** The members of a {@link crew}. */
export interface CrewMembers<A extends z.ZodType, S extends z.ZodType, M extends Messages> {
  /**
   * Splits the goal and starts workers: `child("planner", Planner, …)`. One that ends when the
   * goal is reached needs `restart: "transient"`, or its end starts all again.
   */
  planner: ChildSpec;
  /** What each worker runs; the planner starts them at `<crew>/<workers.id>`. */
  workers: {
    /** @default "workers" */
    id?: string;
    behaviour: Behaviour<A, S, M>;
    /** restart is `transient` by default: done is done, a crash is not. */
    settings?: ActorSettings;
    /** By default 10 restarts in 10 s are allowed: one worker's trouble is not all workers'. */
    flags?: DynamicFlags;
  };
  /** Collects what workers bring: `child("critic", Critic, …)`. */
  critic: ChildSpec;
  /** Anything else that must be there before the three, such as a pool. */
  resources?: readonly ChildSpec[];
}

/**
 * A crew.
 *
 * @example crew("audit", { intensity: 5 }, { planner: child("planner", Planner), … })
 */
export function crew<A extends z.ZodType, S extends z.ZodType, M extends Messages>(
  id: string,
  flags: Omit<SupervisorFlags, "strategy">,
  { planner, workers, critic, resources = [] }: CrewMembers<A, S, M>,
): SupervisorSpec {
  const settings: ActorSettings = { restart: "transient", ...workers.settings };
  const limits: DynamicFlags = { intensity: 10, period: "10s", ...workers.flags };
  return supervisor(id, { ...flags, strategy: "one_for_all" }, [
    ...resources,
    critic,
    dynamic(workers.id ?? "workers", limits, workers.behaviour, settings),
    planner,
  ]);
}
