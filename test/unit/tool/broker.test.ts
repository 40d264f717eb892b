/** Tool calls: what is not granted, not valid or not runnable here is refused, and says why. */
import { MessageChannel } from "node:worker_threads";
import { child, pool, sandbox, tool } from "coppice";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import type { AnyTool } from "../../../src/actor/tool.ts";
import type { ToolCall, ToolEnd, Tools } from "../../../src/kernel/tools.ts";
import { poolCalls } from "../../../src/node/pool-link.ts";
import { brokerOf, inlineTools } from "../../../src/tool/broker.ts";
import { bareHost, callDefaults } from "./hosts.ts";

const process = sandbox("process");
const double = tool("double", {
  input: z.object({ n: z.number() }),
  output: z.number(),
  run: ({ n }) => (n === 13 ? ("unlucky" as never) : n * 2),
});
const shell = tool("shell", {
  input: z.object({}),
  output: z.string(),
  sandbox: process,
  run: "sh -c true",
});
const keyed = tool("keyed", {
  input: z.object({}),
  output: z.string(),
  idempotent: true,
  run: (_input, _signal, key) => key,
});
const boom = tool("boom", {
  input: z.unknown(),
  output: z.unknown(),
  run: () => {
    throw new RangeError("too far");
  },
});
const Idle = actor("idle", { state: z.object({}), messages: {}, init: () => ({}), on: {} });
const spec = child("idle", Idle, { tools: [double, shell, keyed, boom] });
const bare = child("bare", Idle);
let clock = 0;
const inline = inlineTools(bareHost({ now: () => clock++ }));

function call(what: AnyTool, input: unknown, more: Partial<ToolCall> = {}, tools: Tools = inline) {
  return tools.call({ ...callDefaults(), spec, tool: what, input, ...more });
}

/** Code of the error the handler would get. */
const codeOf = (end: ToolEnd) => (end.cause as { code?: string } | undefined)?.code;

describe("an inline tool call", () => {
  test("runs when it is granted, with tier and usage on its result", async () => {
    const end = await call(double, { n: 21 });
    expect(end).toMatchObject({ tag: "ok", value: 42, tier: "inline", usage: { cpuMs: null } });
    expect(end.usage.wallMs).toBe(1);
  });

  test.each([
    ["not granted", { spec: bare }, double, { n: 1 }, "denied", "E_TOOL_DENIED"],
    ["wrong input", {}, double, { n: "1" }, "failed", "E_MESSAGE_SCHEMA"],
    ["wrong output", {}, double, { n: 13 }, "failed", "E_MESSAGE_SCHEMA"],
    ["a command without a sandbox", {}, shell, {}, "failed", "E_SANDBOX_MISSING"],
  ])("%s is refused", async (_name, more, what, input, tag, code) => {
    const end = await call(what, input, more);
    expect([end.tag, codeOf(end)]).toEqual([tag, code]);
  });

  test("what its function throws is the error of the handler", async () => {
    const end = await call(boom, null);
    expect(end).toMatchObject({ tag: "failed", tier: "inline", why: "too far" });
    expect(end.cause).toBeInstanceOf(RangeError);
  });

  test("whose answer was lost is made again only if it is idempotent, with the same key", async () => {
    expect(await call(double, { n: 1 }, { again: true })).toMatchObject({
      tag: "unknown",
      tier: null,
    });
    expect(await call(keyed, {}, { again: true })).toMatchObject({ tag: "ok", value: "key" });
  });
});

describe("a tool of the pool", () => {
  const heavy = tool("heavy", {
    input: z.unknown(),
    output: z.unknown(),
    sandbox: pool(),
    run: () => 1,
  });
  const granted = { spec: child("idle", Idle, { tools: [heavy] }) };
  const pooled = (port: MessageChannel["port1"]) => brokerOf(bareHost({ pool: poolCalls(port) }));

  test("is refused where there is no pool: it is not run here instead", async () => {
    expect(codeOf(await call(heavy, 1, granted))).toBe("E_SANDBOX_MISSING");
  });

  test("takes what can be cloned, and says so where it is called", async () => {
    const { port1, port2 } = new MessageChannel();
    const end = await call(heavy, () => {}, granted, pooled(port1));
    expect(codeOf(end)).toBe("E_MESSAGE_SCHEMA");
    port2.close();
  });

  test("is not called any more when its actor has ended", async () => {
    const { port1, port2 } = new MessageChannel();
    const ended = new AbortController();
    const more = { ...granted, signal: ended.signal };
    const first = call(heavy, 1, more, pooled(port1));
    ended.abort(new Error("the actor has ended"));
    expect((await first).cause).toMatchObject({ message: "the actor has ended" });
    const again = await call(heavy, 1, more, pooled(port1));
    expect(again.cause).toMatchObject({ message: "the actor has ended" });
    port2.close();
  });
});
