/**
 * Owns: the children of a dynamic supervisor that are in the store only: one leaves the memory, some
 * are needed again. Pure, as supervisor.ts.
 * Does not own: how a need is noticed (callers.ts, sleepers.ts), how they come back (abreast.ts).
 *
 * A need that is told to a supervisor is met: the child is started, or it is starting and will read
 * its mailbox, or it is about to be found gone, and then started again (`wanted`).
 */
import { SHUTDOWN } from "../actor/exit.ts";
import { wake } from "./abreast.ts";
import {
  type Commands,
  mayHibernate,
  type StartOutcome,
  type SupervisorState,
} from "./supervision.ts";
import { lay, onExited } from "./work.ts";

/** Children asked for at a time. */
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
    state.inbox.shift();
    ids.push(next.id);
  }
  for (const id of ids) state.waking.delete(id);
  wake(state, ids, null, null, out);
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
