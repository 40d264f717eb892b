// A Redis Cluster: the acceptance suite of stores, and two nodes of an app, on three masters.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Budget, Reserved } from "../../src/actor/books.ts";
import { type RedisSpec, redis } from "../../src/actor/store.ts";
import { RedisBooks } from "../../src/store/redis-books.ts";
import { RedisConnections } from "../../src/store/redis-connect.ts";
import { storeSuite } from "../tck/store.tck.ts";
import { account } from "../unit/tool/books-world.ts";
import { openBridge } from "./bridge.ts";
import { killAll, type NodeProcess, startNode } from "./node-process.ts";
import { whyNoRedis } from "./server.ts";
import { type RedisCluster, startCluster } from "./servers.ts";

const missing = await whyNoRedis();
const NAMES = Array.from({ length: 12 }, (_, n) => `a${n}`);
const PATIENT = { timeout: 120_000, interval: 200 } as const;

describe.skipIf(missing !== null)("with a Redis Cluster", () => {
  let cluster: RedisCluster;
  let opened = 0;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterEach(killAll, 60_000);
  afterAll(() => cluster?.end());

  storeSuite("redis cluster", () => {
    const own = { prefix: `tck${++opened}`, partitions: 1, lease: "1m" } as const;
    return openBridge(redis({ url: cluster.url, cluster: true, ...own }) as RedisSpec);
  });

  test("books of quotas are in one slot, whatever the paths; two nodes share them", async () => {
    const spec = redis({ url: cluster.url, cluster: true, prefix: "books" }) as RedisSpec;
    const connections = await RedisConnections.open(spec);
    try {
      const basis = { prefix: "books", leaseMs: 60_000, connections, troubled: () => {} };
      const [one, two] = ["n1", "n2"].map((node) => new RedisBooks({ ...basis, node })) as [
        RedisBooks,
        RedisBooks,
      ];
      const firm = account("/firm", { microUsd: 20 });
      const chains = NAMES.map((name) => [firm, account(`/firm/${name}`, { microUsd: 2 })]);
      const asked = chains.map((accounts, n) => {
        const amounts = { microUsd: n % 4 };
        return (n % 2 ? one : two).ask({ verb: "hold", id: `${n}`, accounts, amounts });
      });
      const said = (await Promise.all(asked)) as Reserved[];
      expect(said.flatMap(({ refused }) => (refused ? [refused.limit] : []))).toEqual([2, 2, 2]);
      await one.ask({ verb: "settle", id: "1", spent: {} });
      const view = (await two.ask({ verb: "look" })) as Budget[];
      expect(view).toHaveLength(1 + NAMES.length - 3);
      const money = { resource: "microUsd", used: 0, held: 8, limit: 20 };
      expect(view.find(({ path }) => path === "/firm")?.rows).toEqual([money]);
      one.abandon();
      two.abandon();
    } finally {
      connections.close();
    }
  });

  test("two nodes share partitions on all masters; one is killed, nothing is lost or doubled", async () => {
    const env = { REDIS_URL: cluster.url, REDIS_CLUSTER: "yes", REDIS_LEASE: "3s" };
    const nodes = [await startNode(env), await startNode(env)] as const;
    const [first, second] = nodes;
    for (const account of NAMES) await first.insist({ do: "open", account }).catch(taken);
    let paid = 0;
    for (const by of nodes) {
      for (const from of NAMES) {
        for (const to of NAMES) {
          void by.do({ do: "pay", from, to, amount: 1 }).catch(() => {});
          paid++;
        }
      }
    }
    await expect.poll(async () => (await balances(second)).got, PATIENT).toBe(paid);
    const keys = await Promise.all(cluster.servers.map(({ client }) => client.dbsize()));
    expect(keys.every((count) => count > 0)).toBe(true);
    await first.kill();
    expect(await balances(second)).toEqual({ got: paid, sum: 1_000 * NAMES.length });
    expect(await second.insist({ do: "count" })).toMatchObject({ pid: second.pid });
  });
});

/** Tried before, and done. */
function taken(error: { code?: string }): void {
  if (error.code !== "refused") throw error;
}

async function balances(node: NodeProcess) {
  const all: { balance: number; got: number }[] = [];
  for (const account of NAMES) {
    all.push((await node.insist({ do: "balance", account })) as (typeof all)[0]);
  }
  return {
    got: all.reduce((sum, each) => sum + each.got, 0),
    sum: all.reduce((sum, each) => sum + each.balance, 0),
  };
}
