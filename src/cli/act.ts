/**
 * Owns: `coppice stop|restart|suspend|resume|kill PATH`: acting on one process.
 * Does not own: what each of them does (node/inspectable.ts).
 */
import type { Run } from "./arguments.ts";
import { type Act, withNode } from "./client.ts";
import { jsonText, printableLines } from "./words.ts";

export const act: Run = async (input, io) => {
  const [path = ""] = input.operands;
  const done = await withNode(input, io, (client) => client.act(input.command as Act, path));
  if (input.flags.has("json")) io.out.write(jsonText({ ok: done }));
  else io.out.write(`${printableLines(done)}\n`);
  return 0;
};
