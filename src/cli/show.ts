/**
 * Owns: `coppice show PATH`: one actor or supervisor in full.
 * Does not own: what is known of it (observe/view.ts), how it is drawn (detail.ts).
 */
import type { Run } from "./arguments.ts";
import { withNode } from "./client.ts";
import { drawDetail } from "./detail.ts";
import { jsonText } from "./words.ts";

export const show: Run = async (input, io) => {
  const [path = ""] = input.operands;
  const { detail, nowMs } = await withNode(input, io, async (client) => {
    const detail = await client.show(path);
    const timed = detail.lastExit !== null || detail.deadLetters.length > 0;
    // Times are of the node's own clock, which only the tree tells.
    return { detail, nowMs: timed ? (await client.tree(0)).nowMs : 0 };
  });
  if (input.flags.has("json")) io.out.write(jsonText({ ...detail, nowMs }));
  else
    io.out.write(
      drawDetail(detail, nowMs, io)
        .map((line) => `${line}\n`)
        .join(""),
    );
  return 0;
};
