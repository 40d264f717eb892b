/**
 * Owns: how a durable actor that has nothing to do leaves the memory: when, and what goes with it.
 * The store has all of it, so nothing is written and nobody but its supervisor is told (ADR 0026).
 * Does not own: bringing it back (callers.ts, waking.ts).
 */
import type { Belongings } from "./belongings.ts";
import type { Cell } from "./cell.ts";

/** From now on it leaves when it has been idle for long enough: looked at once in that time. */
export function watchIdleness(cell: Cell): void {
  const { hibernateAfterMs } = cell.program.spec;
  if (hibernateAfterMs !== null) watch(cell, hibernateAfterMs);
}

function watch(cell: Cell, ms: number): void {
  let seen = cell.reductions;
  const look = () => {
    const idle = cell.reductions === seen && isIdle(cell, ms);
    seen = cell.reductions;
    if (idle) leave(cell);
    else cell.more.own(ms, look);
  };
  cell.more.own(ms, look);
}

/** Is all of it in the store, is nothing under way, and does nobody hold it? */
function isIdle(cell: Cell, ms: number): boolean {
  const { slice, status, waiting, active, more, kernel } = cell;
  if (status !== "idle" || active !== null || cell.follower !== null || waiting > 0) return false;
  if (slice?.dirty || more.committing || more.afterCommit !== null) return false;
  if (isHeld(more) || isBusy(more)) return false;
  const nextMs = nextTimer(more);
  // It would be back before that was worth it.
  return nextMs === null || nextMs >= kernel.calendar.wall(kernel.nowMs) + ms;
}

/** Links and watches, of both sides, are of one incarnation: as long as they stand, it stays. */
const isHeld = (own: Belongings) =>
  own.links.size + own.watching.size + own.watchers.size + own.untied.length + own.exits.size > 0;

function isBusy(own: Belongings): boolean {
  const waits = own.asks.size + own.deferred.size + own.mutedBy + own.lane.size + own.next.length;
  const comes = own.coming.size + own.endings.length + own.knocked.length + own.doubts.size;
  if (waits + comes > 0 || own.suspended || own.leaving || own.stale || own.counting) return true;
  if (own.catching !== null || own.journal !== null) return true;
  // Those of the store come back with it; one that waits for idleness would be forgotten.
  for (const reminder of own.timers.values()) if (reminder?.idle) return true;
  return false;
}

/** Wall time of the first of its timers, null = it has none. */
function nextTimer({ alarms }: Belongings): number | null {
  let first: number | null = null;
  for (const { dueMs } of alarms.values()) if (first === null || dueMs < first) first = dueMs;
  return first;
}

function leave(cell: Cell): void {
  const { kernel, path, life, more } = cell;
  const dueMs = nextTimer(more);
  cell.become("exited");
  more.release();
  if (kernel.members.get(path) === cell) kernel.members.delete(path);
  kernel.durablePaths.delete(path);
  // Refs that have reached it keep what is left of it.
  cell.state = undefined;
  kernel.emit({ type: "hibernated", path, life });
  kernel.send({ kind: "hibernated", to: cell.program.parentOf(path), life, dueMs }, null);
}
