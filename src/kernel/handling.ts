/**
 * Owns: running one function of a behaviour, and what follows from how it ended: the mark, the
 * answer, the next state, or the end of the actor. The only calls of user code in Coppice (K1, K2).
 * Does not own: which message is next (cell.ts), committing (commits.ts).
 */
import { IGNORE } from "../actor/actor.ts";
import { type ExitReason, ExitThrown, fromThrown, NORMAL } from "../actor/exit.ts";
import { failed, replyTo } from "./answers.ts";
import type { Cell } from "./cell.ts";
import { seal } from "./commits.ts";
import { bury, conclude, cutBack } from "./ending.ts";
import type { Phase } from "./life.ts";
import type { Item } from "./mailbox.ts";
import type { Mail } from "./ports.ts";
import { cellStarted } from "./telling.ts";
import { Verbs } from "./verbs.ts";

/** Runs one function of the behaviour. */
export function invoke(
  cell: Cell,
  phase: Phase,
  item: Item | null,
  reason: ExitReason = NORMAL,
): void {
  const verbs = new Verbs(cell, item !== null && item.kind === "mail" ? item : null);
  cell.active = verbs;
  if (phase !== "terminate") cell.status = phase === "init" ? "starting" : "running";
  let value: unknown;
  try {
    value = call(cell, phase, item, verbs, reason);
  } catch (thrown) {
    return settled(cell, phase, verbs, { ok: false, value: thrown });
  }
  if (
    value !== null &&
    typeof value === "object" &&
    typeof (value as PromiseLike<unknown>).then === "function"
  ) {
    return park(cell, phase, verbs, value as PromiseLike<unknown>);
  }
  settled(cell, phase, verbs, { ok: true, value });
}

function call(
  cell: Cell,
  phase: Phase,
  item: Item | null,
  verbs: Verbs,
  reason: ExitReason,
): unknown {
  const { behaviour, state } = cell;
  const ctx = verbs.context;
  switch (phase) {
    case "mail":
      return behaviour.on[(item as Mail).type]?.(state, (item as Mail).message, ctx);
    case "init":
      return behaviour.init(cell.args, ctx);
    case "terminate":
      return behaviour.terminate?.(state, reason, ctx);
    default: {
      const { kind: _, ...notice } = item as Exclude<Item, Mail>;
      return behaviour[phase]?.(state, notice as never, ctx);
    }
  }
}

/** The handler awaits: one `.then` posts a signal when it is over, nothing more. */
function park(cell: Cell, phase: Phase, verbs: Verbs, promise: PromiseLike<unknown>): void {
  if (phase === "mail" || phase === "down" || phase === "exit") cell.become("parked");
  cell.kernel.loose = true;
  cell.kernel.attended(cell);
  const post = (ok: boolean) => (value: unknown) => {
    cell.signals.push({ kind: "settled", verbs, phase, ok, value });
    cell.kernel.schedule(cell);
  };
  promise.then(post(true), post(false));
}

export function settled(
  cell: Cell,
  phase: Phase,
  verbs: Verbs,
  result: { ok: boolean; value: unknown },
): void {
  if (!result.ok) return fail(cell, phase, verbs, result.value);
  if (verbs.over !== null) return fail(cell, phase, verbs, verbs.over);
  if (phase === "terminate") return conclude(cell, cell.more.ending ?? NORMAL);
  if (phase === "init") return initialised(cell, result.value);
  const { value } = result;
  if (value !== undefined) cell.state = value;
  done(cell, verbs, value !== undefined);
  cell.active = null;
  cell.status = "idle";
  cell.own?.rest();
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
    else cell.slice.add({ kind: "send", envelope });
  }
  cell.handled++;
  cell.journal = null;
  cell.slice?.finish(mail.seq, changed ? { value: cell.state } : null);
  const { kernel, path, life } = cell;
  if (kernel.options.trace) {
    kernel.emit({
      type: "handled",
      path,
      life,
      message: mail.type,
      from: mail.from,
      seq: mail.seq,
    });
  }
}

function initialised(cell: Cell, value: unknown): void {
  if (value === IGNORE) {
    cell.started = true;
    cellStarted(cell, { ignore: true });
    return bury(cell, NORMAL);
  }
  cell.state = value;
  if (cell.slice === null) return cell.running();
  cell.slice.create(cell.args, value);
  cell.active = null;
  cell.afterCommit = () => cell.running();
  seal(cell);
}

function fail(cell: Cell, phase: Phase, verbs: Verbs, thrown: unknown): void {
  const reason = fromThrown(thrown);
  if (phase === "terminate") return conclude(cell, reason);
  if (phase === "init") return bury(cell, reason);
  if (thrown instanceof ExitThrown && reason.tag !== "nondeterminism") {
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
  if (cell.slice !== null && mail.seq > 0 && attempts < cell.spec.maxDeliveries) {
    cell.own?.deferred.delete(mail);
    cell.slice.retry(mail.seq, attempts);
    return;
  }
  if (verbs.open !== null) {
    cell.kernel.send(replyTo(verbs.open, failed("exited", cell.path, reason)), null);
  }
  if (cell.slice !== null && mail.seq > 0) {
    cell.slice.bury(mail.seq, reason);
    cell.kernel.undeliverable(mail, "max_deliveries", cell, reason);
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
