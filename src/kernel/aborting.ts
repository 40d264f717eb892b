/**
 * Owns: what follows when user code was ended from outside: the message is cut back, the actor
 * exits, the turn it was in is over, everybody else goes on (SEMANTICS 30.3).
 * Does not own: ending it (the host's watcher), the handshake (guard.ts).
 */
import type { ExitReason } from "../actor/exit.ts";
import type { Cell } from "./cell.ts";
import { interrupt } from "./ending.ts";
import { failWith } from "./handling.ts";
import type { Kernel } from "./kernel.ts";

/** Was a run ended? Then this must be called before anything else runs here. */
export function recover(kernel: Kernel, reason: ExitReason): void {
  const cell = kernel.guard.clear();
  kernel.scheduler.current = null;
  if (cell === null) return;
  const { active } = cell;
  kernel.emit({ type: "aborted", path: cell.path, life: cell.life, reason });
  if (active !== null) failWith(cell, active, reason, false);
  kernel.schedule(cell);
}

/**
 * The user code that runs now must not go on: its actor exits, whatever that code catches; the
 * caller throws after this. @returns false when none runs
 */
export function endCurrent(kernel: Kernel, reason: ExitReason): boolean {
  const verbs = kernel.guard.current?.active ?? null;
  if (verbs === null) return false;
  verbs.more.doom(reason);
  return true;
}

/** Code of this actor did outside of any handler what must not be done: it exits. */
export function blame(cell: Cell, reason: ExitReason): void {
  cell.later(() => interrupt(cell, reason));
}
