/** Tool calls: what is not granted, not valid or not runnable here is refused, and says why. */
import { child, tool } from "coppice";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import type { AnyTool } from "../../../src/actor/tool.ts";
import { inlineTools } from "../../../src/tool/broker.ts";

const double = tool("double", {
  input: z.object({ n: z.number() }),
  output: z.number(),
  run: ({ n }) => (n === 13 ? ("unlucky" as never) : n * 2),
});
const shell = tool("shell", { input: z.object({}), output: z.string(), run: "sh -c true" });
const Idle = actor("idle", { state: z.object({}), messages: {}, init: () => ({}), on: {} });
const spec = child("idle", Idle, { tools: [double, shell] });
const bare = child("bare", Idle);

const call = (of: typeof spec, what: AnyTool, input: unknown) =>
  inlineTools.call(of, what, input, "key", new AbortController().signal);

describe("an inline tool call", () => {
  test("runs when it is granted", async () => {
    expect(await call(spec, double, { n: 21 })).toBe(42);
  });

  test.each([
    ["not granted", bare, double, { n: 1 }, "E_TOOL_DENIED"],
    ["wrong input", spec, double, { n: "1" }, "E_MESSAGE_SCHEMA"],
    ["wrong output", spec, double, { n: 13 }, "E_MESSAGE_SCHEMA"],
    ["a command", spec, shell, {}, "E_SANDBOX_MISSING"],
  ])("%s is refused", async (_name, of, what, input, code) => {
    await expect(call(of, what, input)).rejects.toMatchObject({ code });
  });
});
