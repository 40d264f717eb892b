/**
 * Owns: how an actor ends: last words, last commit, then the end, told to the others only after what
 * it had sent before. Does not own: what follows for the others (burial.ts).
 */
import type { ExitReason } from "../actor/exit.ts";
import { settleEstate } from "./burial.ts";
import type { Cell } from "./cell.ts";
import { seal } from "./commits.ts";
import { getsOn } from "./doubt.ts";
import type { Mail } from "./ports.ts";
import type { Effect } from "./slice.ts";

/** An end from outside: what is unfinished is left out, it will be done again. */
export function interrupt(cell: Cell, reason: ExitReason): void {
  const mail = cell.active?.mail ?? null;
  if (mail !== null) getsOn(cell, mail);
  cutBack(cell);
  leave(cell);
  conclude(cell, reason);
}

/** Has done more work than its quota allows in one life: what it did stands, it does no more. */
export function outworked(cell: Cell): void {
  const { reductions: used, program, status } = cell;
  const { lifeReductions: limit } = program;
  if (status === "exited" || status === "stopping") return;
  interrupt(cell, { tag: "quota", resource: "reductions", limit, used });
}

/** Throws away what the unfinished message has done. */
export function cutBack(cell: Cell): void {
  if (cell.slice !== null) rememberTies(cell, cell.slice.cut());
}

/** A link whose end was cut off still stands: the other side must hear of this actor's end. */
function rememberTies(cell: Cell, dropped: readonly Effect[]): void {
  for (const effect of dropped) {
    if (effect.kind !== "send") continue;
    const { kind } = effect.envelope;
    if (kind === "unlink" || kind === "unwatch") cell.more.untied.push(effect.envelope);
  }
}

/** The last commit, then the end. */
export function conclude(cell: Cell, reason: ExitReason): void {
  if (cell.status === "exited") return;
  const open = cell.slice?.dirty || cell.own?.committing;
  if (cell.slice === null || !cell.started || !open) return bury(cell, reason);
  cell.active = null;
  cell.status = "stopping";
  cell.more.afterCommit = () => bury(cell, reason);
  seal(cell);
}

/** The message in flight, if it is stored, comes again: whoever asked it waits for that. */
function leave(cell: Cell): void {
  const mail = cell.active?.mail;
  if (mail && mail.seq !== 0) cell.own?.deferred.delete(mail);
}

/** The end, at once: nothing of the slice in flight leaves. */
export function bury(cell: Cell, reason: ExitReason): void {
  if (cell.status === "exited") return;
  cell.become("exited");
  leave(cell);
  if (cell.slice !== null) rememberTies(cell, cell.slice.drop());
  const open = cell.active?.open ?? null;
  cell.active = null;
  cell.own?.release();
  // What has been sent before leaves before the news of the death (SEMANTICS 18.5).
  if (cell.own?.committing) cell.own.settle = settling(cell, reason, open);
  else settleEstate(cell.program.kernel, cell, reason, open);
}

/** (A function of its own: else each end would keep what only this one needs.) */
const settling = (cell: Cell, reason: ExitReason, open: Mail | null) => () =>
  settleEstate(cell.kernel, cell, reason, open);

/** The store refused the commit in flight: somebody else owns this actor now (K11). */
export function refused(cell: Cell, reason: ExitReason): void {
  cell.more.committing = false;
  if (cell.status === "exited") cell.more.settle?.();
  else bury(cell, reason);
}
