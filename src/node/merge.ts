/**
 * Owns: the views of all threads as one tree: parents before children, children in start order.
 */
import type { ProcessView } from "../kernel/inspect.ts";
import type { ThreadView } from "./messages.ts";

/** All processes of a node, sorted as a tree. */
export function mergeTree(views: readonly ThreadView[]): ProcessView[] {
  const lastExits = Object.assign(
    {},
    ...views.map((each) => each.lastExits),
  ) as ThreadView["lastExits"];
  const order = Object.assign({}, ...views.map((each) => each.order)) as ThreadView["order"];
  const rows = new Map<string, ProcessView>();
  for (const { processes } of views) {
    for (const row of processes) {
      rows.set(row.path, { ...row, lastExit: row.lastExit ?? lastExits[row.path] ?? null });
    }
  }
  const sorted: ProcessView[] = [];
  const add = (path: string) => {
    const row = rows.get(path);
    if (row === undefined) return;
    rows.delete(path);
    sorted.push(row);
    for (const id of order[path] ?? []) add(`${path}/${id}`);
  };
  const roots = [...rows.keys()].filter((path) => path.indexOf("/", 1) === -1);
  for (const path of roots.sort()) add(path);
  // What a supervisor does not list (yet) is shown all the same.
  for (const path of [...rows.keys()].sort()) add(path);
  return sorted;
}
