// Books of quotas in a real Redis: the script does what a node's own books do, whatever comes; and
// nodes over a bad network never pass a limit, nor leave a hold behind.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Budget } from "../../src/actor/books.ts";
import { type RedisSpec, redis } from "../../src/actor/store.ts";
import { seeded } from "../../src/sim/random.ts";
import { RedisBooks } from "../../src/store/redis-books.ts";
import { BOOKS } from "../../src/store/redis-books-script.ts";
import { RedisConnections, script } from "../../src/store/redis-connect.ts";
import { ModelBooks, packr } from "../unit/tool/books-model.ts";
import { account, BooksWorld, CREWS, FIRM } from "../unit/tool/books-world.ts";
import { type RedisServer, startRedis, whyNoRedis } from "./server.ts";

const missing = await whyNoRedis();
const SCRIPT = script(BOOKS);
/** Long enough that no node is lost by itself. @unit ms */
const LIFE_MS = "60000";

const all = account("/firm", { microUsd: 500, toolCalls: 12 });
const one = account("/firm/a", { microUsd: 300, memoryBytes: 64, tokens: 2 ** 40 });
const two = account("/firm/b", { tokens: 10, steps: 3, wallMs: 3_600_000 });
const CHAINS = [[all], [all, one], [all, two], [one]];

const ids = fc.constantFrom("1", "2", "3", "4", "5", "6");
const amounts = fc.record(
  {
    microUsd: fc.nat(120),
    tokens: fc.oneof(fc.nat(4), fc.constant(2 ** 39 + 1)),
    steps: fc.nat(1),
    toolCalls: fc.constant(1),
    memoryBytes: fc.nat(40),
  },
  { requiredKeys: [] },
);
const chain = fc.constantFrom(...CHAINS);
const word = fc.oneof(
  { weight: 6, arbitrary: fc.record({ verb: fc.constant("hold"), accounts: chain, amounts }) },
  {
    weight: 6,
    arbitrary: fc.record({
      verb: fc.constant("settle"),
      id: ids,
      spent: fc.option(amounts, { freq: 3 }),
    }),
  },
  fc.record({ verb: fc.constant("begin"), accounts: fc.constant([two]) }),
  fc.record({
    verb: fc.constant("raise"),
    path: fc.constantFrom("/firm", "/firm/b", "/none"),
    more: fc.constantFrom({ microUsd: 50 }, { tokens: 3, wallMs: 1 }, { steps: 1 }),
  }),
  fc.record({ verb: fc.constantFrom("tick", "leave") }),
);
const calls = fc.array(
  fc.record({
    node: fc.constantFrom("n1", "n2"),
    words: fc.array(word, { minLength: 1, maxLength: 4 }),
    /** Sent so often. */
    times: fc.constantFrom(1, 1, 1, 2),
  }),
  { maxLength: 40 },
);

describe.skipIf(missing !== null)("books in Redis", { timeout: 300_000 }, () => {
  let server: RedisServer;
  let connections: RedisConnections;
  let prefixes = 0;
  beforeAll(async () => {
    server = await startRedis({ appendfsync: "no" });
    connections = await RedisConnections.open(redis({ url: server.url }) as RedisSpec);
  });
  afterAll(async () => {
    connections?.close();
    await server?.end();
  });

  const viewer = (prefix: string) => {
    const troubled = () => {};
    const books = new RedisBooks({ prefix, node: "viewer", leaseMs: 1, connections, troubled });
    return async () => {
      const said = (await books.ask({ verb: "look" })) as Budget[];
      return said.sort((a, b) => (a.path < b.path ? -1 : 1));
    };
  };
  /** Time is the server's own: what of it is left is not compared. */
  const timeless = (value: unknown) =>
    JSON.parse(JSON.stringify(value), (key, each) => {
      if (key === "ms" || key === "tell") return undefined;
      // Lua does not tell an empty list from an empty map.
      if (typeof each === "object" && each !== null && Object.keys(each).length === 0) return null;
      return each?.resource === "wallMs" ? { ...each, used: 0 } : each;
    });

  test("the script answers as the books of one node, call by call", async () => {
    await fc.assert(
      fc.asyncProperty(calls, async (made) => {
        const prefix = `same${++prefixes}`;
        const model = new ModelBooks(() => 0);
        const view = viewer(prefix);
        const numbers = new Map<string, number>();
        const ask = async (node: string, number: number, requests: readonly object[]) => {
          const args = [node, String(number), LIFE_MS];
          const packed = requests.map((each) => packr.pack(each));
          const keys = [`{${prefix}/quota}:`];
          const reply = await connections.call(3, SCRIPT, keys, [...args, ...packed]);
          return (reply as Buffer[]).map((each) => packr.unpack(each));
        };
        const know = { verb: "know", accounts: [all, one, two] } as const;
        for (const node of ["n1", "n2"]) {
          numbers.set(node, 1);
          await ask(node, 1, [know]);
          model.answer(node, 1, 60_000, [know]);
        }
        let holds = 0;
        for (const { node, words, times } of made) {
          const number = (numbers.get(node) ?? 0) + 1;
          numbers.set(node, number);
          // A call's id is its own, for ever.
          const requests = words.map((each) =>
            each.verb === "hold" ? { ...each, id: String(++holds) } : each,
          );
          for (let nth = 0; nth < times; nth++) {
            const said = await ask(node, number, requests);
            const should = model.answer(node, number, 60_000, requests as never);
            expect(timeless(said)).toEqual(timeless(should.map((each) => packr.unpack(each))));
          }
          await expect(ask(node, number - 1, requests)).rejects.toThrow("STALE");
        }
        expect(timeless(await view())).toEqual(timeless(model.view()));
      }),
      { numRuns: 200 },
    );
  });

  test("a node that is silent is lost to the others, once; a late call of it is found too", async () => {
    const prefix = "lost";
    const view = viewer(prefix);
    const ask = async (node: string, number: number, lifeMs: number, ...requests: object[]) => {
      const args = [node, String(number), String(lifeMs)];
      const packed = requests.map((each) => packr.pack(each));
      await connections.call(3, SCRIPT, [`{${prefix}/quota}:`], [...args, ...packed]);
    };
    const hold = (id: string) => ({
      verb: "hold",
      id,
      accounts: [one],
      amounts: { microUsd: 100 },
    });
    const money = async () =>
      (await view())[0]?.rows.find(({ resource }) => resource === "microUsd");
    let number = 1;
    const looks = async (used: number, held: number) => {
      await expect
        .poll(async () => {
          await ask("alive", ++number, 60_000, { verb: "tick" });
          return money();
        })
        .toMatchObject({ used, held });
    };
    await ask("alive", ++number, 60_000, hold("1"));
    await ask("dead", 1, 50, hold("1"));
    expect(await money()).toMatchObject({ used: 0, held: 200 });
    await looks(100, 100);
    // What it says of the call that was counted changes nothing.
    await ask("dead", 2, 50, { verb: "settle", id: "1", spent: { microUsd: 1 } });
    await ask("dead", 3, 50, hold("2"));
    expect(await money()).toMatchObject({ used: 100, held: 200 });
    await looks(200, 100);
    await ask("alive", ++number, 60_000, { verb: "settle", id: "1", spent: {} });
    expect(await money()).toMatchObject({ used: 200, held: 0 });
    // A last word that is not the last.
    await ask("gone", 1, 50, { verb: "leave" }, hold("3"));
    expect(await money()).toMatchObject({ used: 200, held: 100 });
    await looks(300, 0);
  });

  test("time is the server's, from the first start; a clock that was put back gives none", async () => {
    const key = "{time/quota}:books";
    let number = 0;
    const ask = async (request: object) => {
      const args = ["n", String(++number), LIFE_MS, packr.pack(request)];
      const [reply] = (await connections.call(3, SCRIPT, ["{time/quota}:"], args)) as [Buffer];
      return packr.unpack(reply);
    };
    const short = account("/firm", { wallMs: 1_000 });
    const begin = { verb: "begin", accounts: [short] };
    const hold = (id: string) => ({ verb: "hold", id, accounts: [short], amounts: {} });
    const beginsAt = async (first: number) => {
      const kept = packr.unpack((await connections.client.hgetBuffer(key, "/firm")) as Buffer);
      await connections.client.hset(key, "/firm", packr.pack({ ...kept, first }));
    };
    expect((await ask(begin)).left).toMatchObject([{ path: "/firm", limit: 1_000 }]);
    const [seconds] = await connections.client.time();
    await beginsAt((Number(seconds) + 900) * 1_000);
    expect((await ask(hold("1"))).left).toEqual({ path: "/firm", limit: 1_000, ms: 1_000 });
    await beginsAt((Number(seconds) - 5) * 1_000);
    expect((await ask(hold("2"))).refused).toMatchObject({ resource: "wallMs", limit: 1_000 });
    const [left] = (await ask(begin)).left;
    expect(left.ms).toBeLessThanOrEqual(-4_000);
  });

  test.each([1, 2, 3])("three nodes over a bad network, seed %i", async (seed) => {
    const prefix = `world${seed}`;
    const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    const options = {
      ...{ prefix, random: seeded(seed), now: () => performance.now(), sleep, leaseMs: 1_500 },
      wire: { connections, view: viewer(prefix) },
    };
    const world = new BooksWorld(options, 3);
    for (let n = 0; n < 1_200; n++) {
      world.step();
      await sleep(n % 4);
      const passed = world.passed();
      if (passed.length > 0) expect(passed).toEqual([]);
    }
    await world.calm();
    const held = async () =>
      (await world.view()).flatMap(({ rows }) => rows.filter((row) => row.held !== 0));
    await expect.poll(held, { timeout: 60_000 }).toEqual([]);
    for (const { path, rows } of await world.view()) {
      const used = rows.find(({ resource }) => resource === "microUsd")?.used ?? 0;
      expect(used).toBeGreaterThanOrEqual(world.spent(path, "microUsd"));
    }
    expect((await world.view()).map(({ path }) => path)).toEqual(
      [FIRM, ...CREWS].map(({ path }) => path),
    );
    expect(world.said.go).toBeGreaterThan(50);
    await world.close();
  });
});
