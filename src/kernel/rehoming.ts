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
  for (const { id, spec, status } of [...cell.state.children.values()]) {
    const here = cell.here(id);
    if (!here && status !== "undefined") ask(cell, { op: "terminate_child", id });
    // Supervisors of the trunk are on every node.
    else if (here && template === null && status === "undefined" && spec.kind === "actor") {
      ask(cell, { op: "restart_child", id });
    }
  }
  // What the store has of the others comes back through adopt().
  if (cell.sleepers !== null) return cell.sleepers.survey();
  if (template?.kind === "actor" && template.durable) cell.kernel.committer.list(cell.path);
}

/** Durable children that the store has, on this node: those that do not run yet are started. */
export function adopt(
  cell: SupervisorCell,
  children: readonly { id: string; args: unknown }[],
): void {
  if (cell.kernel.options.elsewhere === undefined) return;
  for (const { id, args } of children) {
    if (cell.here(id) && !cell.state.children.has(id)) ask(cell, { op: "start_child", id, args });
  }
}
