/**
 * Owns: the journal of the message in flight: what a handler awaits is recorded first, then the
 * handler goes on, alone in its turn; a rerun gets recorded answers in the order of recording.
 * Does not own: committing what is recorded (commits.ts).
 * Invariant: K12 a recorded answer never changes.
 */
import { ExitThrown } from "../actor/exit.ts";
import { errorOf } from "./answers.ts";
import type { Cell } from "./cell.ts";
import type { Answer, StepRecord } from "./ports.ts";
import { proceed } from "./running.ts";
import type { Journal } from "./slice.ts";
import type { Verbs } from "./verbs.ts";
import type { Pending } from "./waiting.ts";

/** An answer recorded by an earlier run of the message in flight, or null. */
export function recorded(cell: Cell, verbs: Verbs, index: number, name: string): Answer | null {
  const step = journalOf(cell, verbs)?.find(index);
  if (step === undefined) return null;
  if (step.name === name) return step.answer;
  verbs.over = new ExitThrown({ tag: "nondeterminism", step: index }, false);
  throw verbs.over;
}

/** Gives a recorded answer again: in the order of recording, each in a turn of its own. */
export function replay(cell: Cell, pending: Pending, answer: Answer): void {
  cell.own?.journal?.wait(pending.index, () => goOn(cell, pending, answer));
  replayNext(cell);
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
export function resume(cell: Cell, pending: Pending, answer: Answer): void {
  if (cell.active !== pending.verbs) return;
  if (cell.own?.replaying) {
    cell.signals.push({ kind: "answered", pending, answer });
    return;
  }
  const seq = pending.verbs.mail?.seq ?? 0;
  if (cell.slice === null || seq === 0) return goOn(cell, pending, answer);
  const record: StepRecord = { seq, index: pending.index, name: pending.name, answer };
  cell.slice.record(record);
  const before = cell.more.afterCommit;
  cell.more.afterCommit = () => {
    before?.();
    cell.later(() => goOn(cell, pending, answer));
  };
}

/** Lets the handler go on, alone in its turn. */
function goOn(cell: Cell, pending: Pending, answer: Answer): void {
  if (cell.active !== pending.verbs) return;
  cell.kernel.attended(cell);
  if (answer.ok) proceed(cell, pending.resolve, answer.value);
  else proceed(cell, pending.reject, errorOf(answer));
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
