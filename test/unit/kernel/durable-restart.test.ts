// A node born again on the same store: states, versions, dynamic children, and who may still write.
import { expect, test } from "vitest";
import { z } from "zod";
import { type AnyBehaviour, actor } from "../../../src/actor/actor.ts";
import { ask } from "../../../src/actor/protocol.ts";
import { child, dynamic, supervisor } from "../../../src/actor/spec.ts";
import { MemoryEngine } from "../../../src/store/memory.ts";
import type { Bench } from "../../conformance/harness.ts";
import { reborn, told, until } from "../../conformance/server-harness.ts";

const inits: unknown[] = [];
const Counter = actor("counter", {
  args: z.unknown(),
  state: z.object({ n: z.number() }),
  messages: { add: z.number(), slow: ask(z.number(), z.number()), read: ask(z.null(), z.number()) },
  init: (args) => {
    inits.push(args);
    return { n: 0 };
  },
  on: {
    add: ({ n }, more) => ({ n: n + more }),
    slow: async ({ n }, more, ctx) => {
      await ctx.step("work", () => new Promise(() => {}), { timeout: 60_000 }).catch(() => {});
      ctx.reply(n + more);
      return { n: n + more };
    },
    read: ({ n }, _null, ctx) => ctx.reply(n),
  },
});

const tree = (behaviour: AnyBehaviour = Counter) =>
  supervisor("s", { intensity: 3 }, [child("a", behaviour, { durable: true, args: undefined })]);

async function node(engine: MemoryEngine, generation: number, spec = tree()): Promise<Bench> {
  const t = reborn(engine, generation);
  expect(await t.start(spec)).toBe("ok");
  return t;
}

test("state and waiting mail survive the node", async () => {
  inits.length = 0;
  const engine = new MemoryEngine();
  const one = await node(engine, 0);
  await one.tell("a", "add", 5);
  await one.admin({ op: "terminate_child", id: "a" });
  await one.tell("a", "add", 2);
  const two = await node(engine, 1);
  expect(await two.state("a")).toEqual({ n: 7 });
  expect(inits).toHaveLength(1);
  expect(engine.waiting("/s/a")).toEqual([]);
});

test("a message in flight when the node died is handled by the next one", async () => {
  const engine = new MemoryEngine();
  const one = await node(engine, 0);
  one.world.control.request("/s/a", "slow", 3, 5_000, () => {});
  await one.settle();
  expect(engine.waiting("/s/a")).toHaveLength(1);
  const two = await node(engine, 1);
  await two.advance(60_000);
  expect(await two.state("a")).toEqual({ n: 3 });
  expect(engine.waiting("/s/a")).toEqual([]);
});

const version = (to: number, upgrade: Record<number, (old: never) => unknown>): AnyBehaviour =>
  actor("counter", {
    state: z.object({ total: z.number(), unit: z.string() }),
    version: to,
    upgrade,
    messages: { add: z.number() },
    init: () => ({ total: 0, unit: "new" }),
    on: { add: (state, more) => ({ ...state, total: state.total + more }) },
  });

const TO_TWO = (old: { n: number }) => ({ total: old.n });
const TO_THREE = (old: { total: number }) => ({ ...old, unit: "eur" });

async function stored(): Promise<MemoryEngine> {
  const engine = new MemoryEngine();
  const one = await node(engine, 0);
  await one.tell("a", "add", 5);
  return engine;
}

test("a stored state goes through the chain of upgrades, and is stored in the new form", async () => {
  const engine = await stored();
  const three = version(3, { 2: TO_TWO as never, 3: TO_THREE as never });
  const two = await node(engine, 1, tree(three));
  expect(await two.state("a")).toEqual({ total: 5, unit: "eur" });
  await two.tell("a", "add", 1);
  // Version 3 is in the store now: the old steps are not needed any more.
  const again = await node(engine, 2, tree(version(3, {})));
  expect(await again.state("a")).toEqual({ total: 6, unit: "eur" });
});

const refused = async (engine: MemoryEngine, behaviour: AnyBehaviour) =>
  reborn(engine, 1).start(tree(behaviour));

test("a missing step, a newer version, another behaviour or a bad state fail the start", async () => {
  const engine = await stored();
  const missing = await refused(engine, version(3, { 3: TO_THREE as never }));
  expect(missing).toContain("E_STORE_VERSION");
  expect(missing).toContain("no upgrade to state version 2");
  expect(await refused(engine, version(1, {}))).toContain("E_STATE_SCHEMA");
  const throws = version(2, {
    2: () => {
      throw new RangeError("no such currency");
    },
  });
  expect(await refused(engine, throws)).toContain("no such currency");
  const { kind: _k, name: _n, ...rest } = Counter;
  expect(await refused(engine, actor("other", rest))).toContain("now runs other");
  const upgraded = await node(
    engine,
    2,
    tree(version(2, { 2: (() => ({ total: 1, unit: "x" })) as never })),
  );
  await upgraded.tell("a", "add", 1);
  expect(await refused(engine, Counter)).toContain("newer than 1");
  // None of these has changed what is stored.
  const after = await node(engine, 3, tree(version(2, {})));
  expect(await after.state("a")).toEqual({ total: 2, unit: "x" });
});

const PEOPLE = dynamic("s", { intensity: 3 }, Counter, { durable: true });

test("durable dynamic children come back with their args and states", async () => {
  const engine = new MemoryEngine();
  inits.length = 0;
  const one = await node(engine, 0, PEOPLE);
  await one.admin({ op: "start_child", id: "ann", args: { born: 1960 } });
  await one.admin({ op: "start_child", args: "first" });
  await one.admin({ op: "start_child", args: "second" });
  await one.tell("ann", "add", 7);
  await one.tell("#2", "add", 2);
  const two = await node(engine, 1, PEOPLE);
  expect((await two.kids()).sort()).toEqual(["#1:up", "#2:up", "ann:up"]);
  expect(await two.state("ann")).toEqual({ n: 7 });
  expect(await two.state("#2")).toEqual({ n: 2 });
  expect(inits).toEqual([{ born: 1960 }, "first", "second"]);
  // Ids that were handed out before are not handed out again.
  expect(await two.admin({ op: "start_child", args: "third" })).toEqual({ ok: "#3" });
});

test("a dynamic child that was ended for good does not come back, its mail neither", async () => {
  const engine = new MemoryEngine();
  const one = await node(engine, 0, PEOPLE);
  await one.admin({ op: "start_child", id: "ann", args: null });
  await one.admin({ op: "start_child", id: "bob", args: null });
  await one.admin({ op: "terminate_child", id: "ann" });
  await one.tell("ann", "add", 7);
  expect(one.of("dead_letter")).toMatchObject([{ path: "/s/ann", reason: "no_actor" }]);
  expect(engine.paths()).toEqual(["/s/bob"]);
  const two = await node(engine, 1, PEOPLE);
  expect(await two.kids()).toEqual(["bob:up"]);
});

test("an ordered shutdown keeps dynamic children for the next node", async () => {
  const engine = new MemoryEngine();
  const one = await node(engine, 0, PEOPLE);
  await one.admin({ op: "start_child", id: "ann", args: null });
  await one.tell("ann", "add", 7);
  await one.stop();
  expect(one.downs("s")).toEqual(["shutdown"]);
  const two = await node(engine, 1, PEOPLE);
  expect(await two.state("ann")).toEqual({ n: 7 });
});

test("an old life changes nothing in the store once a newer one has read it", async () => {
  const engine = new MemoryEngine();
  const one = await node(engine, 0);
  await one.tell("a", "add", 5);
  const two = await node(engine, 1);
  await one.tell("a", "add", 100);
  expect(one.downs("a")[0]).toMatch(/^fenced/);
  expect(one.alive("s")).toBe(false);
  await two.tell("a", "add", 1);
  // What the old node had accepted belongs to the new one.
  expect(await two.state("a")).toEqual({ n: 6 });
  const three = await node(engine, 2);
  expect(await three.state("a")).toEqual({ n: 106 });
});

test("a commit under way when the newer life reads is refused, its effects stay in", async () => {
  const engine = new MemoryEngine();
  const one = await node(engine, 0);
  let answer: unknown = "none";
  one.world.control.request("/s/a", "read", null, 60_000, (got) => {
    answer = told(got);
  });
  await until(one.world, () => engine.waiting("/s/a").length === 1);
  const two = await node(engine, 1);
  await one.settle();
  expect(one.downs("a")[0]).toMatch(/^fenced/);
  // The reply of the new life goes nowhere: its asker died with the old node.
  expect(engine.waiting("/s/a")).toEqual([]);
  expect(await two.state("a")).toEqual({ n: 0 });
  expect(answer).not.toBe(0);
});
