// ctx.use: calls leave with a commit, are recorded, and are never silently made twice.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { ref } from "../../../src/actor/protocol.ts";
import { child, supervisor } from "../../../src/actor/spec.ts";
import { tool } from "../../../src/actor/tool.ts";
import { microvm } from "../../../src/actor/walls.ts";
import type { ToolCall, ToolEnd } from "../../../src/kernel/tools.ts";
import { brokerOf } from "../../../src/tool/broker.ts";
import { Bench } from "../../conformance/harness.ts";
import { outcome } from "../../conformance/server-harness.ts";
import { bareHost } from "../tool/hosts.ts";

const calls: string[] = [];
/** The first call of each tool never answers. */
const hangs = (name: string) => async (_input: unknown, _signal: AbortSignal, key: string) => {
  calls.push(`${name} ${key}`);
  if (calls.filter((each) => each.startsWith(name)).length === 1) await new Promise(() => {});
  return "done";
};
const schemas = { input: z.unknown(), output: z.string() };
const pay = tool("pay", { ...schemas, run: hangs("pay") });
const look = tool("look", { ...schemas, idempotent: true, run: hangs("look") });
const vm = tool("vm", { ...schemas, sandbox: microvm(), run: "true" });

const Agent = actor("agent", {
  state: z.array(z.string()),
  messages: { go: z.enum(["pay", "look", "vm"]), heard: z.object({ text: z.string() }) },
  init: () => [],
  on: {
    async go(state, name, ctx) {
      const what = { pay, look, vm }[name];
      const output = { to: ref("/s/ear", Ear), type: "heard" };
      const end = await outcome(ctx.use(what, null, name === "vm" ? { output } : {}));
      return [...state, String(end).split(":")[0] as string];
    },
    heard: (state, { text }) => [...state, text],
  },
});
const Ear = actor("ear", {
  state: z.array(z.string()),
  messages: { heard: z.object({ stream: z.string(), text: z.string() }) },
  init: () => [],
  on: { heard: (state, { stream, text }) => [...state, `${stream} ${text}`] },
});

const end = (tag: "failed", code: number, why: string): ToolEnd => ({
  ...{ tag, code, why, tier: "process" },
  usage: { wallMs: 7, cpuMs: 3, memoryBytes: 9, bytesIn: 0, bytesOut: 4 },
});

async function started(durable: boolean, tools?: (call: ToolCall) => Promise<ToolEnd>) {
  calls.length = 0;
  const broker = brokerOf(bareHost());
  const t = new Bench({ tools: tools === undefined ? broker : { call: tools } });
  const grants = { durable, tools: [pay, look, vm], maxDeliveries: 5 };
  const spec = supervisor("s", { intensity: 9 }, [child("ear", Ear), child("a", Agent, grants)]);
  expect(await t.start(spec)).toBe("ok");
  return t;
}

test("a call whose answer a crash took is not made again, and its handler is told", async () => {
  const t = await started(true);
  await t.tell("a", "go", "pay");
  await t.kill("a");
  expect(await t.state("a")).toEqual(["E_TOOL_UNKNOWN"]);
  expect(calls).toHaveLength(1);
});

test("an idempotent one is made again, with the same key", async () => {
  const t = await started(true);
  await t.tell("a", "go", "look");
  await t.kill("a");
  expect(await t.state("a")).toEqual(["done"]);
  expect(calls).toHaveLength(2);
  expect(new Set(calls).size).toBe(1);
});

test("a call ends with its actor", async () => {
  const signals: AbortSignal[] = [];
  const t = await started(false, ({ signal }) => {
    signals.push(signal);
    return new Promise(() => {});
  });
  await t.tell("a", "go", "pay");
  expect(signals.map((each) => each.aborted)).toEqual([false]);
  await t.kill("a");
  expect(signals.map((each) => each.aborted)).toEqual([true]);
});

test("what a command prints is told to whom it may concern; its end is a fact with its usage", async () => {
  const t = await started(false, async ({ output }) => {
    output?.({ stream: "stderr", text: "ouch" });
    return end("failed", 3, "ouch");
  });
  await t.tell("a", "go", "vm");
  expect(await t.state("ear")).toEqual(["stderr ouch"]);
  expect(await t.state("a")).toEqual(["E_TOOL_FAILED"]);
  const facts = t.events.filter((each) => each.type === "used");
  expect(facts).toMatchObject([
    { path: "/s/a", tool: "vm", end: "failed", tier: "process", usage: { cpuMs: 3 } },
  ]);
});
