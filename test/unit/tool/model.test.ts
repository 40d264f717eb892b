/** The model tool against a scripted server: answers, money, and everything a server may do. */
import { child, model } from "coppice";
import { type ScriptedModel, type ScriptedReply, scriptedModel } from "coppice/sim";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import type { ToolCall } from "../../../src/kernel/tools.ts";
import { brokerOf } from "../../../src/tool/broker.ts";
import type { ModelOptions } from "../../../src/tool/model.ts";
import { bareHost, callDefaults, nearDesk } from "./hosts.ts";

const Idle = actor("idle", { state: z.null(), messages: {}, init: () => null, on: {} });
const price = { input: 1, output: 2 };
const ask = (content: string) => ({ messages: [{ role: "user" as const, content }] });

let server: ScriptedModel | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
  delete process.env.COPPICE_TEST_KEY;
});

async function stage(script: readonly ScriptedReply[], options: Partial<ModelOptions> = {}) {
  server = await scriptedModel(script);
  const gpt = model({ baseUrl: server.url, model: "scripted", price, maxTokens: 100, ...options });
  const spec = child("idle", Idle, { tools: [gpt], quota: { usd: 0.1, tokens: 100_000 } });
  const { desk, access } = nearDesk();
  const waits: number[] = [];
  const broker = brokerOf(
    bareHost({
      desk: access,
      accounts: (path) => [{ path, limits: spec.quota as never, durable: false, spread: false }],
      wait: async (ms) => void waits.push(ms),
    }),
  );
  const call = (input: object, more: Partial<ToolCall> = {}) =>
    broker.call({ ...callDefaults(), spec, tool: gpt, input, ...more });
  const used = () => desk.view("/idle").map((each) => [each.resource, each.used + each.held]);
  return { call, used, waits, requests: server.requests };
}

test("an answer is streamed, its tokens and money are counted as the server says", async () => {
  const usage = { input: 30, output: 12 };
  const { call, used, requests } = await stage([{ text: "Hello, it is me.", usage }]);
  const heard: string[] = [];
  const end = await call(ask("Who is it?"), { output: ({ text }) => heard.push(text) });
  expect(end).toMatchObject({
    tag: "ok",
    value: { text: "Hello, it is me.", finish: "stop", usage, toolCalls: [] },
  });
  expect(heard.join("")).toBe("Hello, it is me.");
  expect(heard.length).toBeGreaterThan(2);
  expect(used()).toEqual([
    ["tokens", 42],
    ["microUsd", 54],
  ]);
  expect(requests[0]?.body).toMatchObject({ model: "scripted", max_completion_tokens: 100 });
  expect(requests[0]?.headers["idempotency-key"]).toBe("key");
});

test("calls of functions come whole, and go back with their results", async () => {
  const wanted = [{ name: "look", arguments: { where: "here" } }];
  const { call, requests } = await stage([{ toolCalls: wanted }, { text: "done" }]);
  const tools = [{ name: "look", description: "looks", parameters: z.toJSONSchema(z.object({})) }];
  const end = await call({ ...ask("Look!"), tools });
  const toolCalls = [{ id: "call_0", name: "look", arguments: '{"where":"here"}' }];
  expect(end).toMatchObject({ tag: "ok", value: { finish: "tool_calls", toolCalls } });
  const back = { role: "tool" as const, content: "nothing", toolCallId: "call_0" };
  await call({ messages: [{ role: "assistant" as const, content: "", toolCalls }, back] });
  expect(requests[0]?.body.tools).toMatchObject([{ type: "function", function: { name: "look" } }]);
  expect(requests[1]?.body.messages).toMatchObject([
    { tool_calls: [{ id: "call_0", function: { name: "look" } }] },
    { role: "tool", tool_call_id: "call_0" },
  ]);
});

describe("when the server", () => {
  test("is busy, it is asked again when it says; refusals cost nothing", async () => {
    const usage = { input: 1, output: 1 };
    const { call, used, waits } = await stage([
      { status: 429, headers: { "retry-after": "7" } },
      { status: 503 },
      { text: "at last", usage },
    ]);
    expect(await call(ask("?"))).toMatchObject({ tag: "ok", value: { text: "at last" } });
    expect(waits).toEqual([7_000, 375]);
    expect(used()).toContainEqual(["microUsd", 3]);
  });

  test("refuses, it is not asked again; what it says about the key is not repeated", async () => {
    process.env.COPPICE_TEST_KEY = "sk-very-secret-0815";
    const text = "Incorrect API key provided: sk-very-secret-0815 or sk-very**0815";
    const { call, requests } = await stage([{ status: 401, text }], {
      apiKeyEnv: "COPPICE_TEST_KEY",
    });
    const end = await call(ask("?"));
    expect(end).toMatchObject({ tag: "failed", cause: { code: "E_MODEL" } });
    expect(JSON.stringify([end, String(end.cause)])).not.toMatch(/very|0815/);
    expect(requests).toHaveLength(1);
    expect(requests[0]?.headers.authorization).toBe("Bearer sk-very-secret-0815");
  });

  test("breaks off, nobody knows the bill: the most is counted, for each attempt", async () => {
    const script = [
      { text: "one two three", breakAfter: 2 },
      { text: "whole", usage: null },
    ];
    const { call, used } = await stage(script);
    expect(await call(ask("?"))).toMatchObject({
      tag: "ok",
      value: { text: "whole", usage: null },
    });
    const most = 45 + 256 * 2 + 100 * 2;
    const [, microUsd = 0] = used()[1] ?? [];
    expect(Number(microUsd)).toBeGreaterThanOrEqual(most * 2 - 20);
  });

  test("says nothing in time, the attempt ends with timeout", async () => {
    const { call } = await stage([{ delayMs: 60_000 }], { timeout: 50, retries: 0 });
    expect((await call(ask("?"))).cause).toMatchObject({ code: "timeout" });
  });

  test("is not there", async () => {
    const gone = await scriptedModel([]);
    await gone.close();
    const { call, used } = await stage([], { baseUrl: gone.url, retries: 1 });
    expect((await call(ask("?"))).cause).toMatchObject({ code: "E_MODEL" });
    expect(used()).toContainEqual(["microUsd", 0]);
  });
});

test("an actor's end ends the conversation", async () => {
  const { call } = await stage([{ delayMs: 60_000 }], { retries: 3 });
  const ended = new AbortController();
  const end = call(ask("?"), { signal: ended.signal });
  setTimeout(() => ended.abort(), 50);
  expect((await end).tag).toBe("failed");
});

test("what cannot be afforded is not asked", async () => {
  const { call, requests } = await stage([{ text: "x" }]);
  const end = await call(ask("x".repeat(100_000)));
  expect(end).toMatchObject({ tag: "denied", quota: { resource: "tokens" } });
  expect(requests).toHaveLength(0);
});

test("a key that is not set, and settings that mean nothing", async () => {
  const { call } = await stage([], { apiKeyEnv: "COPPICE_TEST_KEY" });
  expect((await call(ask("?"))).cause).toMatchObject({ code: "E_MODEL" });
  expect(() => model({ baseUrl: "x", model: "m", price })).toThrow(/is no URL/);
  const free = { input: -1, output: 0 };
  expect(() => model({ baseUrl: "http://x", model: "m", price: free })).toThrow(/price/);
});
