// A Redis that is killed, full, slow, or replaced by its replica: what was acknowledged is there, once.

import { afterEach, describe, expect, test } from "vitest";
import { killAll, type NodeProcess, startNode } from "./node-process.ts";
import { type Cable, startProxy } from "./proxy.ts";
import { type RedisServer, startRedis, whyNoRedis } from "./server.ts";

const missing = await whyNoRedis();
const NAMES = ["ada", "bob", "cy", "dee", "eve", "flo"];
const PATIENT = { timeout: 120_000, interval: 200 } as const;

describe.skipIf(missing !== null)("a Redis in trouble", { timeout: 300_000 }, () => {
  let servers: RedisServer[] = [];
  let cables: Cable[] = [];
  afterEach(async () => {
    await killAll();
    for (const cable of cables) cable.close();
    await Promise.all(servers.map((each) => each.end()));
    servers = [];
    cables = [];
  });

  const redis = async (more: Record<string, string> = {}) => {
    const server = await startRedis(more);
    servers.push(server);
    return server;
  };
  const nodeOn = async (url: string, lease = "2m") => {
    const node = await startNode({ REDIS_URL: url, REDIS_PREFIX: "faults", REDIS_LEASE: lease });
    return node;
  };
  const openAll = async (node: NodeProcess) => {
    for (const account of NAMES) await node.do({ do: "open", account });
  };
  const balances = async (node: NodeProcess) => {
    const all: { balance: number; got: number }[] = [];
    for (const account of NAMES) {
      all.push((await node.insist({ do: "balance", account })) as (typeof all)[0]);
    }
    return {
      got: all.reduce((sum, each) => sum + each.got, 0),
      sum: all.reduce((sum, each) => sum + each.balance, 0),
    };
  };
  /** Everybody pays everybody. @returns how many orders were acknowledged, and how many were given */
  const orders = (node: NodeProcess, rounds: number) => {
    const books = { stored: 0, given: 0, done: Promise.resolve() as Promise<unknown> };
    const all: Promise<unknown>[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const from of NAMES) {
        for (const to of NAMES) {
          books.given++;
          const stored = () => void books.stored++;
          all.push(node.do({ do: "order", from, to, amount: 1 }).then(stored, () => {}));
        }
      }
    }
    books.done = Promise.all(all);
    return books;
  };
  const WHOLE = 1_000 * NAMES.length;

  test("killed together with the node, and started again: each acknowledged order is there", async () => {
    const server = await redis();
    const first = await nodeOn(server.url, "2s");
    await openAll(first);
    const books = orders(first, 20);
    await expect.poll(() => books.stored, PATIENT).toBeGreaterThan(50);
    await Promise.all([server.kill("SIGKILL"), first.kill()]);
    await books.done;
    await server.again();
    const second = await nodeOn(server.url, "2s");
    await expect
      .poll(async () => (await balances(second)).got, PATIENT)
      .toBeGreaterThanOrEqual(books.stored);
    expect((await balances(second)).got).toBeLessThanOrEqual(books.given);
    await expect.poll(async () => (await balances(second)).sum, PATIENT).toBe(WHOLE);
  });

  test("full: senders wait, the node says so and keeps its leases; with room all goes on", async () => {
    const server = await redis();
    const node = await nodeOn(server.url, "20s");
    await openAll(node);
    await server.client.config("SET", "maxmemory", "1");
    const books = orders(node, 5);
    await expect.poll(() => node.said.join("\n"), PATIENT).toMatch(/Redis: OOM/);
    // Its lease is renewed all the same.
    let left = Number.POSITIVE_INFINITY;
    const rises = async () => {
      const before = left;
      left = await server.client.pttl("{faults/0}:lease");
      return left > before;
    };
    await expect.poll(rises, PATIENT).toBe(true);
    expect(books.stored).toBe(0);
    await server.client.config("SET", "maxmemory", "0");
    await books.done;
    expect(books.stored).toBe(books.given);
    await expect.poll(async () => (await balances(node)).got, PATIENT).toBe(books.given);
    expect((await balances(node)).sum).toBe(WHOLE);
    expect(node.said.join("\n")).not.toMatch(/is lost/);
  });

  test("slow, so that calls are given up and made again: each order counts once", async () => {
    const server = await redis();
    const node = await nodeOn(server.url);
    await openAll(node);
    const books = orders(node, 10);
    await server.client.call("client", "pause", "7000", "all");
    await books.done;
    expect(books.stored).toBe(books.given);
    await expect.poll(async () => (await balances(node)).got, PATIENT).toBe(books.given);
    expect((await balances(node)).sum).toBe(WHOLE);
    expect(node.said.join("\n")).toMatch(/calls are made again/);
  });

  /** A server, its replica in step, and a cable as an address that follows a failover. */
  const pair = async () => {
    const master = await redis();
    const replica = await redis({ replicaof: `127.0.0.1 ${master.port}` });
    const cable = await startProxy(master.port);
    cables.push(cable);
    const inStep = async () =>
      /master_link_status:up/.test(await replica.client.info("replication"));
    await expect.poll(inStep, PATIENT).toBe(true);
    return { master, replica, cable };
  };

  test("handed over to its replica in order: no order is lost, none counts twice", async () => {
    const { master, replica, cable } = await pair();
    const node = await nodeOn(cable.url);
    await openAll(node);
    const books = orders(node, 10);
    await expect.poll(() => books.stored, PATIENT).toBeGreaterThan(20);
    await master.client.call("failover", "to", "127.0.0.1", String(replica.port));
    const isMaster = async () => /role:master/.test(await replica.client.info("replication"));
    await expect.poll(isMaster, PATIENT).toBe(true);
    cable.lead(replica.port);
    await books.done;
    expect(books.stored).toBe(books.given);
    await expect.poll(async () => (await balances(node)).got, PATIENT).toBe(books.given);
    expect((await balances(node)).sum).toBe(WHOLE);
  });

  test("dead, its replica is promoted: what the replica had been told of goes on", async () => {
    const { master, replica, cable } = await pair();
    const node = await nodeOn(cable.url);
    await openAll(node);
    const before = orders(node, 3);
    await before.done;
    await expect.poll(async () => (await balances(node)).got, PATIENT).toBe(before.given);
    await expect.poll(() => inStepWith(master, replica), PATIENT).toBe(true);
    await master.kill("SIGKILL");
    const after = orders(node, 3);
    await replica.client.call("replicaof", "no", "one");
    cable.lead(replica.port);
    await after.done;
    expect([before.stored, after.stored]).toEqual([before.given, after.given]);
    await expect.poll(async () => (await balances(node)).got, PATIENT).toBe(2 * before.given);
    expect((await balances(node)).sum).toBe(WHOLE);
  });
});

/** Has the replica all that its master has written? */
async function inStepWith(master: RedisServer, replica: RedisServer): Promise<boolean> {
  const offset = (text: string) => /master_repl_offset:(\d+)/.exec(text)?.[1];
  const [there, here] = await Promise.all([
    master.client.info("replication"),
    replica.client.info("replication"),
  ]);
  return offset(there) === offset(here);
}
