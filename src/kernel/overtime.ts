/**
 * Owns: an actor whose quota of time is over: it ends, though it may do nothing at all.
 * Does not own: the clock and the books (tool/wakes.ts), on the control thread.
 */
import type { Cell } from "./cell.ts";
import { interrupt } from "./ending.ts";

/** From its start on, where the tree has such limits. */
export function mindTime(cell: Cell): void {
  const { path, spec, kernel } = cell;
  kernel.tools.live?.(path, spec, {
    signal: () => {
      cell.more.minded = true;
      return cell.more.abort().signal;
    },
    over: (quota) => {
      if (cell.status === "exited" || cell.status === "stopping") return;
      cell.later(() => interrupt(cell, { tag: "quota", ...quota }));
    },
  });
}
