// Several nodes of one app on one Redis: each actor runs on one of them, whichever are left.

import { describe, expect, onTestFailed, test } from "vitest";
import type { ClusterView } from "../../src/observe/view.ts";
import { type NodeProcess, serving, startNode } from "./node-process.ts";
import { startProxy } from "./proxy.ts";
import { whyNoRedis } from "./server.ts";

const missing = await whyNoRedis();
const NAMES = Array.from({ length: 12 }, (_, n) => `a${n}`);

describe.skipIf(missing !== null)("nodes on one Redis", () => {
  const stage = serving();
  let prefix = "";
  let prefixes = 0;

  const node = async (lease = "4s") => {
    const env = { REDIS_URL: stage.server.url, REDIS_PREFIX: prefix, REDIS_LEASE: lease };
    const made = await startNode(env);
    onTestFailed(() => console.log(`a node said:\n${made.said.join("\n")}`));
    return made;
  };
  const two = async () => {
    prefix = `nodes${++prefixes}`;
    const first = await node();
    const second = await node();
    return [first, second] as const;
  };
  /** Node → how many partitions it holds, read in Redis itself. */
  const holders = async () => {
    const found = new Map<string, number>();
    for (let partition = 0; partition < 8; partition++) {
      const holder = (await stage.server.client.get(`{${prefix}/${partition}}:lease`)) ?? "nobody";
      found.set(holder, (found.get(holder) ?? 0) + 1);
    }
    return found;
  };
  /** What all nodes together hold, as `coppice nodes` of one has it. */
  const held = async (by: NodeProcess) => {
    const cluster = (await by.do({ do: "cluster" })) as ClusterView;
    return cluster.members.flatMap((member) => member.held).sort((a, b) => a - b);
  };
  const shared = async (nodes: number) => {
    await expect
      .poll(async () => ({
        nodes: (await holders()).size,
        nobody: (await holders()).has("nobody"),
      }))
      .toEqual({ nodes, nobody: false });
  };
  const openAll = async (by: NodeProcess) => {
    for (const account of NAMES) await by.do({ do: "open", account });
  };
  const balances = async (by: NodeProcess) => {
    const found: { balance: number; got: number }[] = [];
    for (const account of NAMES) {
      found.push((await by.insist({ do: "balance", account })) as (typeof found)[0]);
    }
    return { got: found.reduce((sum, each) => sum + each.got, 0), all: found };
  };
  const sum = ({ all }: { all: { balance: number }[] }) =>
    all.reduce((total, { balance }) => total + balance, 0);
  const payAll = (by: NodeProcess, rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      for (const from of NAMES) {
        for (const to of NAMES) void by.do({ do: "pay", from, to, amount: 1 }).catch(() => {});
      }
    }
    return rounds * NAMES.length ** 2;
  };

  test("a second node takes its share; every actor answers on both, the single one is one", async () => {
    const [first, second] = await two();
    await shared(2);
    await openAll(first);
    const paid = payAll(first, 2) + payAll(second, 2);
    await expect.poll(async () => (await balances(second)).got).toBe(paid);
    expect(sum(await balances(first))).toBe(1_000 * NAMES.length);
    const counts = [await first.do({ do: "count" }), await second.do({ do: "count" })];
    expect(counts.map((each) => (each as { count: number }).count)).toEqual([1, 2]);
    expect(new Set(counts.map((each) => (each as { pid: number }).pid)).size).toBe(1);
    // Each says of itself what it holds, and of the other what that said last.
    await expect.poll(() => held(second)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test("one of two is killed: its actors live on with the other, nothing is lost or doubled", async () => {
    const [first, second] = await two();
    await shared(2);
    await openAll(first);
    await first.do({ do: "count" });
    const paid = payAll(second, 3);
    await first.kill();
    await expect.poll(async () => (await balances(second)).got).toBe(paid);
    expect(sum(await balances(second))).toBe(1_000 * NAMES.length);
    expect(await second.insist({ do: "count" })).toMatchObject({ pid: second.pid });
    await shared(1);
  });

  test("stopped past its lease and continued, a node commits nothing late", async () => {
    prefix = `nodes${++prefixes}`;
    const first = await node("2s");
    const second = await node("2s");
    await shared(2);
    await openAll(first);
    // Much is under way when it stops.
    const paid = payAll(second, 5);
    first.signal("SIGSTOP");
    await shared(1);
    await expect.poll(async () => (await balances(second)).got).toBe(paid);
    first.signal("SIGCONT");
    await shared(2);
    const more = payAll(second, 1);
    await expect.poll(async () => (await balances(first)).got).toBe(paid + more);
    expect(sum(await balances(second))).toBe(1_000 * NAMES.length);
    expect(first.said.join("\n")).toMatch(/partition \d+ is lost/);
  });

  test("cut off from Redis, a node stops its actors; they live on elsewhere; it comes back", async () => {
    prefix = `nodes${++prefixes}`;
    const proxy = await startProxy(stage.server.port);
    const cable = { REDIS_URL: proxy.url, REDIS_PREFIX: prefix, REDIS_LEASE: "2s" };
    const first = await startNode(cable);
    const second = await node("2s");
    await shared(2);
    await openAll(second);
    const paid = payAll(second, 3);
    proxy.cut();
    await shared(1);
    await expect.poll(async () => (await balances(second)).got).toBe(paid);
    await expect.poll(() => first.said.join("\n")).toMatch(/is lost/);
    proxy.heal();
    await shared(2);
    expect(sum(await balances(first))).toBe(1_000 * NAMES.length);
    proxy.close();
  });

  test("Redis is away for longer than a lease: both nodes come back, with everything", async () => {
    prefix = `nodes${++prefixes}`;
    const first = await node("2s");
    const second = await node("2s");
    await shared(2);
    await openAll(second);
    const paid = payAll(first, 2);
    await expect.poll(async () => (await balances(second)).got).toBe(paid);
    await stage.server.kill("SIGKILL");
    await expect.poll(() => first.said.join("\n")).toMatch(/is lost/);
    await stage.server.again();
    await shared(2);
    const after = await balances(first);
    expect([after.got, sum(after)]).toEqual([paid, 1_000 * NAMES.length]);
  });

  test("ended in order, a node hands over at once and loses no answer", async () => {
    const [first, second] = await two();
    await shared(2);
    await openAll(second);
    await second.kill("SIGTERM");
    expect((await holders()).size).toBeLessThanOrEqual(2);
    expect((await balances(first)).all).toHaveLength(NAMES.length);
    await shared(1);
  });
});
