/**
 * Owns: `coppice questions|approve|deny`: what waits for a person, and the person's answer.
 * Does not own: who is asked, and why (actor/policy.ts, actor/human.ts).
 */
import { userInfo } from "node:os";
import type { Run } from "./arguments.ts";
import { withNode } from "./client.ts";
import { table } from "./terminal.ts";
import { jsonText, printableLines } from "./words.ts";

export const questions: Run = async (input, io) => {
  const open = await withNode(input, io, (client) => client.questions());
  if (input.flags.has("json")) {
    io.out.write(jsonText(open));
    return 0;
  }
  if (open.length === 0) io.out.write("nothing waits for an answer\n");
  const rows = open.map(({ key, who, tool, path, input: given }) => [
    key,
    `asks ${who}`,
    tool,
    `from ${path}`,
    given,
  ]);
  for (const line of table(rows, io)) io.out.write(`${line}\n`);
  return 0;
};

export const approve: Run = async (input, io) => {
  const [key = ""] = input.operands;
  const allow = input.command === "approve";
  const said = { key, allow, why: input.values.get("why") ?? "", by: userInfo().username };
  const done = await withNode(input, io, (client) => client.answer(said));
  if (input.flags.has("json")) io.out.write(jsonText({ ok: done }));
  else io.out.write(`${printableLines(done)}\n`);
  return 0;
};
