/**
 * Owns: the journal of the message in flight: what a handler awaits is recorded first, then the
 * handler goes on, alone in its turn; a rerun gets recorded answers in the order of recording.
 * Does not own: committing what is recorded (commits.ts).
 * Invariant: K12 a recorded answer never changes.
 */
import { ExitThrown } from "../actor/exit.ts";
import { errorOf } from "./answers.ts";
import type { Cell } from "./cell.ts";
import { getsOn } from "./doubt.ts";
import type { Pending } from "./pending.ts";
import type { Answer } from "./ports.ts";
import { proceed } from "./running.ts";
import type { Journal } from "./slice.ts";
import type { Verbs } from "./verbs.ts";

/**
 * Has an earlier run of the message in flight recorded the answer? Then it is given again: in the
 * order of recording, each in a turn of its own.
 */
export function answeredBefore(pending: Pending): boolean {
  const { cell, verbs, index } = pending;
  const step = journalOf(cell, verbs)?.find(index);
  if (step === undefined) return false;
  if (step.name !== pending.name) {
    const over = new ExitThrown({ tag: "nondeterminism", step: index }, false);
    verbs.more.over = over;
    throw over;
  }
  pending.answer = step.answer;
  cell.own?.journal?.wait(index, () => goOn(pending));
  replayNext(cell);
  return true;
}

function replayNext(cell: Cell): void {
  const { more } = cell;
  if (more.replaying || !more.journal?.due) return;
  more.replaying = true;
  cell.later(() => {
    more.replaying = false;
    more.journal?.give();
    replayNext(cell);
  });
}

/** What a handler waits for has arrived: recorded first, then the handler goes on. */
export function resume(cell: Cell, pending: Pending): void {
  if (cell.active !== pending.verbs) return;
  if (cell.own?.replaying) return cell.signals.push(pending);
  const seq = pending.verbs.mail?.seq ?? 0;
  if (cell.slice === null || seq === 0) return goOn(pending);
  // (It is on its way; an answer can be here before it that came without a commit: a timeout.)
  if (seq < 0) return void cell.more.held.push(pending);
  const { index, name, answer } = pending;
  cell.slice.record({ seq, index, name, answer: answer as Answer });
  if (pending.verbs.mail !== null) getsOn(cell, pending.verbs.mail);
  const before = cell.more.afterCommit;
  cell.more.afterCommit = () => {
    before?.();
    cell.later(() => goOn(pending));
  };
}

/** Lets the handler go on, alone in its turn. */
function goOn(pending: Pending): void {
  const { cell } = pending;
  if (cell.active !== pending.verbs) return;
  cell.kernel.attended(cell);
  const answer = pending.answer as Answer;
  if (!answer.ok) return proceed(cell, pending.reject, errorOf(answer));
  let value: unknown;
  try {
    value = pending.meant(answer.value);
  } catch (refused) {
    return proceed(cell, pending.reject, refused);
  }
  proceed(cell, pending.resolve, value);
}

/** What an earlier run of the message being handled has left. */
export function journalOf(cell: Cell, verbs: Verbs): Journal | null {
  const journal = cell.own?.journal ?? null;
  return journal !== null && journal.seq === verbs.mail?.seq ? journal : null;
}

/** Effects of the message in flight that an earlier run has released. */
export function released(cell: Cell, verbs: Verbs): number {
  return journalOf(cell, verbs)?.released ?? 0;
}
