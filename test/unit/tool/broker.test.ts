/** Tool calls: what is not granted, not valid or not runnable here is refused, and says why. */
import { MessageChannel } from "node:worker_threads";
import { child, pool, tool } from "coppice";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import type { AnyTool } from "../../../src/actor/tool.ts";
import { poolCalls } from "../../../src/node/pool-link.ts";
import { brokerOf, inlineTools } from "../../../src/tool/broker.ts";

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

describe("a tool of the pool", () => {
  const heavy = tool("heavy", {
    input: z.unknown(),
    output: z.unknown(),
    sandbox: pool(),
    run: () => 1,
  });
  const granted = child("idle", Idle, { tools: [heavy] });
  const { signal } = new AbortController();

  test("is refused where there is no pool: it is not run here instead", async () => {
    const refused = inlineTools.call(granted, heavy, 1, "key", signal);
    await expect(refused).rejects.toMatchObject({ code: "E_SANDBOX_MISSING" });
  });

  test("takes what can be cloned, and says so where it is called", async () => {
    const { port1, port2 } = new MessageChannel();
    const refused = brokerOf(poolCalls(port1)).call(granted, heavy, () => {}, "key", signal);
    await expect(refused).rejects.toMatchObject({ code: "E_MESSAGE_SCHEMA" });
    port2.close();
  });

  test("is not called any more when its actor has ended", async () => {
    const { port1, port2 } = new MessageChannel();
    const ended = new AbortController();
    const call = brokerOf(poolCalls(port1)).call(granted, heavy, 1, "key", ended.signal);
    ended.abort(new Error("the actor has ended"));
    await expect(call).rejects.toThrow("the actor has ended");
    const again = brokerOf(poolCalls(port1)).call(granted, heavy, 1, "key", ended.signal);
    await expect(again).rejects.toThrow("the actor has ended");
    port2.close();
  });
});
