/**
 * Owns: running one function of a behaviour, and what follows from how it ended: the mark, the
 * answer, the next state, or the end of the actor. The only calls of user code in Coppice (K1, K2).
 * Does not own: which message is next (cell.ts), committing (commits.ts).
 */
import { type AnyBehaviour, IGNORE } from "../actor/actor.ts";
import { type ExitReason, ExitThrown, fromThrown, type KeepsStack, NORMAL } from "../actor/exit.ts";
import { failed, replyTo } from "./answers.ts";
import type { Cell } from "./cell.ts";
import { seal } from "./commits.ts";
import { undeliverable } from "./delivery.ts";
import { bury, conclude, cutBack } from "./ending.ts";
import type { Phase } from "./life.ts";
import type { Item, Notice } from "./mailbox.ts";
import { oversize } from "./oversize.ts";
import type { Mail } from "./ports.ts";
import { spend } from "./running.ts";
import { toSend } from "./slice.ts";
import { running } from "./starting.ts";
import { cellStarted } from "./telling.ts";
import { Verbs } from "./verbs.ts";

type Handler = AnyBehaviour["on"][string];

/** Runs the handler of a message: the path that everything else is measured by. */
export function handleMail(cell: Cell, mail: Mail, handler: Handler): void {
  const verbs = new Verbs(cell, "mail", mail);
  const { kernel, behaviour } = cell.program;
  cell.active = verbs;
  // (Of others nobody sees it before they await: life.ts.)
  if (cell.slice !== null) cell.status = "running";
  let value: unknown;
  kernel.guard.enter(cell);
  try {
    value = handler.call(behaviour.on, cell.state, mail.message as never, verbs.context);
    if (value !== undefined && isThenable(value)) return park(cell, verbs, value);
  } catch (thrown) {
    return threw(cell, verbs, thrown);
  }
  kernel.guard.leave();
  const plain = verbs.own === null && verbs.open === null && cell.slice === null;
  if (!plain || cell.own !== null || kernel.traces) return settled(cell, verbs, true, value);
  // The same as settled() for an ephemeral actor that has none of the rare belongings.
  if (value !== undefined) cell.state = value;
  cell.handled++;
  cell.active = null;
}

/** Handles what is no mail, when its turn has come. */
export function handleNotice(cell: Cell, item: Notice): void {
  if (item.kind === "stop") {
    cell.more.urgent--;
    return end(cell, item.reason);
  }
  if (item.kind === "get_state") {
    cell.more.urgent--;
    return cell.kernel.send(replyTo(item, { ok: true, value: cell.state }), null);
  }
  cell.own?.cancelIdle();
  // Unlinked or unwatched since it was queued: then it must not be seen (SEMANTICS 17.1, 18.3).
  if (!cell.more.consume(item)) return;
  if (cell.behaviour[item.kind] === undefined) {
    return cell.kernel.emit({ type: "dropped_notice", path: cell.path, notice: item.kind });
  }
  cell.reductions++;
  invoke(cell, item.kind, item);
}

/** Runs any other function of the behaviour. */
export function invoke(
  cell: Cell,
  phase: Exclude<Phase, "mail">,
  notice: Item | null,
  reason: ExitReason = NORMAL,
): void {
  const verbs = new Verbs(cell, phase, null);
  const { guard } = cell.kernel;
  cell.active = verbs;
  if (phase !== "terminate") cell.status = phase === "init" ? "starting" : "running";
  let value: unknown;
  guard.enter(cell);
  try {
    value = call(cell, phase, notice, verbs, reason);
    if (isThenable(value)) return park(cell, verbs, value);
  } catch (thrown) {
    return threw(cell, verbs, thrown);
  }
  guard.leave();
  settled(cell, verbs, true, value);
}

function threw(cell: Cell, verbs: Verbs, thrown: unknown): void {
  cell.kernel.guard.leave();
  settled(cell, verbs, false, thrown);
}

/** (Asks a property of what user code returned: still user code.) */
const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" &&
  value !== null &&
  typeof (value as PromiseLike<unknown>).then === "function";

function call(
  cell: Cell,
  phase: Exclude<Phase, "mail">,
  item: Item | null,
  verbs: Verbs,
  reason: ExitReason,
): unknown {
  const { behaviour, state } = cell;
  const ctx = verbs.context;
  switch (phase) {
    case "init":
      return behaviour.init(state as never, ctx);
    case "terminate":
      return behaviour.terminate?.(state, reason, ctx);
    default: {
      const { kind: _, next: __, ...notice } = item as Exclude<Item, Mail>;
      return behaviour[phase]?.(state, notice as never, ctx);
    }
  }
}

/**
 * The handler awaits: one `.then` posts a signal when it is over, nothing more. Whatever it does
 * before it really waits still belongs to this run: the promise callbacks are drained here.
 */
function park(cell: Cell, verbs: Verbs, promise: PromiseLike<unknown>): void {
  const { kernel } = cell;
  const { guard } = kernel;
  guard.pause();
  const { phase } = verbs;
  if (phase === "mail" || phase === "down" || phase === "exit") {
    cell.status = "running";
    cell.become("parked");
  }
  kernel.loose = true;
  kernel.attended(cell);
  const post = (ok: boolean) => (value: unknown) => {
    guard.pause();
    cell.signals.push({ kind: "settled", verbs, ok, value });
    kernel.schedule(cell);
    guard.resume();
  };
  guard.resume();
  promise.then(post(true), post(false));
  kernel.drain?.();
  spend(verbs, guard.leave());
  if (cell.active === verbs) limit(cell, verbs);
}

/** A handler that awaits may have a deadline. */
function limit(cell: Cell, verbs: Verbs): void {
  const { handlerTimeoutMs } = cell.spec;
  if (handlerTimeoutMs === "infinity" || verbs.phase === "init") return;
  verbs.more.deadline = cell.more.own(handlerTimeoutMs, () => {
    if (cell.active === verbs) failWith(cell, verbs, { tag: "killed", by: "deadline" }, false);
  });
}

/** A function of the behaviour has ended: with a value, or by throwing it. */
export function settled(cell: Cell, verbs: Verbs, ok: boolean, value: unknown): void {
  const { own: course } = verbs;
  if (course !== null) {
    const { deadline, over } = course;
    if (deadline !== null) cell.more.cancel(deadline);
    if (over !== null) return failWith(cell, verbs, over.reason, over.finished);
  }
  if (!ok) return fail(cell, verbs, value);
  const { phase } = verbs;
  if (phase === "terminate") return conclude(cell, cell.more.ending ?? NORMAL);
  const tooLarge = oversize(cell, value);
  if (tooLarge !== null) return fail(cell, verbs, tooLarge);
  if (phase === "init") return initialised(cell, value);
  if (value !== undefined) cell.state = value;
  done(cell, verbs, value !== undefined);
  cell.active = null;
  cell.status = "idle";
  const { own } = cell;
  if (own !== null) own.rest();
}

/** The message is finished: the mark. */
function done(cell: Cell, verbs: Verbs, changed: boolean, exit?: ExitReason): void {
  const { mail } = verbs;
  if (mail === null) {
    cell.slice?.finish(0, changed ? { value: cell.state } : null);
    return;
  }
  if (verbs.open !== null) {
    const answer = failed(exit ? "exited" : "no_reply", cell.path, exit);
    const envelope = replyTo(verbs.open, answer);
    if (cell.slice === null) cell.kernel.send(envelope, null);
    else cell.slice.add(toSend(envelope, verbs.open.stamp?.id));
  }
  cell.handled++;
  if (cell.slice !== null) {
    cell.more.journal = null;
    cell.slice.finish(mail.seq, changed ? { value: cell.state } : null, mail);
  }
  const { kernel } = cell.program;
  if (!kernel.traces) return;
  const { path, life } = cell;
  const { type: message, from, seq } = mail;
  kernel.emit({ type: "handled", path, life, message, from, seq });
}

function initialised(cell: Cell, value: unknown): void {
  if (value === IGNORE) {
    cell.started = true;
    cellStarted(cell, { ignore: true });
    return bury(cell, NORMAL);
  }
  const args = cell.state;
  cell.state = value;
  if (cell.slice === null) return running(cell);
  cell.slice.create(args, value);
  cell.active = null;
  cell.more.afterCommit = () => running(cell);
  seal(cell);
}

function fail(cell: Cell, verbs: Verbs, thrown: unknown): void {
  const finished = thrown instanceof ExitThrown && thrown.finished;
  const { kernel, path } = cell;
  const keeps: KeepsStack = (name, message) =>
    kernel.stacks.keeps(cell.program.parentOf(path), name, message, kernel.nowMs);
  failWith(cell, verbs, fromThrown(thrown, keeps), finished);
}

/** What was being run has ended the actor. @param finished what it did so far stands */
export function failWith(cell: Cell, verbs: Verbs, reason: ExitReason, finished: boolean): void {
  const { phase } = verbs;
  if (phase === "terminate") return conclude(cell, reason);
  if (phase === "init") return bury(cell, reason);
  if (finished) {
    done(cell, verbs, false, reason);
  } else {
    cutBack(cell);
    if (verbs.mail !== null) retryLater(cell, verbs, verbs.mail, reason);
  }
  cell.active = null;
  cell.status = "idle";
  end(cell, reason);
}

/** A message that made its actor crash: again later, or a dead letter when it did so too often. */
function retryLater(cell: Cell, verbs: Verbs, mail: Mail, reason: ExitReason): void {
  const attempts = mail.attempts + 1;
  if (cell.slice !== null && mail.seq !== 0 && attempts < cell.spec.maxDeliveries) {
    cell.own?.deferred.delete(mail);
    cell.slice.retry(mail, attempts);
    return;
  }
  if (verbs.open !== null) {
    cell.kernel.send(replyTo(verbs.open, failed("exited", cell.path, reason)), null);
  }
  if (cell.slice !== null && mail.seq !== 0) {
    cell.slice.bury(mail, reason);
    undeliverable(cell.kernel, mail, "max_deliveries", cell, reason);
  }
}

/** Ends in order: last words first, unless it never started. */
export function end(cell: Cell, reason: ExitReason): void {
  if (cell.status === "stopping" || cell.status === "exited") return;
  if (cell.behaviour.terminate === undefined || !cell.started) return conclude(cell, reason);
  cell.become("stopping");
  cell.more.ending = reason;
  invoke(cell, "terminate", null, reason);
}
