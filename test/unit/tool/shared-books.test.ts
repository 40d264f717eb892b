/** Books that nodes share, in virtual time: never over a limit, and no hold is left for ever. */
import { child } from "coppice";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import type { Account } from "../../../src/actor/accounts.ts";
import { actor } from "../../../src/actor/actor.ts";
import type { CommonBooks } from "../../../src/actor/books.ts";
import { tool } from "../../../src/actor/tool.ts";
import { seeded } from "../../../src/sim/random.ts";
import { RedisBooks } from "../../../src/store/redis-books.ts";
import { brokerOf } from "../../../src/tool/broker.ts";
import { type Admission, Desk } from "../../../src/tool/desk.ts";
import { ModelBooks } from "./books-model.ts";
import { account, BooksWorld, CREWS, FIRM } from "./books-world.ts";
import { bareHost, callDefaults, nearDesk } from "./hosts.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const Idle = actor("idle", { state: z.null(), messages: {}, init: () => null, on: {} });
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function worldOf(seed: number, nodes = 3) {
  const model = new ModelBooks(() => Date.now());
  const wire = {
    connections: { call: model.call as never, client: null as never },
    view: async () => model.view(),
  };
  const options = { wire, random: seeded(seed), now: () => Date.now(), sleep, leaseMs: 5_000 };
  return { model, world: new BooksWorld(options, nodes) };
}

describe("three nodes over a bad network", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "seed %i: never over, nothing held for ever",
    async (seed) => {
      const { world } = worldOf(seed);
      const random = seeded(seed + 1_000);
      for (let n = 0; n < 1_500; n++) {
        world.step();
        await vi.advanceTimersByTimeAsync(random() * 60);
        const passed = world.passed();
        if (passed.length > 0) expect(passed).toEqual([]);
      }
      const end = world.calm();
      await vi.advanceTimersByTimeAsync(60_000);
      await end;
      const view = new Map((await world.view()).map(({ path, rows }) => [path, rows]));
      for (const { path } of [FIRM, ...CREWS]) {
        for (const { resource, used, held } of view.get(path) ?? []) {
          expect([path, resource, held]).toEqual([path, resource, 0]);
          if (resource !== "microUsd" && resource !== "tokens") continue;
          expect(used).toBeGreaterThanOrEqual(world.spent(path, resource));
          expect(used).toBeLessThanOrEqual(world.atMost(path, resource));
        }
      }
      expect(world.said.go).toBeGreaterThan(100);
      expect(world.said.quota).toBeGreaterThan(50);
      // Each threshold is told once, to one of all.
      expect(new Set(world.near).size).toBe(world.near.length);
      await world.close();
    },
  );
});

/** Desks of several nodes at one model, over a network that can be cut. */
function desksOf(count: number) {
  const model = new ModelBooks(() => Date.now());
  const net = { cut: false };
  const nodes = Array.from({ length: count }, (_, n) => {
    const call = async (...asked: Parameters<typeof model.call>) => {
      if (net.cut) throw new Error("nobody there");
      return model.call(...asked);
    };
    const connections = { call: call as never, client: null as never };
    const node = `n${n}`;
    const troubled = () => {};
    const books = new RedisBooks({ prefix: "p", node, leaseMs: 5_000, connections, troubled });
    const common = {
      ask(request: never, done: (answer: never) => void) {
        void books.ask(request).then((answer) => done(answer as never));
      },
    } as CommonBooks;
    const after = (ms: number, fire: () => void) => void setTimeout(fire, ms);
    return { books, desk: new Desk({ now: () => Date.now(), after, keep: () => false, common }) };
  });
  const close = () => void nodes.map(({ books }) => books.abandon());
  return { model, net, desks: nodes.map(({ desk }) => desk), nodes, close };
}

const entryOf = (id: string, accounts: readonly Account[], microUsd: number) => ({
  ...{ id, tool: "t", limits: null, accounts, amounts: { microUsd } },
});
const money = (model: ModelBooks, path = "/firm") =>
  model.view().find((each) => each.path === path)?.rows[0];

test("books that cannot be reached: the call waits, then it fails, and nothing stays held", async () => {
  const { model, net, desks, close } = desksOf(1);
  const [desk] = desks as [Desk];
  const said: Admission[] = [];
  const enter = (id: string) => desk.enter(entryOf(id, [FIRM], 10), {}, (each) => said.push(each));
  net.cut = true;
  enter("1");
  await vi.advanceTimersByTimeAsync(20_000);
  enter("2");
  expect(said).toEqual([]);
  await vi.advanceTimersByTimeAsync(10_500);
  expect(said).toEqual([{ say: "away", why: "no answer for 30 s" }]);
  net.cut = false;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(said[1]).toMatchObject({ say: "go" });
  // The first one has been held in the end, and given back behind that.
  expect(money(model)).toMatchObject({ used: 0, held: 10 });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(said).toHaveLength(2);
  close();
});

test("so many calls wait for them, and no more", async () => {
  const { net, desks, close } = desksOf(1);
  const [desk] = desks as [Desk];
  net.cut = true;
  const said: Admission[] = [];
  for (let n = 0; n < 10_001; n++) {
    desk.enter(entryOf(`${n}`, [FIRM], 0), {}, (each) => said.push(each));
  }
  expect(said).toEqual([{ say: "away", why: "10000 calls wait already" }]);
  close();
});

test("the handler is told E_STORE_REACH: nothing has run, and nobody has forbidden it", async () => {
  const { net, desks, close } = desksOf(1);
  net.cut = true;
  let runs = 0;
  const schema = { input: z.any(), output: z.any() };
  const pay = tool("pay", { ...schema, run: () => ++runs });
  const { access } = nearDesk();
  const [desk] = desks as [Desk];
  const enter: typeof access.enter = (entry, done) => desk.enter(entry, {}, done);
  const host = bareHost({ desk: { ...access, enter }, accounts: () => [FIRM] });
  const spec = child("idle", Idle, { tools: [pay] });
  const end = brokerOf(host).call({ ...callDefaults(), spec, tool: pay, input: 1 });
  await vi.advanceTimersByTimeAsync(30_500);
  expect(await end).toMatchObject({
    ...{ tag: "failed", tier: null },
    cause: { code: "E_STORE_REACH", message: expect.stringContaining("no answer for 30 s") },
  });
  expect(runs).toBe(0);
  close();
});

test("what is held by both kinds of books is held by both or by none", async () => {
  const { model, desks, close } = desksOf(2);
  const [desk, other] = desks as [Desk, Desk];
  const small = account("/firm", { microUsd: 10 });
  const own = account("/firm/x", { microUsd: 100, toolCalls: 1 }, false);
  const said: string[] = [];
  const enter = (at: Desk, id: string, accounts: Account[], microUsd: number) => {
    at.enter(entryOf(id, accounts, microUsd), {}, (each) => said.push(`${id} ${each.say}`));
    return vi.advanceTimersByTimeAsync(1);
  };
  await enter(desk, "1", [small, own], 11);
  expect([said, desk.view("/firm/x")[0], money(model)?.held]).toMatchObject([
    ["1 quota"],
    { used: 0, held: 0 },
    0,
  ]);
  await enter(desk, "2", [small, account("/firm/x", { microUsd: 3 }, false)], 4);
  expect([said.at(-1), money(model)?.held]).toEqual(["2 quota", 0]);
  await enter(desk, "3", [small, own], 6);
  await enter(other, "3", [small], 5);
  expect(said.slice(2)).toEqual(["3 go", "3 quota"]);
  // Each node counts what stays on it for itself.
  expect(other.view("/firm/x")).toEqual([]);
  desk.settle("3", { ok: true, spent: { microUsd: 1 } });
  await vi.advanceTimersByTimeAsync(1);
  expect(money(model)).toMatchObject({ used: 1, held: 0 });
  close();
});

test("who gives up while it waits for its hold is not called, and holds nothing", async () => {
  const { model, net, desks, close } = desksOf(1);
  const [desk] = desks as [Desk];
  const thread = {};
  const told: string[] = [];
  net.cut = true;
  for (const id of ["1", "2"])
    desk.enter(entryOf(id, [FIRM], 10), thread, () => void told.push(id));
  await vi.advanceTimersByTimeAsync(100);
  desk.withdraw("1");
  desk.lost(thread);
  net.cut = false;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(told).toEqual([]);
  expect(money(model)).toMatchObject({ used: 0, held: 0 });
  close();
});

test("time runs for all nodes from the first start on one; raised on one, it is longer for all", async () => {
  const { desks, close } = desksOf(2);
  const [first, second] = desks as [Desk, Desk];
  const timed = account("/firm", { wallMs: 60_000 });
  const over: string[] = [];
  const live = (desk: Desk, id: string) =>
    desk.live(id, [timed], {}, ({ used, limit }) => over.push(`${id} ${used} of ${limit}`));
  live(first, "a");
  await vi.advanceTimersByTimeAsync(40_000);
  live(second, "b");
  await vi.advanceTimersByTimeAsync(10_000);
  await Promise.all([second.raise("/firm", { wallMs: 30_000 }), vi.advanceTimersByTimeAsync(10)]);
  await vi.advanceTimersByTimeAsync(39_000);
  expect(over).toEqual([]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(over.sort()).toEqual(["a 90000 of 90000", "b 90000 of 90000"]);
  // Who is started again hears of it at once.
  live(second, "c");
  await vi.advanceTimersByTimeAsync(10);
  expect(over).toHaveLength(3);
  close();
});

test("what no books have cannot be raised", async () => {
  const { desks, close } = desksOf(1);
  const [desk] = desks as [Desk];
  desk.know([FIRM]);
  const raised = Promise.all([
    expect(desk.raise("/none", { tokens: 1 })).rejects.toMatchObject({ code: "E_PATH_UNKNOWN" }),
    expect(desk.raise("/firm", { steps: 1 })).rejects.toMatchObject({ code: "E_QUOTA_UNHELD" }),
  ]);
  await vi.advanceTimersByTimeAsync(10);
  await raised;
  close();
});
