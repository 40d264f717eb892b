// A node on a real Redis: what was acknowledged is there after any crash, and happened once.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { killAll, type NodeProcess, startNode } from "./node-process.ts";
import { type RedisServer, startRedis, whyNoRedis } from "./server.ts";

const missing = await whyNoRedis();
const NAMES = ["ada", "bob", "cy", "dee", "eve", "flo"];

describe.skipIf(missing !== null)("a node on Redis", () => {
  let server: RedisServer;
  let prefixes = 0;
  let env: Record<string, string>;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterEach(killAll);
  afterAll(() => server.end());

  const fresh = () => {
    env = { REDIS_URL: server.url, REDIS_PREFIX: `node${++prefixes}`, REDIS_LEASE: "2s" };
    return startNode(env);
  };
  const balances = async (node: NodeProcess) => {
    const found: { balance: number; got: number }[] = [];
    for (const account of NAMES) {
      found.push((await node.insist({ do: "balance", account })) as (typeof found)[0]);
    }
    return found;
  };
  const openAll = async (node: NodeProcess) => {
    for (const account of NAMES) await node.do({ do: "open", account });
  };
  /** Everybody pays everybody, `rounds` times. */
  const payAll = (node: NodeProcess, rounds: number) => {
    let paid = 0;
    for (let round = 0; round < rounds; round++) {
      for (const from of NAMES) {
        for (const to of NAMES) {
          void node.do({ do: "pay", from, to, amount: 1 }).catch(() => {});
          paid++;
        }
      }
    }
    return paid;
  };
  const sum = (all: { balance: number }[]) =>
    all.reduce((total, { balance }) => total + balance, 0);
  const got = (all: { got: number }[]) => all.reduce((total, each) => total + each.got, 0);

  test("payments between partitions arrive once; after kill -9 all is as it was", async () => {
    const first = await fresh();
    await openAll(first);
    const paid = payAll(first, 10);
    await expect.poll(async () => got(await balances(first))).toBe(paid);
    expect(await first.do({ do: "count" })).toMatchObject({ count: 1 });
    await first.kill();
    const second = await startNode(env);
    expect(await second.do({ do: "count" })).toMatchObject({ count: 2 });
    const after = await balances(second);
    expect([got(after), sum(after)]).toEqual([paid, 1_000 * NAMES.length]);
  });

  test("killed while payments are under way: none is lost half-way, none happens twice", async () => {
    const first = await fresh();
    await openAll(first);
    payAll(first, 40);
    // Until some have arrived, and surely not all.
    await expect.poll(async () => got(await balances(first))).toBeGreaterThan(20);
    await first.kill();
    const second = await startNode(env);
    await expect.poll(async () => sum(await balances(second))).toBe(1_000 * NAMES.length);
  });

  test("Redis is killed and comes back: calls are made again, each has its effect once", async () => {
    const node = await fresh();
    await openAll(node);
    let paid = payAll(node, 10);
    await server.kill("SIGKILL");
    paid += payAll(node, 10);
    await server.again();
    await expect.poll(async () => got(await balances(node))).toBe(paid);
    expect(sum(await balances(node))).toBe(1_000 * NAMES.length);
    expect(node.said.join("\n")).toMatch(/Redis: .*calls are made again/);
  });

  test("connections are cut again and again: each call has its effect once", async () => {
    const node = await fresh();
    await openAll(node);
    let paid = 0;
    for (let round = 0; round < 15; round++) {
      paid += payAll(node, 2);
      await server.client.call("client", "kill", "type", "normal");
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    await expect.poll(async () => got(await balances(node))).toBe(paid);
    expect(sum(await balances(node))).toBe(1_000 * NAMES.length);
  });

  test("stopped in order, a node gives its leases back: the next one starts at once", async () => {
    const first = await fresh();
    await first.do({ do: "count" });
    await first.kill("SIGTERM");
    expect(await server.client.keys(`{${env.REDIS_PREFIX}/*}:lease`)).toEqual([]);
  });
});
