/** Limits of tools, and a call's way through the desk. */
import { child, sandbox, tool } from "coppice";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { NO_USAGE } from "../../../src/actor/outcome.ts";
import { limitsOf, type Pace } from "../../../src/actor/pace.ts";
import type { AnyTool, Spend, ToolOptions } from "../../../src/actor/tool.ts";
import type { ToolCall, ToolEnd } from "../../../src/kernel/tools.ts";
import { type BrokerHost, brokerOf } from "../../../src/tool/broker.ts";
import type { Admission } from "../../../src/tool/desk.ts";
import { Gate } from "../../../src/tool/gate.ts";
import { bareHost, callDefaults, nearDesk } from "./hosts.ts";

const limits = (pace: Pace) => limitsOf(pace, "test") as NonNullable<ReturnType<typeof limitsOf>>;
const say = (gate: Gate, ms: number) => gate.enter(ms).say;

describe("a gate", () => {
  test("so many at a time", () => {
    const gate = new Gate(limits({ concurrency: 2 }), 0);
    expect([say(gate, 0), say(gate, 0), say(gate, 0)]).toEqual(["go", "go", "wait"]);
    gate.leave(true, 0);
    expect([say(gate, 0), say(gate, 0)]).toEqual(["go", "wait"]);
  });

  test("so many in a time, evenly", () => {
    const gate = new Gate(limits({ rate: { calls: 2, per: "1s" } }), 0);
    expect([say(gate, 0), say(gate, 0)]).toEqual(["go", "go"]);
    expect(gate.enter(0)).toEqual({ say: "wait", ms: 500 });
    expect(gate.enter(100)).toEqual({ say: "wait", ms: 400 });
    expect([say(gate, 500), say(gate, 500), say(gate, 1_000)]).toEqual(["go", "wait", "go"]);
    let went = 0;
    for (let ms = 10_000; ms < 20_000; ms++) if (say(gate, ms) === "go") went++;
    expect(went).toBeLessThanOrEqual(22);
    expect(went).toBeGreaterThanOrEqual(20);
  });

  test("not while it only fails: then one tries", () => {
    const gate = new Gate(limits({ breaker: { failures: 2, cooldown: "1s" } }), 0);
    const fail = (ms: number) => {
      expect(say(gate, ms)).toBe("go");
      gate.leave(false, ms);
    };
    fail(0);
    expect(say(gate, 0)).toBe("go");
    gate.leave(true, 0);
    fail(1);
    fail(1);
    expect(gate.enter(2)).toMatchObject({ say: "no", why: expect.stringContaining("in 999 ms") });
    fail(1_001);
    expect(say(gate, 1_002)).toBe("no");
    expect([say(gate, 2_001), say(gate, 2_001)]).toEqual(["go", "no"]);
    gate.leave(true, 2_001);
    expect([say(gate, 2_001), say(gate, 2_001)]).toEqual(["go", "go"]);
  });
});

describe("a desk", () => {
  const entry = (id: string, pace: Pace = {}) => ({
    ...{ id, tool: "t", limits: limitsOf(pace, "test"), accounts: [], amounts: {} },
  });

  test("lets in by the order of coming, refuses past the queue, forgets who has gone", () => {
    const { desk } = nearDesk();
    const pace = { concurrency: 1, maxQueue: 2 };
    const said: string[] = [];
    const [one, two] = [{}, {}];
    const enter = (id: string, owner: object) =>
      desk.enter(entry(id, pace), owner, (admission: Admission) =>
        said.push(`${id} ${admission.say}`),
      );
    enter("a", one);
    enter("b", one);
    enter("c", two);
    enter("d", two);
    expect(said).toEqual(["a go", "d no"]);
    desk.withdraw("b");
    desk.settle("a", { ok: true, spent: {} });
    expect(said.at(-1)).toBe("c go");
    enter("e", one);
    desk.lost(two);
    expect(said.at(-1)).toBe("e go");
    enter("f", one);
    desk.lost(one);
    expect(desk.ledger.holds).toBe(0);
    expect(said).toHaveLength(4);
  });

  test("a lost thread may have spent all that it held", () => {
    const { desk } = nearDesk();
    const account = {
      path: "/a",
      limits: { soft: { at: 1, tell: "" }, tokens: 9 },
      durable: false,
      spread: false,
    };
    const [one, two] = [{}, {}];
    const begin = (id: string, owner: object) =>
      desk.enter({ ...entry(id), accounts: [account], amounts: { tokens: 4 } }, owner, () => {});
    begin("a", one);
    begin("b", two);
    desk.lost(one);
    desk.settle("a", { ok: true, spent: { tokens: 1 } });
    desk.settle("b", { ok: true, spent: { tokens: 1 } });
    expect(desk.view("/a")).toEqual([{ resource: "tokens", used: 5, held: 0, limit: 9 }]);
  });

  test("nothing begins before what it holds is written down", () => {
    const kept: unknown[] = [];
    let safe = () => {};
    const { desk } = nearDesk({
      keep: (line, done) => {
        kept.push(line);
        safe = done;
        return true;
      },
    });
    const account = {
      path: "/a",
      limits: { soft: { at: 1, tell: "" }, tokens: 9 },
      durable: true,
      spread: true,
    };
    let said = "";
    desk.enter({ ...entry("a"), accounts: [account], amounts: { tokens: 5 } }, {}, (each) => {
      said = each.say;
    });
    expect([said, kept]).toEqual(["", [{ hold: "a", paths: ["/a"], amounts: { tokens: 5 } }]]);
    safe();
    expect(said).toBe("go");
    desk.settle("a", { ok: true, spent: { tokens: 1 } });
    expect(kept.at(-1)).toEqual({ settle: "a", spent: { tokens: 1 } });
  });
});

/* ---- through the broker ---- */

const Idle = actor("idle", { state: z.null(), messages: {}, init: () => null, on: {} });
const schemas = { input: z.unknown(), output: z.unknown() };
type Run = (n: number) => unknown;

/** Calls a tool with a desk of its own. */
function stage(
  options: Omit<Partial<ToolOptions<z.ZodUnknown, z.ZodUnknown>>, "run">,
  run: Run,
  more: Partial<BrokerHost> = {},
) {
  const waits: number[] = [];
  let calls = 0;
  const what: AnyTool = tool("t", { ...schemas, ...options, run: () => run(++calls) });
  const spec = child("idle", Idle, {
    tools: [what],
    quota: { tokens: 100, usd: 0.001, wall: "1h" },
  });
  const { desk, access } = nearDesk();
  const host = bareHost({
    desk: access,
    accounts: (path) => [{ path, limits: spec.quota as never, durable: false, spread: false }],
    wait: (ms, signal) => {
      if (ms < 3_000_000) waits.push(ms);
      return ms < 3_000_000 || signal.aborted ? Promise.resolve() : new Promise(() => {});
    },
    ...more,
  });
  const call = (extra: Partial<ToolCall> = {}): Promise<ToolEnd> =>
    brokerOf(host).call({ ...callDefaults(), spec, tool: what, input: 1, ...extra });
  const used = (resource: string) => {
    const row = desk.view("/idle").find((each) => each.resource === resource);
    return row && row.used + row.held;
  };
  return { call, used, waits, calls: () => calls, desk };
}

const cost = {
  most: () => ({ tokens: 40, microUsd: 0.5 }),
  spent: (n: unknown) => ({ tokens: n as number }),
};
const failing = (spent?: Spend) => () => {
  throw Object.assign(new Error("busy"), spent === undefined ? {} : { spent });
};

describe("a call with a price", () => {
  test("the most is held, what it cost counted; one that might be too much is not made", async () => {
    const { call, used, calls } = stage({ cost }, () => 30);
    await call();
    expect([used("tokens"), used("microUsd")]).toEqual([30, 0]);
    await call();
    await call();
    const end = await call();
    expect(end).toMatchObject({
      tag: "denied",
      quota: { resource: "tokens", used: 90, limit: 100 },
    });
    expect(end.cause).toMatchObject({ code: "E_QUOTA", at: "/idle" });
    expect(calls()).toBe(3);
  });

  test.each<[string, Run, number | undefined]>([
    ["that failed and says nothing", failing(), 40],
    ["that failed and says what it spent", failing({ tokens: 3 }), 3],
    ["whose price cannot be told", () => Number.NaN, Number.MAX_SAFE_INTEGER],
  ])("%s", async (_, run, tokens) => {
    const { call, used } = stage({ cost }, run);
    await call();
    expect(used("tokens")).toBe(tokens);
  });
});

describe("retries", () => {
  test("an idempotent tool is tried again, after pauses that grow, each attempt counted", async () => {
    const again = { cost, idempotent: true, retries: 3 };
    const { call, used, waits, calls } = stage(again, (n) =>
      n < 3 ? failing({ tokens: 1 })() : 5,
    );
    expect(await call()).toMatchObject({ tag: "ok" });
    expect([calls(), used("tokens"), waits]).toEqual([3, 7, [187.5, 375]]);
  });

  test("not after bad data, not after a denial, not for ever", async () => {
    const again = { idempotent: true, retries: 2 };
    const bad = stage({ ...again, output: z.string() as never }, () => 1);
    expect((await bad.call()).tag).toBe("failed");
    expect(bad.calls()).toBe(1);
    const never = stage(again, failing());
    expect((await never.call()).tag).toBe("failed");
    expect(never.calls()).toBe(3);
  });

  test("what the tool says about when to come again is heard", async () => {
    const run = (n: number) => {
      if (n > 1) return "done";
      throw Object.assign(new Error("slow down"), { retryAfterMs: 7_000 });
    };
    const { call, waits } = stage({ idempotent: true, retries: 1 }, run);
    expect((await call()).tag).toBe("ok");
    expect(waits).toEqual([7_000]);
  });

  test("a tool that may not be called twice has none", () => {
    expect(() => tool("t", { ...schemas, run: () => 1, retries: 1 })).toThrow(
      expect.objectContaining({ code: "E_SPEC_COMBINATION" }),
    );
  });
});

test("the time of a quota ends what is under way", async () => {
  const signals: AbortSignal[] = [];
  const what: AnyTool = tool("t", {
    ...schemas,
    run: (_input, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    },
  });
  const spec = child("idle", Idle, { tools: [what], quota: { wall: "5m" } });
  const host = bareHost({
    accounts: (path) => [{ path, limits: spec.quota as never, durable: false, spread: false }],
    wait: async (ms) => expect(ms).toBe(300_000),
  });
  const end = await brokerOf(host).call({ ...callDefaults(), spec, tool: what, input: 1 });
  expect(end).toMatchObject({ quota: { resource: "wallMs", limit: 300_000, at: "/idle" } });
  expect(signals.map((each) => each.aborted)).toEqual([true]);
});

test("an actor that ends while its call waits takes it along", async () => {
  const { call, desk } = stage({ concurrency: 1 }, () => new Promise(() => {}));
  void call({ key: "first" });
  const ended = new AbortController();
  const waiting = call({ key: "second", signal: ended.signal });
  ended.abort();
  expect(await waiting).toMatchObject({ tag: "killed", limit: "owner" });
  expect(desk.ledger.holds).toBe(1);
});

test("a call for which the host had no sandbox costs no money, but counts", async () => {
  const wall = sandbox("process", { timeout: "1s" });
  const most = { cost: { most: () => ({ tokens: 40 }) } };
  const what: AnyTool = tool("t", { ...schemas, ...most, sandbox: wall, run: "sh" });
  const spec = child("idle", Idle, { tools: [what], quota: { tokens: 100, toolCalls: 9 } });
  const { desk, access } = nearDesk();
  let tier: "process" | null = null;
  const host = bareHost({
    desk: access,
    accounts: (path) => [{ path, limits: spec.quota as never, durable: false, spread: false }],
    sandbox: async () => ({ tag: "failed", code: null, why: "no room", tier, usage: NO_USAGE }),
  });
  const call = () => brokerOf(host).call({ ...callDefaults(), spec, tool: what, input: "" });
  const used = () => desk.view("/idle").map((each) => each.used);
  await call();
  expect(used()).toEqual([0, 1]);
  // One that ran and failed may have spent all.
  tier = "process";
  await call();
  expect(used()).toEqual([40, 2]);
});
