/**
 * Owns: doing a list of starts and stops one after the other, waiting for each; what happens when a
 * start fails. Does not own: which starts and stops (supervisor.ts, strategy.ts, admin.ts).
 *
 * Invariants: S-1 at most one piece of work at a time; everything else waits in `inbox`, in order of
 * arrival (SEMANTICS 5.3, 9.10). S-2 what the work waits for overtakes the inbox. S-3 an exit of a
 * life that is no present child's is ignored (5.4).
 */
import { type ExitReason, isClean, SHUTDOWN } from "../actor/exit.ts";
import { Few } from "./few.ts";
import { comesAgain, ousted } from "./strategy.ts";
import {
  type Action,
  ALL,
  type Child,
  type Commands,
  type From,
  type Kind,
  mayHibernate,
  STORED,
  type StartOutcome,
  type SupervisorState,
  type Work,
} from "./supervision.ts";

/**
 * Children that come back side by side: enough for what they wait for to be shared, and few enough for
 * one answer of a store to hold the states of all.
 */
const ABREAST = 100;

/** A start that was waited for is over. */
export function onStarted(
  state: SupervisorState,
  life: number,
  outcome: StartOutcome,
  out: Commands,
) {
  const work = state.work;
  const child = state.lives.get(life);
  if (work === null || child === undefined || !work.wait.has(life)) return;
  if (work.kind === "exit") {
    // Being killed: a start that failed is a death like any other.
    if ("ok" in outcome) return;
    return arrived(state, work, child, out);
  }
  work.wait.delete(life);
  if ("error" in outcome && ousted(outcome.error) && work.from === null) {
    return away(state, work, child, outcome.error, out);
  }
  if ("error" in outcome) {
    lay(state, child);
    // (That it runs elsewhere by now is no error.)
    if (!ousted(outcome.error)) out.report({ kind: "start_error", child, reason: outcome.error });
    return startFailed(state, work, child, outcome.error, out);
  }
  if ("ok" in outcome) {
    child.status = "up";
    const cause = work.kind === "init" || work.kind === "restart" ? work.kind : "call";
    out.report({ kind: "progress", child, cause });
  } else {
    lay(state, child);
    const dropped = child.spec.restart === "temporary" && work.kind !== "restart";
    if (dropped || state.spec.template) {
      if ("elsewhere" in outcome) drop(state, child);
      else remove(state, child, out);
    }
  }
  if (work.kind === "start" && (child.status === "up" || child.spec.restart !== "temporary")) {
    if (child.status === "up" || !state.spec.template) state.children.set(child.id, child);
  }
  advance(state, work, out);
}

/** It was not started, as another node has it; if that is over already, it is tried again. */
function away(
  state: SupervisorState,
  work: Work,
  child: Child,
  reason: ExitReason,
  out: Commands,
): void {
  lay(state, child);
  if (out.here?.(child.id) ?? true) {
    state.children.set(child.id, child);
    child.status = "restarting";
    state.inbox.push({ type: "retry", child, reason });
  } else if (state.spec.template) {
    drop(state, child);
  }
  advance(state, work, out);
}

/** A child ended: waited for, or for the inbox. */
export function onExited(state: SupervisorState, life: number, reason: ExitReason, out: Commands) {
  const child = state.lives.get(life);
  // A life ends once: what is dead can be on a thread that is lost before its end is dealt with.
  if (child === undefined || child.status === "dead") return;
  child.lastExit = { reason, atMs: out.nowMs() };
  const work = state.work;
  if (work?.wait.has(life)) {
    if (child.status === "starting" && work.kind !== "exit") {
      return onStarted(state, life, { error: reason }, out);
    }
    reportStop(child, reason, out);
    return arrived(state, work, child, out);
  }
  child.status = "dead";
  state.inbox.push({ type: "exited", life, reason });
}

/** Reasons that a stop may end with; others are reported and change nothing (SEMANTICS 9.6). */
function reportStop(child: Child, reason: ExitReason, out: Commands) {
  const brutal = child.spec.shutdown === "brutal_kill" && reason.tag === "killed";
  const permanent = child.spec.restart === "permanent";
  const expected = reason.tag === "shutdown" && (!permanent || reason.detail === undefined);
  if (brutal || expected || (!permanent && isClean(reason))) return;
  out.report({ kind: "shutdown_error", child, reason });
}

/** A child whose stop was waited for is gone. */
function arrived(state: SupervisorState, work: Work, child: Child, out: Commands) {
  work.wait.delete(child.life);
  lay(state, child);
  if (work.kind === "restart" && child.spec.restart === "temporary") remove(state, child, out);
  if (work.wait.size === 0) {
    out.cancelDeadline();
    advance(state, work, out);
  }
}

/** A stop took too long. */
export function onDeadline(state: SupervisorState, life: number, out: Commands) {
  const work = state.work;
  if (work === null) return;
  for (const waited of work.wait) {
    const child = state.lives.get(waited);
    if (child && (life === ALL || waited === life)) out.kill(child);
  }
}

/** The child has no life any more. */
export function lay(state: SupervisorState, child: Child) {
  state.lives.delete(child.life);
  child.life = 0;
  child.status = "undefined";
}

/** The child's spec goes; what a store has of it stays, for whoever runs it next. */
export function drop(state: SupervisorState, child: Child) {
  if (state.children.get(child.id) === child) state.children.delete(child.id);
  state.wanted.delete(child.id);
}

/** The child is gone for good, and what a store has of it. @param then called when that is gone */
export function remove(
  state: SupervisorState,
  child: Child,
  out: Commands,
  then: () => void = () => {},
) {
  drop(state, child);
  out.forget(child, then);
}

/** Starts a piece of work; S-1. */
export function run(
  state: SupervisorState,
  kind: Kind,
  actions: Action[],
  out: Commands,
  from: From = null,
  reason: ExitReason = SHUTDOWN,
  then: (() => void) | null = null,
): void {
  const work: Work = { kind, actions, at: 0, from, reason, wait: new Few(), then };
  state.work = work;
  advance(state, work, out);
}

/** Goes on with the work until it must wait. */
export function advance(state: SupervisorState, work: Work, out: Commands) {
  const most = work.kind === "wake" ? ABREAST : 1;
  while (state.work === work && work.wait.size < most) {
    const action = work.actions[work.at++];
    if (action === undefined && work.wait.size > 0) return;
    if (action === undefined) return finish(state, work, out);
    if (action.do === "start") startOne(state, work, action.child, out);
    else stopOne(state, work, action.child, out);
  }
}

/** Starts a child; the work waits for it. */
export function startOne(state: SupervisorState, work: Work, child: Child, out: Commands) {
  child.life = out.nextLife();
  child.starts++;
  child.status = "starting";
  state.lives.add(child);
  work.wait.add(child.life);
  out.start(child);
}

function stopOne(state: SupervisorState, work: Work, child: Child, out: Commands) {
  if (child.status !== "up") {
    // Not running, or dead with its exit still queued: the group stop absorbs that exit (6.7).
    lay(state, child);
    if (work.kind === "restart" && child.spec.restart === "temporary") remove(state, child, out);
    return;
  }
  work.wait.add(child.life);
  askToEnd(child, out);
  const { shutdown } = child.spec;
  if (typeof shutdown === "number") out.deadline(child.life, shutdown);
}

/** Asks a child to end, in the way its spec says. */
export function askToEnd(child: Child, out: Commands) {
  if (child.spec.shutdown === "brutal_kill") out.kill(child);
  else out.stop(child);
}

function finish(state: SupervisorState, work: Work, out: Commands) {
  state.work = null;
  const child = work.actions[0]?.child;
  const done = { ok: null };
  switch (work.kind) {
    case "init":
      return out.ready(null);
    case "unwind":
      refuseCalls(state, out);
      return out.ready(work.reason);
    case "start":
    case "revive":
      return out.reply(work.from, { ok: child?.status === "up" ? child.id : null });
    case "terminate":
      if (child && (child.spec.restart === "temporary" || state.spec.template)) {
        // (A supervisor that asks itself does so because the child is another node's.)
        if (work.from !== null) return remove(state, child, out, () => out.reply(work.from, done));
        drop(state, child);
      }
      return out.reply(work.from, done);
    case "wake":
    case "oust":
      return work.then?.();
    case "exit":
      refuseCalls(state, out);
      return out.exit(work.reason);
  }
}

/** The end: nothing more is served, and whoever still waits for an answer is told. */
function refuseCalls(state: SupervisorState, out: Commands) {
  state.ended = true;
  // They may have been needed when they could not start.
  if (mayHibernate(state)) for (const id of state.children.keys()) out.nobody(id);
  for (let next = state.inbox.shift(); next !== undefined; next = state.inbox.shift()) {
    if (next.type === "call") out.reply(next.from, { error: "exited" });
    if (next.type === "wake") out.nobody(next.id);
  }
}

function startFailed(
  state: SupervisorState,
  work: Work,
  child: Child,
  reason: ExitReason,
  out: Commands,
) {
  if (work.kind === "init") {
    // Those before it stop in reverse order, those after it never start (SEMANTICS 3.5).
    const ran = ({ status }: Child) => status === "up" || status === "dead";
    const started = [...state.children.values()].filter(ran).reverse();
    const cause = JSON.parse(JSON.stringify({ failedToStart: child.id, reason }));
    const actions = started.map((each) => ({ do: "stop" as const, child: each }));
    return run(state, "unwind", actions, out, null, { tag: "shutdown", detail: cause });
  }
  state.work = null;
  // (A supervisor that asks itself takes over whom another node had: its start is a restart.)
  const renewed = work.kind === "revive" && (state.spec.template !== null || work.from === null);
  if (work.kind === "restart" || renewed) {
    const absent = reason.tag === "no_actor" && child.args === STORED;
    // It was to come back, could not start, and turns out not to be there; or its end was meant.
    if (absent || (renewed && !comesAgain(child.spec, reason))) remove(state, child, out);
    else {
      // Retried behind what is already queued, so that a restart loop can be interrupted (8.1, 8.4).
      child.status = "restarting";
      state.inbox.push({ type: "retry", child, reason });
    }
    if (!renewed) return;
  }
  if (work.kind === "start") {
    // What the store had before this start, of one who may be asleep, is not this start's to take away.
    if (ousted(reason) || mayHibernate(state)) drop(state, child);
    else {
      const failure = { error: "start_failed", reason } as const;
      return remove(state, child, out, () => out.reply(work.from, failure));
    }
  }
  out.reply(work.from, { error: "start_failed", reason });
}
