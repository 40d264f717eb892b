/**
 * Owns: `coppice tree`: the live tree.
 * Does not own: how it is drawn (branches.ts).
 */
import type { Run } from "./arguments.ts";
import { drawTree } from "./branches.ts";
import { withNode } from "./client.ts";
import { jsonText } from "./words.ts";

/** Children of a dynamic supervisor that are shown without --all. */
const CHILDREN = 20;

export const tree: Run = async (input, io) => {
  const everything = input.flags.has("all") || input.flags.has("json");
  const view = await withNode(input, io, (client) =>
    client.tree(everything ? undefined : CHILDREN),
  );
  if (input.flags.has("json")) io.out.write(jsonText(view));
  else
    io.out.write(
      drawTree(view, io)
        .map((line) => `${line}\n`)
        .join(""),
    );
  return 0;
};
