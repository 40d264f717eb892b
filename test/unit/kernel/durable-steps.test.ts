// Async handlers of durable actors: recorded steps answer a rerun, and nothing is sent twice.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import type { AnyContext } from "../../../src/actor/context.ts";
import { ask, ref } from "../../../src/actor/protocol.ts";
import { child, supervisor } from "../../../src/actor/spec.ts";
import { Bench } from "../../conformance/harness.ts";
import { outcome, told } from "../../conformance/server-harness.ts";

const seen: string[] = [];
let plan: (ctx: AnyContext, run: number) => unknown = () => undefined;
let runs = 0;

/** Runs the plan of the test once a delivery. */
const Agent = actor("agent", {
  state: z.object({ done: z.array(z.unknown()) }),
  messages: { go: z.string(), query: ask(z.string(), z.unknown()), late: z.string() },
  init: () => ({ done: [] }),
  on: {
    go: async (state, text, ctx) => ({ done: [...state.done, [text, await plan(ctx, ++runs)]] }),
    query: async (_state, _text, ctx) => ctx.reply((await plan(ctx, ++runs)) as never),
    late: (state, text) => ({ done: [...state.done, text] }),
  },
  down: (state, { path }) => ({ done: [...state.done, `down ${path}`] }),
});

const Helper = actor("helper", {
  state: z.null(),
  messages: { square: ask(z.number(), z.number()), line: z.string() },
  init: () => null,
  on: {
    square: (_state, n, ctx) => {
      seen.push(`square ${n}`);
      ctx.reply(n * n);
    },
    line: (_state, text) => {
      seen.push(text);
    },
  },
});

const helper = ref("/s/helper", Helper);

async function started(seed?: number): Promise<Bench> {
  seen.length = runs = 0;
  const t = new Bench(seed === undefined ? {} : { threads: 2, seed });
  const spec = supervisor("s", { intensity: 50 }, [
    child("helper", Helper),
    child("a", Agent, { durable: true, maxDeliveries: 5 }),
  ]);
  expect(await t.start(spec)).toBe("ok");
  return t;
}

const done = async (t: Bench) => ((await t.state("a")) as { done: unknown[] }).done;
const crash = () => {
  throw new Error("crash");
};

test("an answered ask is not asked again, a step not run again, a tell not sent again", async () => {
  const t = await started();
  plan = async (ctx, run) => {
    ctx.tell(helper, "line", "before");
    const four = await ctx.ask(helper, "square", 2);
    ctx.tell(helper, "line", "between");
    const five = await ctx.step("five", () => {
      seen.push("step");
      return 5;
    });
    if (run === 1) crash();
    ctx.tell(helper, "line", "after");
    return [four, five];
  };
  await t.tell("a", "go", "x");
  expect(runs).toBe(2);
  expect(await done(t)).toEqual([["x", [4, 5]]]);
  expect(seen).toEqual(["before", "square 2", "between", "step", "after"]);
});

test("failures are recorded like results", async () => {
  const t = await started();
  plan = async (ctx, run) => {
    const failed = await outcome(
      ctx.step("pay", () => {
        seen.push("pay");
        throw new RangeError("no funds");
      }),
    );
    const absent = await outcome(ctx.ask(ref("/s/nobody", Helper), "square", 1));
    if (run === 1) crash();
    return [failed, absent];
  };
  await t.tell("a", "go", "x");
  expect(runs).toBe(2);
  expect(seen).toEqual(["pay"]);
  expect(await done(t)).toEqual([["x", ["exited: error RangeError: no funds", "no_actor"]]]);
});

test("a step has the same key in every run, and another one than its neighbours", async () => {
  const t = await started();
  const keys: string[] = [];
  const note = (_signal: AbortSignal, key: string) => void keys.push(key);
  plan = async (ctx, run) => {
    const one = ctx.step("one", note);
    const two = ctx.step("two", (_signal, key) => {
      keys.push(key);
      if (run === 1) return new Promise(() => {});
      return 2;
    });
    await Promise.all([one, two]);
  };
  await t.tell("a", "go", "x");
  await t.kill("a");
  await t.settle();
  expect(runs).toBe(2);
  const [one, two, again] = keys;
  expect(keys).toHaveLength(3);
  expect(one).not.toBe(two);
  expect(again).toBe(two);
});

test("parallel asks are recorded by place, whatever order they are answered in", async () => {
  const t = await started();
  plan = async (ctx, run) => {
    const both = await Promise.all([
      ctx.step("slow", () => "slow").then(async (value) => value),
      ctx.ask(helper, "square", 3),
    ]);
    if (run < 3) crash();
    return both;
  };
  await t.tell("a", "go", "x");
  expect(runs).toBe(3);
  expect(seen).toEqual(["square 3"]);
  expect(await done(t)).toEqual([["x", ["slow", 9]]]);
});

test("a handler that takes another way ends as nondeterminism, and its message is kept", async () => {
  const t = await started();
  plan = async (ctx, run) => {
    await ctx.step(run === 2 ? "other" : "first", () => run);
    if (run === 1) crash();
    return run;
  };
  await t.tell("a", "go", "x");
  expect(t.downs("a")).toEqual(["error Error: crash", "nondeterminism at step 0"]);
  expect(runs).toBe(3);
  expect(await done(t)).toEqual([["x", 3]]);
});

test("always another way: a dead letter in the end, and the asker is told", async () => {
  const t = await started();
  plan = async (ctx, run) => {
    await ctx.step(`step ${run}`, () => run);
    crash();
  };
  expect(told(await t.ask("a", "query", "x"))).toBe("exited: nondeterminism at step 0");
  expect(runs).toBe(5);
  expect(t.of("dead_letter")).toMatchObject([{ path: "/s/a", reason: "max_deliveries" }]);
});

test("nondeterminism cannot be caught by the handler", async () => {
  const t = await started();
  plan = async (ctx, run) => {
    try {
      await ctx.step(run === 2 ? "other" : "first", () => run);
    } catch {
      return "caught";
    }
    if (run === 1) crash();
    return "fine";
  };
  await t.tell("a", "go", "x");
  expect(t.downs("a")).toEqual(["error Error: crash", "nondeterminism at step 0"]);
  expect(await done(t)).toEqual([["x", "fine"]]);
});

test("timers, watches and links of a rerun belong to the new incarnation", async () => {
  const t = await started();
  plan = async (ctx, run) => {
    ctx.after(1_000, "late", "ring");
    ctx.watch(helper);
    await ctx.step("wait", () => (run === 1 ? new Promise(() => {}) : null));
    return "over";
  };
  await t.tell("a", "go", "x");
  await t.kill("a");
  expect(runs).toBe(2);
  await t.advance(1_000);
  await t.kill("helper");
  expect(await done(t)).toEqual([["x", "over"], "ring", "down /s/helper"]);
});

test("what an unfinished message sent last is cut when it is stopped", async () => {
  const t = await started();
  plan = async (ctx) => {
    ctx.tell(helper, "line", "first");
    await ctx.step("wait", () => new Promise(() => {}));
  };
  await t.tell("a", "go", "x");
  await t.stop("a");
  expect(seen).toEqual(["first"]);
  await t.settle();
  expect(runs).toBe(2);
  expect(seen).toEqual(["first"]);
});

test("init may wait, before the store knows the actor", async () => {
  const t = new Bench();
  seen.length = 0;
  const Slow = actor("slow", {
    state: z.number(),
    messages: { add: z.number() },
    init: async (_args, ctx) => {
      ctx.tell(helper, "line", "starting");
      return (await ctx.ask(helper, "square", 4)) as number;
    },
    on: { add: (state, n) => state + n },
  });
  const spec = supervisor("s", {}, [child("helper", Helper), child("b", Slow, { durable: true })]);
  expect(await t.start(spec)).toBe("ok");
  expect(await t.state("b")).toBe(16);
  expect(seen).toEqual(["starting", "square 4"]);
  await t.tell("b", "add", 1);
  await t.kill("b");
  expect(await t.state("b")).toBe(17);
  expect(seen).toHaveLength(2);
});
