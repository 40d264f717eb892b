/**
 * Owns: checks about supervision trees: order of starts and stops, restarts in a window, orphans.
 */
import type { SupervisorState } from "../kernel/supervision.ts";
import { SupervisorCell } from "../kernel/supervisor-cell.ts";
import type { Sight } from "./checkers.ts";
import type { SimEvent } from "./stream.ts";

type Order = Extract<SimEvent, { type: "start_ordered" | "stop_ordered" }>;

/** One piece of a supervisor's work, as its orders show it. */
interface Piece {
  /** Child paths in start order, as it was when the work began. */
  readonly rank: readonly string[];
  last: number;
  starting: boolean;
  waitsFor: number;
}

const stateOf = ({ chaos }: Sight, path: string): SupervisorState | null => {
  const cell = chaos.world.control.members.get(path);
  return cell instanceof SupervisorCell ? cell.state : null;
};

/** K9: static children start one after the other in order and stop so in reverse order. */
export function orders(sight: Sight) {
  const { census, fail } = sight;
  const pieces = new Map<number, Piece>();
  const order = (event: Order) => {
    const state = stateOf(sight, event.parent);
    if (state === null || state.spec.template !== null || event.work === 0) return;
    // Killed: its subtree dies at once, in no order (SEMANTICS 30.6).
    if (state.work?.actions.length === 0) return;
    const rank = [...state.children.keys()].map((id) => `${event.parent}/${id}`);
    const fresh: Piece = { rank, last: Number.NaN, starting: false, waitsFor: 0 };
    const piece = pieces.get(event.work) ?? fresh;
    pieces.set(event.work, piece);
    // The same again: its time to stop is over, and it is killed.
    if (piece.waitsFor === event.life) return;
    const at = piece.rank.indexOf(event.path);
    const starting = event.type === "start_ordered";
    if (starting !== piece.starting) piece.last = Number.NaN;
    piece.starting = starting;
    const what = `${event.parent} (${event.why}): ${starting ? "start" : "stop"} of ${event.path}`;
    if (census.isAlive(piece.waitsFor) && !starting) fail(`${what} before the one before is dead`);
    if (at >= 0 && (starting ? at <= piece.last : at >= piece.last)) fail(`${what} out of order`);
    if (at >= 0) piece.last = at;
    piece.waitsFor = starting ? 0 : event.life;
  };
  return (event: SimEvent) => {
    if (event.type === "start_ordered" || event.type === "stop_ordered") order(event);
    else if (event.type === "started" && event.behaviour === "supervisor") {
      const state = stateOf(sight, event.path);
      const missing = [...(state?.children.values() ?? [])].find((child) => child.starts === 0);
      if (missing) fail(`${event.path} has started without ever starting ${missing.id}`);
    }
  };
}

/** K10: pieces of restart work in a window, counted here, against the supervisor's own verdict. */
export function restarts(sight: Sight) {
  const { chaos, fail } = sight;
  const times = new Map<string, number[]>();
  const counted = new Set<number>();
  /** The loss that was counted last, by supervisor; the exit that was answered last, by child. */
  const losses = new Map<string, unknown>();
  const answered = new Map<string, unknown>();
  /** What one loss of a thread took is one restart; a start that failed, tried again, is one more. */
  const isOfLoss = (state: SupervisorState, parent: string, path: string): boolean => {
    const exit = state.children.get(path.slice(parent.length + 1))?.lastExit ?? null;
    const again = answered.get(path) === exit;
    answered.set(path, exit);
    if (again || exit?.reason.tag !== "thread_lost") return false;
    if (losses.get(parent) === exit.reason) return true;
    losses.set(parent, exit.reason);
    return false;
  };
  const within = (path: string, periodMs: number): number => {
    const now = chaos.world.control.nowMs;
    const recent = (times.get(path) ?? []).filter((then) => now - then <= periodMs);
    times.set(path, recent);
    return recent.length;
  };
  return (event: SimEvent) => {
    if (event.type === "starting") {
      times.delete(event.path);
      losses.delete(event.path);
    } else if (event.type === "restart_intensity") {
      const { path, intensity, periodMs } = event;
      const count = within(path, periodMs) + 1;
      if (count <= intensity) fail(`${path} gave up at restart ${count} of ${intensity}`);
    } else if (event.type === "start_ordered" || event.type === "stop_ordered") {
      const { parent, work, why } = event;
      if (why !== "restart" || counted.has(work)) return;
      counted.add(work);
      const state = stateOf(sight, parent);
      if (state === null) return;
      const { spec } = state;
      if (spec.strategy === "one_for_one" && isOfLoss(state, parent, event.path)) return;
      const count = within(parent, spec.periodMs) + 1;
      times.get(parent)?.push(chaos.world.control.nowMs);
      if (count <= spec.intensity) return;
      fail(`${parent}: restart ${count} within ${spec.periodMs} ms, allowed are ${spec.intensity}`);
    }
  };
}

/** A supervisor ends after all that is below it. */
export function orphans({ census, fail }: Sight) {
  return (event: SimEvent) => {
    if (event.type === "exited" && census.living.get(event.path)?.supervisor) {
      for (const path of census.living.keys()) {
        if (path.startsWith(`${event.path}/`)) fail(`${event.path} ended, but ${path} lives`);
      }
    } else if (event.type === "starting" || event.type === "woken") {
      const parent = event.path.slice(0, event.path.lastIndexOf("/"));
      if (parent !== "" && !census.living.has(parent)) fail(`${event.path} starts without parent`);
    }
  };
}
