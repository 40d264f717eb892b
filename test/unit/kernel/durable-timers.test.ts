// Timers of durable actors: kept with the commit that sets them, whoever dies; and timers that come
// again, with what becomes of the times that nobody was there for.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import type { AfterOptions, Repeat } from "../../../src/actor/context.ts";
import { child, supervisor } from "../../../src/actor/spec.ts";
import type { Duration } from "../../../src/actor/units.ts";
import { CALENDAR } from "../../../src/sim/calendar.ts";
import { MemoryEngine } from "../../../src/store/memory.ts";
import type { Bench } from "../../conformance/harness.ts";
import { reborn } from "../../conformance/server-harness.ts";

type Delay = Duration | "infinity" | Repeat;
const errors: unknown[] = [];
let gate = Promise.resolve();

const Clock = actor("clock", {
  state: z.object({ rang: z.array(z.string()) }),
  messages: {
    set: z.object({ delay: z.unknown(), note: z.string(), options: z.unknown() }),
    setAndCrash: z.null(),
    setAndCancel: z.null(),
    setThenWait: z.null(),
    cancelLater: z.null(),
    bad: z.object({ delay: z.unknown(), options: z.unknown() }),
    ring: z.string(),
  },
  init: () => ({ rang: [] }),
  on: {
    set: (_state, { delay, note, options }, ctx) => {
      ctx.after(delay as Delay, "ring", note, options as AfterOptions);
    },
    setAndCrash: (_state, _message, ctx) => {
      ctx.after(10, "ring", "never");
      throw new Error("crash");
    },
    setAndCancel: (_state, _message, ctx) => {
      const timer = ctx.after(10, "ring", "never");
      errors.push(timer.cancel(), timer.cancel());
    },
    setThenWait: async (_state, _message, ctx) => {
      ctx.after(10, "ring", "once");
      const timer = ctx.after(20, "ring", "taken back");
      await ctx.step("first", () => 1);
      timer.cancel();
      await ctx.step("gate", () => gate);
    },
    cancelLater: async (_state, _message, ctx) => {
      const timer = ctx.after(1_000, "ring", "never");
      await ctx.step("first", () => 1);
      errors.push(timer.cancel());
    },
    bad: (_state, { delay, options }, ctx) => {
      try {
        ctx.after(delay as Delay, "ring", "", options as AfterOptions);
      } catch (thrown) {
        errors.push((thrown as { code: string }).code);
      }
    },
    ring: ({ rang }, note, ctx) => ({ rang: [...rang, `${note} ${ctx.now()}`] }),
  },
});

const tree = (durable: boolean) =>
  supervisor("s", { intensity: 9 }, [child("a", Clock, { durable })]);

async function node(engine: MemoryEngine, generation = 0, nowMs = 0, durable = true) {
  if (generation === 0) errors.length = 0;
  const t = reborn(engine, generation, { nowMs });
  expect(await t.start(tree(durable))).toBe("ok");
  return t;
}

const set = (t: Bench, delay: Delay, note: string, options: AfterOptions = {}) =>
  t.tell("a", "set", { delay, note, options });
const rang = async (t: Bench) => ((await t.state("a")) as { rang: string[] }).rang;

test("a timer survives its incarnation, and fires once, when it is due", async () => {
  const t = await node(new MemoryEngine());
  await set(t, 100, "x");
  await t.advance(40);
  await t.kill("a");
  await t.advance(59);
  expect(await rang(t)).toEqual([]);
  await t.kill("a");
  await t.advance(1);
  await t.kill("a");
  await t.advance(1_000);
  expect(await rang(t)).toEqual(["x 100"]);
});

test("it survives its thread, its commit done or not", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const t = reborn(new MemoryEngine(), 0, { threads: 2, seed });
    expect(await t.start(tree(true))).toBe("ok");
    await set(t, 50, "x");
    await t.advance(seed % 55);
    t.world.loseThread(t.world.threadOf("/s/a"));
    await t.advance(100);
    expect((await rang(t)).map((note) => note.split(" ")[0])).toEqual(["x"]);
  }
});

test("it survives its node: due in between, at once; later, when it is due", async () => {
  const engine = new MemoryEngine();
  const one = await node(engine);
  await set(one, 100, "soon");
  await set(one, 5_000, "later");
  const two = await node(engine, 1, 1_000);
  await two.advance(0);
  expect(await rang(two)).toEqual(["soon 1000"]);
  await two.advance(3_999);
  expect(await rang(two)).toHaveLength(1);
  await two.advance(1);
  expect(await rang(two)).toEqual(["soon 1000", "later 5000"]);
  const three = await node(engine, 2, 9_000);
  await three.advance(9_000);
  expect(await rang(three)).toHaveLength(2);
});

test("a slice that fails sets none", async () => {
  const t = await node(new MemoryEngine());
  await t.tell("a", "setAndCrash", null);
  await t.advance(100);
  expect(await rang(t)).toEqual([]);
});

test("cancel() takes it back, in the same slice or a later one, also for the next node", async () => {
  const engine = new MemoryEngine();
  const t = await node(engine);
  await t.tell("a", "setAndCancel", null);
  await t.tell("a", "cancelLater", null);
  expect(errors).toEqual([true, false, true]);
  const two = await node(engine, 1, 5_000);
  await two.advance(5_000);
  expect([await rang(t), await rang(two)]).toEqual([[], []]);
});

test("a handler that runs again sets and takes back nothing twice", async () => {
  const engine = new MemoryEngine();
  const open = Promise.withResolvers<void>();
  gate = open.promise;
  const t = await node(engine);
  await t.tell("a", "setThenWait", null);
  await t.advance(15);
  await t.kill("a");
  await t.advance(15);
  const two = await node(engine, 1, 30);
  open.resolve();
  await two.advance(100);
  expect(await rang(two)).toEqual(["once 30"]);
});

test("a name: the later one takes the place of the earlier, infinity takes it back", async () => {
  const engine = new MemoryEngine();
  const t = await node(engine);
  await set(t, 10, "first", { id: "n" });
  await set(t, 20, "second", { id: "n" });
  await t.advance(100);
  expect(await rang(t)).toEqual(["second 20"]);
  await set(t, 1_000, "third", { id: "n" });
  const two = await node(engine, 1, 200);
  await set(two, "infinity", "", { id: "n" });
  await set(two, "infinity", "", { id: "unknown" });
  await two.advance(10_000);
  expect(await rang(two)).toEqual(["second 20"]);
  expect(two.downs("a")).toEqual([]);
});

test.each([true, false])("an interval comes again and again; durable: %s", async (durable) => {
  const t = await node(new MemoryEngine(), 0, 0, durable);
  await set(t, { every: "1s" }, "x", { id: "n" });
  await t.advance(3_500);
  expect(await rang(t)).toEqual(["x 1000", "x 2000", "x 3000"]);
  await set(t, "infinity", "", { id: "n" });
  await t.advance(10_000);
  expect(await rang(t)).toHaveLength(3);
});

test.each([
  ["once", ["x 3700"]],
  ["skip", []],
  ["all", ["x 3700", "x 3700", "x 3700"]],
] as const)("times that nobody was there for: %s", async (missed, made) => {
  const engine = new MemoryEngine();
  const one = await node(engine);
  await set(one, { every: "1s", missed }, "x");
  const two = await node(engine, 1, 3_700);
  await two.advance(0);
  expect(await rang(two)).toEqual(made);
  // In step with its first day, as if nothing had been.
  await two.advance(1_300);
  expect((await rang(two)).slice(made.length)).toEqual(["x 4000", "x 5000"]);
});

test("not all: most of a long time is left out, and that is said", async () => {
  const engine = new MemoryEngine();
  await set(await node(engine), { every: 1, missed: "all" }, "x");
  const two = await node(engine, 1, 60_000);
  await two.advance(0);
  expect(await rang(two)).toHaveLength(1_000);
  expect(two.of("log").map(({ level }) => level)).toEqual(["warn"]);
});

test.each([true, false])("cron, in a time zone; durable: %s", async (durable) => {
  const t = await node(new MemoryEngine(), 0, 0, durable);
  await set(t, { cron: "30 9 * * *", zone: "Europe/Berlin" }, "x");
  await t.advance(2 * 86_400_000);
  const hours = (await rang(t)).map((note) => CALENDAR.wall(Number(note.split(" ")[1])));
  expect(hours.map((ms) => new Date(ms).toISOString())).toEqual([
    "2026-01-01T08:30:00.000Z",
    "2026-01-02T08:30:00.000Z",
  ]);
});

test("what is no time is refused where it is set", async () => {
  const t = await node(new MemoryEngine());
  const bad: [unknown, unknown?][] = [
    [{ cron: "0 99 * * *" }],
    [{ cron: "0 0 30 2 *" }],
    [{ cron: "0 9 * * *", zone: "Europe/Nowhere" }],
    [{ cron: 5 }],
    [{ every: 0 }],
    [{ every: "1s", missed: "some" }],
    ["infinity"],
    [5, { id: "" }],
    [5, { id: "x".repeat(201) }],
    [5, { id: "x", when: "idle" }],
    [{ every: 5 }, { when: "next" }],
  ];
  for (const [delay, options = {}] of bad) await t.tell("a", "bad", { delay, options });
  expect(errors).toEqual(bad.map(() => "E_TIMER"));
  await t.tell("a", "bad", { delay: { every: "soon" }, options: {} });
  expect(errors.at(-1)).toBe("E_UNITS");
});

test("an actor has a thousand timers at most", async () => {
  const t = await node(new MemoryEngine());
  for (let n = 0; n < 1_001; n++) {
    await t.tell("a", "bad", { delay: 1_000, options: { id: `t${n}` } });
  }
  expect(errors).toEqual(["E_TIMER"]);
  await t.tell("a", "bad", { delay: 1_000, options: { id: "t7" } });
  expect(errors).toHaveLength(1);
});

test("set in an init that waits, it is kept by the first commit, and outlives the node", async () => {
  const Early = actor("early", {
    state: z.array(z.string()),
    messages: { ring: z.string() },
    init: async (_args, ctx) => {
      ctx.after(50, "ring", "a");
      ctx.after(5_000, "ring", "b");
      await ctx.step("wait", () => 1);
      return [];
    },
    on: { ring: (state, note) => [...state, note] },
  });
  const root = () => supervisor("s", { intensity: 9 }, [child("a", Early, { durable: true })]);
  const engine = new MemoryEngine();
  const one = reborn(engine, 0);
  expect(await one.start(root())).toBe("ok");
  await one.advance(100);
  expect(await one.state("a")).toEqual(["a"]);
  const two = reborn(engine, 1, { nowMs: 10_000 });
  await two.start(root());
  await two.advance(0);
  expect(await two.state("a")).toEqual(["a", "b"]);
});
