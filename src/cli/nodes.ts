/**
 * Owns: `coppice nodes`: the nodes of an app on one Redis, and who holds what.
 */
import { ActorError } from "../actor/errors.ts";
import type { Run } from "./arguments.ts";
import { withNode } from "./client.ts";
import { type Cell, table } from "./terminal.ts";
import { jsonText } from "./words.ts";

export const nodes: Run = async (input, io) => {
  const { cluster, store, app } = await withNode(input, io, (client) => client.tree(0));
  if (cluster === null) {
    throw new ActorError("E_USAGE", `the store ${store} is one node's`, {
      at: app,
      fix: "several nodes run on app({ store: redis(…) })",
    });
  }
  if (input.flags.has("json")) {
    io.out.write(jsonText(cluster));
    return 0;
  }
  const rows: Cell[][] = [["NODE", "HOST", "PID", "SINCE", "HOLDS"]];
  for (const { node, host, pid, since, held } of cluster.members) {
    const isAsked = node === cluster.node;
    // Of itself it knows what is true now.
    const holds = isAsked ? cluster.held : held;
    const list = holds.length === 0 ? "" : `: ${ranges(holds)}`;
    const text = `${holds.length} of ${cluster.partitions}${list}${isAsked ? "  (this one)" : ""}`;
    rows.push([node, host, String(pid), since, text]);
  }
  const lines = table(rows, io);
  for (const fact of cluster.weak) lines.push(`weak: ${fact}`);
  if (cluster.trouble) lines.push(`last trouble, ${cluster.trouble.at}: ${cluster.trouble.why}`);
  io.out.write(lines.map((line) => `${line}\n`).join(""));
  return 0;
};

/** Rising numbers, runs of them as "first-last". */
function ranges(numbers: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const each of numbers) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === each - 1) run[1] = each;
    else runs.push([each, each]);
  }
  return runs.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(" ");
}
