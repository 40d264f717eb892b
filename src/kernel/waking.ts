/**
 * Owns: the children of a dynamic supervisor that are in the store only: one leaves the memory, some
 * are needed again, all of them come back at once. Pure, as supervisor.ts.
 * Does not own: how a need is noticed (callers.ts, sleepers.ts).
 *
 * A need that is told to a supervisor is met: the child is started, or it is starting and will read
 * its mailbox, or it is about to be found gone, and then started again (`wanted`).
 */
import { type ExitReason, SHUTDOWN } from "../actor/exit.ts";
import { Few } from "./few.ts";
import { comesAgain } from "./strategy.ts";
import {
  type Commands,
  type From,
  mayHibernate,
  newChild,
  STORED,
  type StartOutcome,
  type SupervisorState,
  type Work,
} from "./supervision.ts";
import { advance, drop, lay, onExited, ousted, remove, startOne } from "./work.ts";

/** Children brought back at a time. */
export const WAKES_MAX = 1_000;

/** A life has left the memory. If it was to end, it has: there is nothing else to do for that. */
export function onHibernated(state: SupervisorState, life: number, out: Commands): void {
  const child = state.lives.get(life);
  if (child === undefined || child.status === "dead") return;
  if (state.work?.wait.has(life)) return onExited(state, life, SHUTDOWN, out);
  child.status = "dead";
  state.inbox.push({ type: "hibernated", life });
}

/** The same when its turn has come: its supervisor keeps nothing of it either. */
export function hibernated(state: SupervisorState, life: number, out: Commands): void {
  const child = state.lives.get(life);
  if (child === undefined) return;
  lay(state, child);
  state.children.delete(child.id);
  state.asleep++;
  if (state.wanted.delete(child.id)) wake(state, [child.id], null, null, out);
}

/**
 * Somebody needs a child. @param sure also if it is starting: what it is needed for may have been
 * stored after it has read its mailbox, by somebody who could not tell it any more
 */
export function onNeeded(state: SupervisorState, id: string, sure: boolean): void {
  const child = state.children.get(id);
  if (child === undefined) {
    if (state.waking.has(id)) return;
    state.waking.add(id);
    state.inbox.push({ type: "wake", id, sure });
  } else if (sure || child.status === "dead") state.wanted.add(id);
}

/** All needs that wait side by side are met side by side. */
export function wakeNeeded(state: SupervisorState, first: string, out: Commands): void {
  const ids = [first];
  for (let next = state.inbox.first; next?.type === "wake"; next = state.inbox.first) {
    if (ids.length === WAKES_MAX) break;
    state.inbox.shift();
    ids.push(next.id);
  }
  for (const id of ids) state.waking.delete(id);
  wake(state, ids, null, null, out);
}

/** Brings children back. @param then what is to be done when they are, or are found not to be */
export function wake(
  state: SupervisorState,
  ids: readonly string[],
  from: From,
  then: (() => void) | null,
  out: Commands,
): void {
  const wait = new Few<number>();
  const work: Work = { kind: "wake", actions: [], at: 0, from, reason: SHUTDOWN, wait, then };
  state.work = work;
  for (const id of ids) {
    // Somebody has started it meanwhile: it has read its mailbox since.
    if (state.children.has(id)) continue;
    const child = newChild(id, state.spec.template as never, STORED);
    state.children.set(id, child);
    startOne(state, work, child, out);
  }
  advance(state, work, out);
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
    if (state.asleep > 0) state.asleep--;
    return advance(state, work, out);
  }
  lay(state, child);
  const reason = "error" in outcome ? outcome.error : null;
  if (reason === null || ousted(reason)) {
    // It is another node's.
    drop(state, child);
    out.nobody(child.id);
  } else if (reason.tag === "no_actor") remove(state, child, out);
  else {
    out.report({ kind: "start_error", child, reason });
    // Whoever could not come back has not ended: the store has it still, and it is needed still.
    if (comesAgain(child.spec, reason)) {
      child.status = "restarting";
      state.inbox.push({ type: "retry", child, reason });
    } else remove(state, child, out);
  }
  advance(state, work, out);
}

/** Has somebody who wanted to start a new child named one that was asleep? Now it is awake. */
export function wasAsleep(
  state: SupervisorState,
  life: number,
  outcome: StartOutcome,
  out: Commands,
): boolean {
  const { work } = state;
  const child = state.lives.get(life);
  const found = "ok" in outcome && outcome.restored && mayHibernate(state);
  if (!found || work?.kind !== "start" || child === undefined || !work.wait.has(life)) return false;
  child.status = "up";
  state.children.set(child.id, child);
  if (state.asleep > 0) state.asleep--;
  state.work = null;
  if (work.then) work.then();
  else out.reply(work.from, { error: "already_started" });
  return true;
}
