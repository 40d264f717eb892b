/** Budgets in virtual time: a tree of agents that crash, restart and are killed never spends more. */
import { app, child, dynamic, dynamicRef, memory, ref, supervisor, tool } from "coppice";
import { fake, simulate } from "coppice/sim";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { seeded } from "../../../src/sim/random.ts";

/** Costs up to `most`; says what it did cost. @unit micro-USD */
const model = tool("model", {
  input: z.object({ most: z.number() }),
  output: z.object({ cost: z.number() }),
  run: ({ most }) => ({ cost: most }),
  cost: {
    most: ({ most }) => ({ microUsd: most, tokens: most }),
    spent: ({ cost }) => ({ microUsd: cost, tokens: Math.floor(cost / 2) }),
  },
});

const warned: string[] = [];
const Agent = actor("agent", {
  args: z.object({ calls: z.number() }),
  state: z.object({ calls: z.number(), done: z.number() }),
  messages: {
    go: z.object({ most: z.number() }),
    budget: z.object({
      path: z.string(),
      resource: z.string(),
      used: z.number(),
      limit: z.number(),
    }),
  },
  init: ({ calls }) => ({ calls, done: 0 }),
  on: {
    async go(state, { most }, ctx) {
      for (let n = 0; n < state.calls; n++) await ctx.use(model, { most });
      return { ...state, done: state.done + 1 };
    },
    budget: (_state, { path, resource, used, limit }, ctx) => {
      warned.push(`${ctx.self.path}: ${resource} ${used} of ${limit} at ${path}`);
    },
  },
});
const Stepper = actor("stepper", {
  state: z.null(),
  messages: { go: z.object({ count: z.number() }) },
  init: () => null,
  on: {
    async go(_state, { count }, ctx) {
      if (count > 1) await ctx.use(model, { most: 1 });
      // Whatever is caught here, it ends.
      for (let n = 1; n < count; n++) await ctx.step("s", () => n);
      if (count === 1) await ctx.step("s", () => 1).catch(() => {});
      return null;
    },
  },
});
const agents = dynamicRef("/firm/crew", Agent);

const CAP = 1_500_000;
const firm = (durable: boolean) =>
  app({
    store: memory(),
    root: supervisor("firm", { intensity: 1_000_000 }, [
      dynamic("crew", { intensity: 1_000_000, quota: { usd: CAP / 1e6 } }, Agent, {
        tools: [model],
        durable,
        maxDeliveries: 3,
        quota: { usd: 0.02 },
      }),
    ]),
  });

describe.each([true, false])("1,000 agents, durable: %j", (durable) => {
  test.each([1, 2, 3])("seed %i", async (seed) => {
    const random = seeded(seed);
    const spent = { all: 0, calls: 0, one: new Map<string, number>() };
    const paid = fake(
      model,
      ({ most }) => {
        const luck = random();
        // A provider that fails may have billed all the same.
        const cost = luck < 0.1 ? most : Math.floor(most * random());
        spent.all += cost;
        spent.calls++;
        if (luck < 0.05) throw new Error("the line went dead");
        return { cost };
      },
      { delay: "1s" },
    );
    const faults = { crash: 0.02, loseThread: 5 };
    const sim = await simulate(firm(durable), { seed, threads: 3, tools: [paid], faults });
    const ids: string[] = [];
    for (let n = 0; n < 1_000; n++) {
      const { path } = await sim.start(agents, { id: `a${n}`, args: { calls: 1 + (n % 4) } });
      ids.push(path);
    }
    for (let round = 0; round < 4; round++) {
      for (const path of ids) {
        const most = 500 + Math.floor(random() * 9_500);
        await sim.tell(ref(path, Agent), "go", { most });
      }
      await sim.advance("2500ms");
      if (round % 2 === 0) await sim.crashAndRestart({ steps: 50 });
      for (const path of ids.filter(() => random() < 0.05)) await sim.kill(path).catch(() => {});
    }
    sim.calm();
    await sim.advance("1m");
    expect(spent.calls).toBeGreaterThan(250);
    expect(spent.all).toBeLessThanOrEqual(CAP);
    // The cap of all was reached, not only those of some: parallel calls were held back by it.
    const refused = sim.events.filter(
      (each) =>
        each.type === "exited" && each.reason.tag === "quota" && each.reason.at === "/firm/crew",
    );
    expect(refused.length).toBeGreaterThan(0);
  });
});

test("a soft threshold is a message; a hard one the exit of who would have passed it", async () => {
  warned.length = 0;
  const small = app({
    store: memory(),
    root: supervisor("firm", { intensity: 0, quota: { tokens: 100, soft: { at: 0.5 } } }, [
      child("a", Agent, { args: { calls: 9 }, tools: [model], restart: "temporary" }),
    ]),
  });
  const half = fake(model, ({ most }) => ({ cost: most }));
  const sim = await simulate(small, { tools: [half] });
  await sim.tell(ref("/firm/a", Agent), "go", { most: 30 });
  await sim.advance("1s");
  const exits = sim.events.flatMap((each) => (each.type === "exited" ? [each.reason] : []));
  expect(exits).toEqual([{ tag: "quota", resource: "tokens", limit: 100, used: 75, at: "/firm" }]);
  const near = sim.events.flatMap((each) => (each.type === "quota_near" ? [each] : []));
  expect(near).toMatchObject([{ path: "/firm/a", account: "/firm", resource: "tokens", used: 60 }]);
});

test("steps are limited in one life, inline effects too", async () => {
  const steps = app({
    store: memory(),
    root: supervisor("firm", { intensity: 1 }, [
      child("a", Stepper, { tools: [model], quota: { steps: 3 }, restart: "temporary" }),
    ]),
  });
  const sim = await simulate(steps, { tools: [fake(model, { cost: 1 })] });
  await sim.tell(ref("/firm/a", Stepper), "go", { count: 3 });
  await sim.tell(ref("/firm/a", Stepper), "go", { count: 1 });
  await sim.advance("1s");
  const exits = sim.events.flatMap((each) => (each.type === "exited" ? [each.reason] : []));
  expect(exits).toEqual([{ tag: "quota", resource: "steps", limit: 3, used: 3 }]);
});

test("work is limited in one life, between two turns", async () => {
  const Busy = actor("busy", {
    state: z.number(),
    messages: { work: z.object({}) },
    init: () => 0,
    on: { work: (n) => n + 1 },
  });
  const busy = app({
    store: memory(),
    root: supervisor("s", { intensity: 1 }, [
      child("b", Busy, { quota: { reductions: 500 }, restart: "temporary" }),
    ]),
  });
  const sim = await simulate(busy, {});
  for (let n = 0; n < 600; n++) await sim.tell(ref("/s/b", Busy), "work", {});
  const [exit] = sim.events.flatMap((each) => (each.type === "exited" ? [each.reason] : []));
  expect(exit).toMatchObject({ tag: "quota", resource: "reductions", limit: 500, used: 501 });
});
