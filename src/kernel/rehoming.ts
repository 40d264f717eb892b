/**
 * Owns: what a supervisor does when partitions come to this node or leave it: children that run
 * elsewhere now are stopped, and not forgotten; those that run here are started.
 * Does not own: which run where (ports.ts Elsewhere), starting and stopping (admin.ts, work.ts).
 */
import type { AdminRequest } from "./supervision.ts";
import { step } from "./supervisor.ts";
import type { SupervisorCell } from "./supervisor-cell.ts";

/** Who asks when a supervisor asks itself. */
export const NOBODY = null;

const ask = (cell: SupervisorCell, request: AdminRequest) =>
  step(cell.state, { type: "call", request, from: NOBODY }, cell);

/** Its steps wait their turn in the supervisor's inbox; whoever asked is answered behind the stops. */
export function rehome(cell: SupervisorCell): void {
  const { template } = cell.spec;
  if (template === null) return rehomeTrunk(cell);
  step(cell.state, { type: "oust" }, cell);
  // What the store has of the others comes back through adopt().
  if (cell.sleepers !== null) return cell.sleepers.survey();
  if (template.kind === "actor" && template.durable) cell.kernel.committer.list(cell.path);
}

/** One after the other, as ever (K9). Supervisors of the trunk are on every node. */
function rehomeTrunk(cell: SupervisorCell): void {
  const children = [...cell.state.children.values()];
  for (const { id, status } of children.toReversed()) {
    if (!cell.here(id) && status !== "undefined") ask(cell, { op: "terminate_child", id });
  }
  for (const { id, spec, status } of children) {
    const isStill = cell.here(id) && status === "undefined";
    if (isStill && spec.kind === "actor") ask(cell, { op: "restart_child", id });
  }
}

/** Durable children that the store has, on this node: those that do not run yet are started. */
export function adopt(cell: SupervisorCell, listed: readonly { id: string }[]): void {
  // (A list that an earlier life has asked for.)
  if (cell.kernel.options.elsewhere === undefined) return;
  const ids = listed.flatMap(({ id }) => (cell.here(id) ? [id] : []));
  step(cell.state, { type: "adopt", ids }, cell);
}
