// A setting whose name does not exist, or a part that is none, is refused where it is written: what
// only strips types, as Node.js does, would leave it out silently.

import { describe, expect, test } from "vitest";
import { z } from "zod";
import * as api from "../../../src/index.ts";
import {
  ActorError,
  actor,
  app,
  ask,
  child,
  dynamic,
  pool,
  sandbox,
  supervisor,
  tool,
} from "../../../src/index.ts";
import { rebalancing } from "../../../src/node/moving.ts";

const parts = { state: z.any(), messages: { m: z.object({}) }, init: () => 0, on: { m: () => {} } };
const A = actor("a", parts);
const open = { input: z.any(), output: z.any(), run: () => 1 };
const root = supervisor("s", {}, []);
const price = { input: 1, output: 1 };

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof ActorError) return error.describe();
    throw error;
  }
  return "accepted";
}

/** As somebody writes it whose types nobody checks. */
const untyped = api as unknown as Record<string, (...args: unknown[]) => unknown>;
const call = (name: string, ...args: unknown[]) => refusal(() => untyped[name]?.(...args));

describe("a setting that does not exist", () => {
  test.each<[string, string, string]>([
    ["child", call("child", "x", A, { durabel: true }), "did you mean durable?"],
    ["child", call("child", "x", A, { mailboxmax: 5 }), "did you mean mailboxMax?"],
    ["child's runaway", call("child", "x", A, { runaway: { same: 3 } }), "there are identical"],
    ["child's quota.soft", call("child", "x", A, { quota: { soft: { in: 1 } } }), "at, tell"],
    ["supervisor", call("supervisor", "s", { strategi: "x" }, []), "did you mean strategy?"],
    ["dynamic", call("dynamic", "s", { strategy: "one_for_one" }, A), "there are restart"],
    ["dynamic's children", call("dynamic", "s", {}, A, { args: 1 }), "there are restart"],
    ["app", call("app", { root, polcy: () => "allow" }), "did you mean policy?"],
    ["actor", call("actor", "x", { ...parts, terminat() {} }), "did you mean terminate?"],
    ["tool", call("tool", "x", { ...open, retrys: 1 }), "did you mean retries?"],
    ["tool's cost", call("tool", "x", { ...open, cost: { max: () => 1 } }), "most, spent"],
    ["tool's breaker", call("tool", "x", { ...open, breaker: { after: 3 } }), "failures, cooldown"],
    ["tool's rate", call("tool", "x", { ...open, rate: { calls: 1, every: "1s" } }), "calls, per"],
    [
      "tool's command",
      call("tool", "x", { ...open, sandbox: sandbox("process"), run: { command: "ls", arg: 1 } }),
      "did you mean args?",
    ],
    [
      "model's price",
      call("model", { baseUrl: "http://h/v1", model: "m", price: { ...price, in: 1 } }),
      "did you mean input?",
    ],
    ["model", call("model", { baseUrl: "http://h/v1", model: "m", price, key: 1 }), "there are"],
    ["pool", call("pool", { timeOut: "1s" }), "did you mean timeout?"],
    ["sandbox", call("sandbox", "process", { memry: "1mb" }), "did you mean memory?"],
    ["microvm", call("microvm", { net: "none" }), "did you mean network?"],
    ["redis", call("redis", { pefix: "x" }), "did you mean prefix?"],
    ["sqlite", call("sqlite", "folder", { durable: "flushed" }), "there are durability"],
  ])("of %s: %s", (_of, said, remedy) => {
    expect(said).toMatch(/^E_SPEC_SETTING: there is no setting/);
    expect(said).toContain(remedy);
  });

  test("names of Object's own are none", () => {
    expect(call("pool", { toString: 1 })).toContain('there is no setting "toString"');
  });

  test("of specs and behaviours OTP's rule holds: what resembles none there is, is ignored", () => {
    expect(call("child", "x", A, { silly: 1, type: "worker", start: 1 })).toBe("accepted");
    expect(call("supervisor", "s", { silly: 1 }, [])).toBe("accepted");
    expect(call("dynamic", "s", { silly: 1 }, A)).toBe("accepted");
    expect(call("actor", "x", { ...parts, describe() {} })).toBe("accepted");
    expect(call("supervisor", "s", { durable: true }, [])).toContain("E_SPEC_SETTING");
    expect(call("child", "x", A, { intensity: 3 })).toContain("E_SPEC_SETTING");
  });

  test("what is no object is no settings", () => {
    expect(call("child", "x", A, "durable")).toContain('E_SPEC_SETTING: "durable" is no settings');
    expect(call("app", [])).toContain("E_SPEC_SETTING: [] is no settings");
    expect(call("child", "x", A, null)).toContain("E_SPEC_SETTING: null is no settings");
  });

  test("one that is there and undefined is not set", () => {
    expect(refusal(() => pool({ timeout: undefined } as never))).toBe("accepted");
  });
});

describe("a part that is none", () => {
  const missing = (name: string) => ({ ...parts, [name]: undefined });
  test.each<[string, string]>([
    [call("actor", "x", missing("state")), "E_SPEC_STRATEGY: state: undefined is no schema"],
    [call("actor", "x", missing("init")), "E_SPEC_STRATEGY: init: undefined is no function"],
    [call("actor", "x", missing("messages")), "E_SPEC_STRATEGY: messages: undefined is no object"],
    [call("actor", "x", missing("on")), "E_SPEC_STRATEGY: on: undefined is no object"],
    [call("actor", "x", { ...parts, args: 1 }), "E_SPEC_STRATEGY: args: 1 is no schema"],
    [call("actor", "x", { ...parts, view: 1 }), "E_SPEC_STRATEGY: view: 1 is no function"],
    [call("actor", "x", { ...parts, trapExit: "yes" }), 'E_SPEC_STRATEGY: trapExit: "yes"'],
    [call("actor", "x", { ...parts, version: "2" }), "E_SPEC_RANGE: version"],
    [call("actor", "x", { ...parts, upgrade: { 2: 1 } }), "E_SPEC_STRATEGY: 2: 1 is no function"],
    [call("actor", "x", { ...parts, messages: { m: {} } }), "messages.m: {} is no schema"],
    [call("ask", z.any()), "E_SPEC_STRATEGY: the second argument: undefined is no schema"],
    [call("ask", 1, z.any()), "E_SPEC_STRATEGY: the first argument: 1 is no schema"],
    [call("tool", "x", { ...open, input: undefined }), "input: undefined is no schema"],
    [call("tool", "x", { ...open, output: 1 }), "output: 1 is no schema"],
    [call("tool", "x", { ...open, cost: { spent: () => 1 } }), "most: undefined is no function"],
    [call("tool", "x", { ...open, sandbox: "process" }), 'sandbox: "process" is no sandbox'],
    [call("child", "x", A, { tools: ["pay"] }), 'E_SPEC_CHILD: tools: "pay" is no tool'],
    [call("child", "x", A, { tools: [undefined] }), "E_SPEC_CHILD: tools: undefined is no tool"],
    [call("child", "x", A, { quota: { usd: "5" } }), 'E_SPEC_RANGE: quota.usd: "5"'],
    [call("child", "x", A, { quota: { soft: { tell: 1 } } }), "quota.soft.tell: 1 is no text"],
    [call("child", "x", A, { quota: { soft: { at: "0.5" } } }), 'quota.soft.at: "0.5" is outside'],
    [call("app", { root, policy: [] }), "E_POLICY: [] is no policy"],
    [call("app", { root, store: "redis" }), 'E_SPEC_CHILD: store: "redis" is no store'],
    [call("app", { root, behaviours: [1] }), "E_SPEC_CHILD: behaviours is no list of behaviours"],
    [call("dynamic", "d", {}, root, {}), "E_SPEC_COMBINATION: settings of a child that is a"],
    [call("model", { baseUrl: "http://h/v1", price }), "E_SPEC_STRATEGY: model: undefined"],
    [call("sqlite", { durability: "flushed" }), "E_SPEC_STRATEGY: folder"],
    [call("sqlite", null, { durability: "soon" }), "E_SPEC_STRATEGY: durability"],
    [call("ref", "desk", A), 'E_SPEC_ID: "desk" is no path'],
    [call("ref", "/desk"), "E_SPEC_CHILD: the second argument is no behaviour"],
    [call("dynamicRef", "/desk", {}), "E_SPEC_CHILD: the second argument is no behaviour"],
    [call("probe"), "E_SPEC_CHILD: the first argument is no behaviour"],
  ])("%s", (said, expected) => {
    expect(said).toContain(expected);
  });

  test("what is whole is taken", () => {
    const Asked = actor("asked", {
      ...parts,
      messages: { m: ask(z.object({}), z.number()) },
      on: { m: (_s, _m, ctx) => ctx.reply(1) },
      upgrade: { 2: () => 0 },
      version: 2,
      view: () => 0,
    });
    const children = [child("x", Asked, { tools: [tool("t", open)] }), dynamic("d", {}, Asked)];
    expect(app({ root: supervisor("all", {}, children), behaviours: [A] }).kind).toBe("app");
  });
});

describe("before anything starts", () => {
  const app = new URL("./nowhere.ts", import.meta.url);
  const started = async (...args: unknown[]) => {
    const error = await Promise.resolve(untyped.start?.(...args)).catch((thrown) => thrown);
    return (error as ActorError).describe();
  };
  test.each<[string, unknown[], string]>([
    ["a name", [app, { treads: 2 }], "E_SPEC_SETTING"],
    ["a level", [app, { log: "loud" }], "E_SPEC_STRATEGY"],
    ["a folder", [app, { data: 1 }], "E_SPEC_STRATEGY"],
    ["no flag", [app, { inspect: "yes" }], "E_SPEC_STRATEGY: inspect"],
    ["a listener", [app, { onEvent: "x" }], "E_SPEC_STRATEGY"],
    ["no app", [], "E_APP_FILE"],
    ["the app itself", [{ kind: "app" }], "E_APP_FILE: start() was given an app"],
  ])("start() refuses %s", async (_what, args, expected) => {
    expect(await started(...args)).toContain(expected);
  });

  test("rebalance too", () => {
    const movable = api.app({ root: supervisor("s", {}, [child("x", A, { movable: true })]) });
    const of = (options: object) => refusal(() => rebalancing(options, 2, movable));
    expect(of({ evry: "1s" })).toContain("did you mean every?");
    expect(of({ every: "1s" })).toBe("accepted");
  });

  test("simulate() and probe() too", async () => {
    const simulate = (...args: unknown[]) =>
      Promise.resolve(untyped.simulate?.(...args)).catch((thrown: ActorError) => thrown.code);
    const whole = api.app({ root });
    expect(await simulate()).toBe("E_APP_DEFAULT");
    expect(await simulate(whole, { sed: 1 })).toBe("E_SPEC_SETTING");
    expect(await simulate(whole, { faults: { crashes: 1 } })).toBe("E_SPEC_SETTING");
    expect(call("probe", A, { durabel: true })).toContain("did you mean durable?");
  });
});
