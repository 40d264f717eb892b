/**
 * Random scenarios in the trace format, with the variety of the recorded ones.
 *
 * Owns: drawing legal trees, and operations that have a target in the present state. All of it
 * follows from the random function alone: same numbers, same scenario.
 * Does not own: what an operation results in (`model.ts`), nor when a scenario is long enough.
 *
 * Wider than the recordings, whose recorder kept clear of it: a first start may throw, a dynamic
 * child may throw or ignore its (re)start, and delete_child is also called on dynamic supervisors.
 */
import type * as T from "./trace.ts";

/** Numbers in [0, 1). */
export type Random = () => number;

const DEPTH_MAX = 2;
/** `#10` would come before `#2` in the sorted lists of the format; no recording gets that far. */
const DYNAMIC_MAX = 9;
/** Longer than any scenario, so that all restarts fall in one window, as they were recorded. */
const PERIODS_S: readonly number[] = [3600];
const UNKNOWN_ID = "zz";

/** A tree of supervisors; `periodsS` are the periods to draw from. */
export function randomTree(random: Random, periodsS = PERIODS_S): T.TraceSupervisor {
  return drawSupervisor(random, periodsS, 0);
}

function drawSupervisor(
  random: Random,
  periodsS: readonly number[],
  depth: number,
): T.TraceSupervisor {
  const dynamic = depth > 0 && random() < 0.16;
  const statics = ["one_for_one", "one_for_all", "rest_for_one"] as const;
  const autoShutdowns = ["never", "never", "any_significant", "all_significant"] as const;
  const flags: T.Flags = {
    strategy: dynamic ? "simple_one_for_one" : pick(random, statics),
    intensity: pick(random, [0, 1, 1, 2, 3, 5, 8]),
    period: pick(random, periodsS),
    auto_shutdown: dynamic ? "never" : pick(random, autoShutdowns),
  };
  const ids = dynamic ? ["a"] : [..."abcde"].slice(0, 1 + below(random, 5));
  const children = ids.map((id): T.TraceChild => {
    if (dynamic || depth === DEPTH_MAX || random() < 0.75) return drawWorker(random, id, flags);
    const sub = drawSupervisor(random, periodsS, depth + 1);
    return { id, kind: "supervisor", ...drawEnd(random, flags), shutdown: "infinity", sub };
  });
  return { flags, children };
}

/** Restart and significance; only some combinations are legal (1.5). */
function drawEnd(random: Random, flags: T.Flags): Pick<T.TraceWorker, "restart" | "significant"> {
  const kinds = ["permanent", "permanent", "permanent", "transient", "temporary"] as const;
  const restart = pick(random, kinds);
  const allowed = flags.auto_shutdown !== "never" && restart !== "permanent";
  return { restart, significant: allowed && random() < 0.6 };
}

function drawWorker(random: Random, id: string, flags: T.Flags): T.TraceWorker {
  const end = drawEnd(random, flags);
  const stuck = random() < 0.05;
  const shutdowns = ["brutal_kill", 1000, 5000, "infinity"] as const;
  return {
    id,
    kind: "worker",
    ...end,
    // A stuck worker uses its time up, so it gets little of it, and it must notice the signal.
    shutdown: stuck ? 20 : pick(random, shutdowns),
    script: drawScript(random),
    trap: stuck || random() < 0.75,
    stuck,
  };
}

function drawScript(random: Random): T.Outcome[] {
  if (random() < 0.55) return [];
  const troubles = ["ignore", "error", "initfail", "raise"] as const;
  // Most first starts succeed or are ignored, else few trees would ever be up.
  const firstTroubles = ["ignore", "ignore", "ignore", "ignore", ...troubles] as const;
  return Array.from({ length: 2 + below(random, 4) }, (_, nth) =>
    random() < (nth === 0 ? 0.85 : 0.56)
      ? "ok"
      : pick(random, nth === 0 ? firstTroubles : troubles),
  );
}

/** Draws one operation after the other for a scenario on one tree. */
export interface OpSource {
  /** `state` is the tree of the last step. Null when the root is dead. */
  next(state: T.TreeState): T.Op | null;
}

/** Remembers how many dynamic children it has asked for, as a `#n` is given only once. */
export function randomOps(random: Random, tree: T.TraceSupervisor): OpSource {
  const asked = new Map<string, number>();
  return {
    next: (state) => (isDead(state) ? null : drawOp(random, runningIn(tree, state, "/"), asked)),
  };
}

/** A running supervisor as the scenario sees it. */
interface Running {
  path: string;
  flags: T.Flags;
  /** Of all its children. */
  ids: string[];
  /** Paths of the workers that are up. */
  workers: string[];
}

const isDead = (state: T.TreeState): state is Exclude<T.TreeState, T.TreeView> =>
  state === "dead" || Array.isArray(state);

function runningIn(tree: T.TraceSupervisor, view: T.TreeView, path: string): Running[] {
  const at = (id: string): string => `${path === "/" ? "" : path}/${id}`;
  const workers = view.children.filter(
    ([, state, detail]) => state === "up" && typeof detail === "number",
  );
  const own: Running = {
    path,
    flags: tree.flags,
    ids: view.children.map(([id]) => id),
    workers: workers.map(([id]) => at(id)),
  };
  const nested = view.children.flatMap(([id, , detail]) => {
    const spec = tree.children.find((child) => child.id === id);
    if (typeof detail !== "object" || detail === null || spec?.kind !== "supervisor") return [];
    return runningIn(spec.sub, detail, at(id));
  });
  return [own, ...nested];
}

type Choice = [weight: number, draw: () => T.Op];

function drawOp(random: Random, running: Running[], asked: Map<string, number>): T.Op {
  const workers = running.flatMap((supervisor) => supervisor.workers);
  const choices: Choice[] = [[0.25, () => ["stop"]]];
  if (workers.length > 0) {
    const reasons = ["boom", "boom", "boom", "normal", "shutdown", ["shutdown", "x"]];
    choices.push(
      [8, () => ["exit", pick(random, workers), pick<T.Reason>(random, reasons)]],
      [2, () => ["kill", pick(random, workers)]],
    );
  }
  const crowded = running.filter((supervisor) => supervisor.workers.length > 1);
  if (crowded.length > 0) choices.push([2, () => drawKills(random, pick(random, crowded))]);
  const called = pick(random, running);
  const dynamic = called.flags.strategy === "simple_one_for_one";
  choices.push(...(dynamic ? dynamicCalls(random, called, asked) : calls(random, called)));
  return pickWeighted(random, choices);
}

function drawKills(random: Random, { path, workers }: Running): T.Op {
  const rest = [...workers];
  const count = 2 + below(random, workers.length - 1);
  const victims = Array.from({ length: count }, () => rest.splice(below(random, rest.length), 1));
  return ["kill_many", path, victims.flat()];
}

function calls(random: Random, { path, flags, ids }: Running): Choice[] {
  const id = ids.length > 0 && random() < 0.6 ? pick(random, ids) : UNKNOWN_ID;
  return [
    [2, () => ["terminate_child", path, id]],
    [2, () => ["restart_child", path, id]],
    [2, () => ["delete_child", path, id]],
    [2, () => ["get_childspec", path, id]],
    [2.7, () => ["start_child", path, drawWorker(random, pick(random, [..."abcdefgh"]), flags)]],
  ];
}

/** Calls by `#n` want a living child: what else its reference would stand for is not recorded. */
function dynamicCalls(
  random: Random,
  { path, ids }: Running,
  asked: Map<string, number>,
): Choice[] {
  const choices: Choice[] = [];
  const next = 1 + (asked.get(path) ?? 0);
  if (next <= DYNAMIC_MAX) {
    choices.push([
      8,
      () => {
        asked.set(path, next);
        return ["start_child", path, `#${next}`];
      },
    ]);
  }
  if (ids.length > 0) {
    const id = pick(random, ids);
    choices.push(
      [2, () => ["terminate_child", path, id]],
      [1, () => ["restart_child", path, id]],
      [1, () => ["delete_child", path, id]],
    );
  }
  return choices;
}

function pickWeighted(random: Random, choices: readonly Choice[]): T.Op {
  let left = random() * choices.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, draw] of choices) {
    left -= weight;
    if (left < 0) return draw();
  }
  throw new Error("the random function must give numbers below 1");
}

function below(random: Random, end: number): number {
  return Math.floor(random() * end);
}

function pick<V>(random: Random, values: readonly V[]): V {
  const index = below(random, values.length);
  if (index >= values.length) throw new Error("there is nothing to pick from");
  return values[index] as V;
}
