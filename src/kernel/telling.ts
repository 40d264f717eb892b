/**
 * Owns: what an actor or a supervisor tells its own supervisor: that it has started, that it ended.
 */
import type { ExitReason } from "../actor/exit.ts";
import { failed, replyTo } from "./answers.ts";
import type { Cell } from "./cell.ts";
import type { StartOutcome } from "./supervision.ts";
import type { SupervisorCell } from "./supervisor-cell.ts";

/** Does it only come back from the store, which is no start that anybody should see? */
export const isBack = (cell: Cell): boolean =>
  cell.incarnation === 1 && cell.own !== null && Number.isFinite(cell.own.woken);

export function cellStarted(cell: Cell, outcome: StartOutcome): void {
  const { path, life, incarnation, behaviour } = cell;
  if (isBack(cell)) cell.kernel.emit({ type: "woken", path, life });
  else cell.kernel.emit({ type: "started", path, life, incarnation, behaviour: behaviour.name });
  cell.kernel.send({ kind: "started", to: cell.program.parentOf(path), life, outcome }, null);
}

export function supervisorStarted(cell: SupervisorCell): void {
  const { path, life, incarnation } = cell;
  cell.kernel.emit({ type: "started", path, life, incarnation, behaviour: "supervisor" });
  cell.kernel.send({ kind: "started", to: cell.parent, life, outcome: { ok: true } }, null);
}

export function supervisorEnded(cell: SupervisorCell, reason: ExitReason): void {
  const { path, life, incarnation } = cell;
  if (cell.kernel.members.get(path) === cell) cell.kernel.members.delete(path);
  for (const signal of cell.signals) {
    if (signal.kind === "call") {
      cell.kernel.send(replyTo(signal, failed("exited", path, reason)), null);
    } else if (signal.kind === "wake") cell.nobody(signal.id);
  }
  cell.kernel.emit({ type: "exited", path, life, incarnation, reason });
  const to = cell.parent;
  if (cell.started) cell.kernel.send({ kind: "exited", to, life, reason }, null);
  else cell.kernel.send({ kind: "started", to, life, outcome: { error: reason } }, null);
}
