/**
 * Owns: the live tree of a simulated node: parents before children, children in start order.
 */
import { childFacts, type ProcessView, snapshot } from "../kernel/inspect.ts";
import type { Kernel } from "../kernel/kernel.ts";

/** All processes of these kernels, sorted as a tree. */
export function overview(kernels: readonly Kernel[]): ProcessView[] {
  const facts = kernels.map(childFacts);
  const lastExits = Object.assign({}, ...facts.map((each) => each.lastExits));
  const order: Record<string, string[]> = Object.assign({}, ...facts.map((each) => each.order));
  const rows = new Map(kernels.flatMap(snapshot).map((row) => [row.path, row]));
  const sorted: ProcessView[] = [];
  const add = (path: string) => {
    const row = rows.get(path);
    if (row === undefined) return;
    rows.delete(path);
    sorted.push({ ...row, lastExit: row.lastExit ?? lastExits[path] ?? null });
    for (const id of order[path] ?? []) add(`${path}/${id}`);
  };
  // Shorter paths first: so roots, and what a supervisor does not list (yet) comes at the end.
  for (const path of [...rows.keys()].sort((a, b) => a.length - b.length)) add(path);
  return sorted;
}
