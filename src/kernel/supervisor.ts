/**
 * Owns: one supervisor as a state machine: events in, commands out. It knows no clock, no actor
 * and no thread: the shell (supervisor-cell.ts) carries the commands out and brings their results
 * back as events. The state is changed in place: a copy of 100,000 children per event is no option.
 * Does not own: who is restarted with whom (strategy.ts), how work is waited for (work.ts), the
 * administrative calls (admin.ts).
 */
import { type ExitReason, isClean, SHUTDOWN } from "../actor/exit.ts";
import { endTogether, isWoken, onLost, onWoken, oust, wake } from "./abreast.ts";
import { answer } from "./admin.ts";
import { Few } from "./few.ts";
import { countRestart, endsSupervisor, ousted, plan, verdict } from "./strategy.ts";
import {
  type Child,
  type Commands,
  mayHibernate,
  newChild,
  type SupervisorEvent,
  type SupervisorState,
  specArgs,
  type Work,
} from "./supervision.ts";
import { hibernated, onHibernated, onNeeded, wakeNeeded, wasAsleep } from "./waking.ts";
import { advance, drop, lay, onDeadline, onExited, onStarted, remove, run } from "./work.ts";

/** Begins: starts the children of the spec in order; `ready` is commanded when all have started. */
export function begin(state: SupervisorState, out: Commands): void {
  for (const spec of state.spec.children) {
    // (A dynamic supervisor's children of earlier lives are there already.)
    state.children.set(spec.id, newChild(spec.id, spec, specArgs(spec)));
  }
  const actions = [...state.children.values()].map((child) => ({ do: "start" as const, child }));
  run(state, "init", actions, out);
}

/** One event. What it is waiting for goes on at once, everything else in order of arrival. */
export function step(state: SupervisorState, event: SupervisorEvent, out: Commands): void {
  if (state.ended) {
    if (event.type === "call") out.reply(event.from, { error: "exited" });
    if (event.type === "wake") out.nobody(event.id);
    return;
  }
  switch (event.type) {
    case "kill":
      return killAll(state, event.reason, out);
    case "started":
      if (isWoken(state, event.life)) onWoken(state, event.life, event.outcome, out);
      else if (!wasAsleep(state, event.life, event.outcome, out)) {
        onStarted(state, event.life, event.outcome, out);
      }
      break;
    case "exited":
      if (isWoken(state, event.life)) onLost(state, event.life, event.reason, out);
      else onExited(state, event.life, event.reason, out);
      break;
    case "hibernated":
      onHibernated(state, event.life, out);
      break;
    case "wake":
      onNeeded(state, event.id, event.sure);
      break;
    case "deadline":
      onDeadline(state, event.life, out);
      break;
    default:
      state.inbox.push(event);
  }
  pump(state, out);
}

/** Works off the inbox while nothing is waited for. */
export function pump(state: SupervisorState, out: Commands): void {
  while (!state.ended && state.work === null) {
    if (state.suspended) return obey(state, out);
    const event = state.inbox.shift();
    if (event === undefined) return;
    if (event.type === "exited") {
      const child = state.lives.get(event.life);
      if (child !== undefined) ended(state, child, event.reason, out);
    } else if (event.type === "hibernated") {
      hibernated(state, event.life, out);
    } else if (event.type === "wake") {
      wakeNeeded(state, event.id, out);
    } else if (event.type === "call") {
      answer(state, event.request, event.from, out, event);
    } else if (event.type === "retry") {
      const { child, reason } = event;
      if (child.status === "restarting" && state.children.get(child.id) === child) {
        restart(state, child, reason, out);
      }
    } else if (event.type === "adopt") {
      wake(state, event.ids, null, null, out);
    } else if (event.type === "oust") {
      oust(state, out);
    } else if (event.type === "shutdown") {
      stopAll(state, event.reason, out);
    }
  }
}

/** A suspended supervisor still obeys its parent, whenever it was told to stop (SEMANTICS 14.5). */
function obey(state: SupervisorState, out: Commands): void {
  for (const event of state.inbox) {
    if (event.type === "shutdown") return stopAll(state, event.reason, out);
  }
}

/** A child ended by itself: the table of SEMANTICS 5. */
function ended(state: SupervisorState, child: Child, reason: ExitReason, out: Commands) {
  const decision = verdict(child.spec.restart, reason);
  const temporaryFailed = child.spec.restart === "temporary" && !isClean(reason);
  if (decision === "restart" || temporaryFailed) {
    out.report({ kind: "child_terminated", child, reason });
  }
  lay(state, child);
  if (decision === "restart") return restart(state, child, reason, out);
  if (decision === "remove" || state.spec.template) {
    if (ousted(reason)) drop(state, child);
    else remove(state, child, out);
  }
  if (!child.spec.significant) return;
  const others = othersActive(state, child);
  if (endsSupervisor(state.spec.autoShutdown, others)) stopAll(state, SHUTDOWN, out);
}

/** Does another significant child live, or come again? */
const othersActive = (state: SupervisorState, child: Child): boolean =>
  [...state.children.values()].some(
    (each) => each !== child && each.spec.significant && each.status !== "undefined",
  );

function restart(state: SupervisorState, child: Child, why: ExitReason, out: Commands) {
  const { intensity, periodMs, strategy } = state.spec;
  child.status = "undefined";
  // Two hundred children on a lost thread are one mishap, not two hundred (SEMANTICS 30.1).
  const sameLoss = why === state.loss && strategy === "one_for_one";
  if (why.tag === "thread_lost") state.loss = why;
  if (!sameLoss && !countRestart(state.restarts, out.nowMs(), intensity, periodMs, state.unit)) {
    out.report({ kind: "restart_intensity", child, intensity, periodMs });
    // Its spec goes, what a store has of it stays: the next incarnation finds it there.
    state.children.delete(child.id);
    if (mayHibernate(state)) out.nobody(child.id);
    return stopAll(state, SHUTDOWN, out);
  }
  if (strategy === "one_for_one") return run(state, "restart", [{ do: "start", child }], out);
  const { stop, start } = plan(strategy, [...state.children.values()], child);
  const actions = [
    ...stop.map((each) => ({ do: "stop" as const, child: each })),
    ...start.map((each) => ({ do: "start" as const, child: each })),
  ];
  run(state, "restart", actions, out);
}

/** Ends in order: reverse start order, or all at once in a dynamic supervisor (9.1, 10.5). */
function stopAll(state: SupervisorState, reason: ExitReason, out: Commands) {
  const children = [...state.children.values()].reverse();
  if (state.spec.template === null) {
    const actions = children.map((child) => ({ do: "stop" as const, child }));
    return run(state, "exit", actions, out, null, reason);
  }
  const work: Work = { kind: "exit", actions: [], at: 0, from: null, reason, wait: new Few() };
  state.work = work;
  endTogether(state, work, children, out);
  advance(state, work, out);
}

/** Killed: the whole subtree dies first, then its death is told (SEMANTICS 30.6). */
function killAll(state: SupervisorState, reason: ExitReason, out: Commands) {
  out.cancelDeadline();
  const from = state.work?.from;
  if (from) out.reply(from, { error: "exited" });
  const wait = new Few<number>();
  const work: Work = { kind: "exit", actions: [], at: 0, from: null, reason, wait };
  state.work = work;
  for (const child of state.lives.values()) {
    if (child.status === "dead") continue;
    wait.add(child.life);
    out.kill(child);
  }
  advance(state, work, out);
}
