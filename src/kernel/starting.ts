/**
 * Owns: the limit and the end of a start: the supervisor is told, and what came too early takes its place.
 * Does not own: init (handling.ts), what the store gives back (restore.ts).
 */
import type { Belongings } from "./belongings.ts";
import type { Cell } from "./cell.ts";
import { acceptDurable, catchUp } from "./durable-mail.ts";
import { bury } from "./ending.ts";
import { watchIdleness } from "./hibernation.ts";
import { mindTime } from "./overtime.ts";
import { cellStarted } from "./telling.ts";
import { skipMissed } from "./timetable.ts";

/** A start may take so long. */
export function limitStart(cell: Cell, ms: number): void {
  cell.more.own(ms, () => {
    if (!cell.started) bury(cell, { tag: "killed", by: "deadline" });
  });
}

/** The actor is there. */
export function running(cell: Cell, restored = false): void {
  cell.started = true;
  cell.active = null;
  cell.become("idle");
  cellStarted(cell, restored ? { ok: true, restored } : { ok: true });
  if (cell.kernel.tools.live !== undefined) mindTime(cell);
  if (cell.own !== null) admitEarly(cell, cell.own);
  cell.kernel.callers.runs(cell);
  if (restored) skipMissed(cell);
  watchIdleness(cell);
  // (In its own turn it goes on by itself.)
  if (cell.kernel.scheduler.current !== cell) cell.kernel.schedule(cell);
}

function admitEarly(cell: Cell, more: Belongings): void {
  more.rest();
  const knocked = more.knocked.splice(0);
  // Numbered for a predecessor that is forgotten: this one's mailbox begins anew.
  if (more.watermark === 0) for (const mail of knocked) mail.seq = 0;
  // (So were its timers.)
  const theirs = knocked.filter((mail) => mail.seq > 0 || mail.via === undefined);
  const early = [...theirs, ...more.incoming];
  more.incoming.clear();
  for (const item of early) {
    if (item.kind !== "mail") cell.notice(item);
    else if (item.seq === 0 || item.seq > more.watermark) acceptDurable(cell.kernel, cell, item);
  }
  if (more.stale) catchUp(cell);
}
