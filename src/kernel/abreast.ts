/**
 * Owns: what a supervisor does with many of its children side by side: those that come back from the
 * store, because they are needed or because another node had them, and those that run elsewhere now.
 * Pure, as supervisor.ts.
 * Does not own: who they are (waking.ts, rehoming.ts), how many at a time (work.ts).
 *
 * One after the other each would wait for an answer of the store, behind the work of all others.
 */
import { type ExitReason, SHUTDOWN } from "../actor/exit.ts";
import { Few } from "./few.ts";
import { comesAgain, ousted } from "./strategy.ts";
import {
  ALL,
  type Child,
  type Commands,
  type From,
  mayHibernate,
  newChild,
  STORED,
  type StartOutcome,
  type SupervisorState,
  type Work,
} from "./supervision.ts";
import { advance, askToEnd, drop, lay, remove, run } from "./work.ts";

/** Brings children back. @param then what is to be done when they are, or are found not to be */
export function wake(
  state: SupervisorState,
  ids: readonly string[],
  from: From,
  then: (() => void) | null,
  out: Commands,
): void {
  const actions: { do: "start"; child: Child }[] = [];
  for (const id of ids) {
    // Somebody has started it meanwhile: it has read its mailbox since.
    if (state.children.has(id)) continue;
    const child = newChild(id, state.spec.template as never, STORED);
    state.children.set(id, child);
    actions.push({ do: "start", child });
  }
  run(state, "wake", actions, out, from, SHUTDOWN, then);
}

/** Is this the life of a child that is being brought back? */
export const isWoken = ({ work }: SupervisorState, life: number): boolean =>
  work?.kind === "wake" && work.wait.has(life);

/** It was lost with its thread before it was back. */
export function onLost(
  state: SupervisorState,
  life: number,
  reason: ExitReason,
  out: Commands,
): void {
  const child = state.lives.get(life);
  if (child !== undefined) child.lastExit = { reason, atMs: out.nowMs() };
  onWoken(state, life, { error: reason }, out);
}

/** A child is back; or it is not there, or cannot start. */
export function onWoken(
  state: SupervisorState,
  life: number,
  outcome: StartOutcome,
  out: Commands,
): void {
  const { work } = state;
  const child = state.lives.get(life);
  if (work === null || child === undefined || !work.wait.delete(life)) return;
  if ("ok" in outcome) {
    child.status = "up";
    // (That one wakes up is no start that anybody should see.)
    if (!mayHibernate(state)) out.report({ kind: "progress", child, cause: "call" });
    if (state.asleep > 0) state.asleep--;
  } else {
    lay(state, child);
    if ("error" in outcome) notBack(state, child, outcome.error, out);
    else leaveAlone(state, child, out);
  }
  advance(state, work, out);
}

function notBack(state: SupervisorState, child: Child, reason: ExitReason, out: Commands): void {
  if (ousted(reason) && out.here?.(child.id) === false) return leaveAlone(state, child, out);
  if (reason.tag === "no_actor") return remove(state, child, out);
  // (That another node had it a moment ago is no error.)
  if (!ousted(reason)) out.report({ kind: "start_error", child, reason });
  if (!comesAgain(child.spec, reason)) return remove(state, child, out);
  // Whoever could not come back has not ended: the store has it still, and it is needed still.
  child.status = "restarting";
  state.inbox.push({ type: "retry", child, reason });
}

/** It is another node's. */
function leaveAlone(state: SupervisorState, child: Child, out: Commands): void {
  drop(state, child);
  out.nobody(child.id);
}

/** Children that run elsewhere now end here, and are not forgotten. */
export function oust(state: SupervisorState, out: Commands): void {
  const gone = [...state.children.values()].filter(({ id }) => out.here?.(id) === false);
  const then = () => {
    for (const child of gone) drop(state, child);
  };
  const wait = new Few<number>();
  const work: Work = { kind: "oust", actions: [], at: 0, from: null, reason: SHUTDOWN, wait, then };
  state.work = work;
  // Who is not running, or is dead with its exit still queued, has no life to wait for.
  for (const child of gone) if (child.status !== "up") lay(state, child);
  endTogether(state, work, gone, out);
  advance(state, work, out);
}

/** Asks all of them to end, and gives them one time for it. */
export function endTogether(
  state: SupervisorState,
  work: Work,
  children: readonly Child[],
  out: Commands,
): void {
  for (const child of children) {
    if (child.status !== "up") continue;
    work.wait.add(child.life);
    askToEnd(child, out);
  }
  const shutdown = state.spec.template?.shutdown;
  if (work.wait.size > 0 && typeof shutdown === "number") out.deadline(ALL, shutdown);
}
