// Accounts that sleep on several nodes: partitions move meanwhile, nodes come and are killed, and who is
// needed wakes on the node that has its partition then, nobody else.

import { describe, expect, test } from "vitest";
import type { ClusterView } from "../../src/observe/view.ts";
import { partitionOf, preferred } from "../../src/store/partition.ts";
import { type NodeProcess, serving, startNode } from "./node-process.ts";
import { whyNoRedis } from "./server.ts";

const missing = await whyNoRedis();
const NAMES = Array.from({ length: 16 }, (_, n) => `a${n}`);

describe.skipIf(missing !== null)("sleepers on several nodes", () => {
  const stage = serving();
  let prefix = "";
  let prefixes = 0;

  const node = () =>
    startNode({
      ...{ REDIS_URL: stage.server.url, REDIS_PREFIX: prefix, REDIS_LEASE: "4s" },
      REDIS_IDLE: "100ms",
    });
  const holder = (partition: number) => stage.server.client.get(`{${prefix}/${partition}}:lease`);
  const nameOf = async (by: NodeProcess) => ((await by.do({ do: "cluster" })) as ClusterView).node;
  const PARTITIONS = Array.from({ length: 8 }, (_, n) => n);
  /** All partitions are where they should be when these are all nodes. */
  const shared = async (...nodes: NodeProcess[]) => {
    const names = await Promise.all(nodes.map(nameOf));
    const wanted = PARTITIONS.map((each) => preferred(each, names));
    await expect.poll(() => Promise.all(PARTITIONS.map(holder))).toEqual(wanted);
  };
  const spread = { partitions: 8, dynamic: ["/bank/accounts"] };
  /** The accounts that a node holds. */
  const held = async (by: NodeProcess) => {
    const name = await nameOf(by);
    const holders = await Promise.all(PARTITIONS.map(holder));
    const paths = NAMES.map((each) => `/bank/accounts/${each}`);
    return new Set(paths.filter((path) => holders[partitionOf(path, spread)] === name));
  };
  const asleep = async (...nodes: NodeProcess[]) => {
    const awake = () => Promise.all(nodes.map((each) => each.do({ do: "awake" })));
    await expect.poll(awake).toEqual(nodes.map(() => []));
  };
  const woken = ({ said }: NodeProcess) =>
    new Set(said.filter((each) => each.startsWith("woken ")).map((each) => each.slice(6)));
  const balances = async (by: NodeProcess) => {
    const found: { balance: number; got: number }[] = [];
    for (const account of NAMES) {
      found.push((await by.insist({ do: "balance", account })) as (typeof found)[0]);
    }
    return {
      got: found.reduce((sum, { got }) => sum + got, 0),
      sum: found.reduce((sum, { balance }) => sum + balance, 0),
    };
  };
  const orderAll = async (by: NodeProcess) => {
    const next = (at: number) => NAMES[(at + 1) % NAMES.length] as string;
    const orders = NAMES.map((from, at) => by.do({ do: "order", from, to: next(at), amount: 1 }));
    await Promise.all(orders);
    return NAMES.length;
  };
  const SUM = 1_000 * NAMES.length;

  test("partitions move while all sleep: each wakes once needed, where its partition is", async () => {
    prefix = `sleepers${++prefixes}`;
    const first = await node();
    for (const account of NAMES) await first.do({ do: "open", account });
    await asleep(first);
    const second = await node();
    await shared(first, second);
    // Nobody is needed: nobody wakes because it has moved.
    await asleep(first, second);
    const came = ["woken", "starting"].map((type) => `${type} /bank/accounts/`);
    expect(second.said.filter((each) => came.some((start) => each.startsWith(start)))).toEqual([]);
    let got = await orderAll(first);
    await expect.poll(() => balances(second)).toEqual({ got, sum: SUM });
    // (Each at least: on a busy machine a lease may pass to and fro.)
    expect(woken(second).isSupersetOf(await held(second))).toBe(true);
    expect(woken(first).isSupersetOf(await held(first))).toBe(true);
    expect(woken(first).union(woken(second)).size).toBe(NAMES.length);
    await asleep(first, second);
    got += await orderAll(second);
    await expect.poll(() => balances(first)).toEqual({ got, sum: SUM });
  });

  test("killed with sleepers and orders for them: they wake on the node that is left", async () => {
    prefix = `sleepers${++prefixes}`;
    const first = await node();
    const second = await node();
    await shared(first, second);
    for (const account of NAMES) await first.do({ do: "open", account });
    await asleep(first, second);
    // It takes none of them any more.
    first.signal("SIGSTOP");
    const got = await orderAll(second);
    await first.kill();
    // Nobody asks for them: the orders that wait do.
    await expect.poll(() => woken(second).size).toBe(NAMES.length);
    await shared(second);
    await expect.poll(() => balances(second)).toEqual({ got, sum: SUM });
    await asleep(second);
    // And on one that comes anew.
    const third = await node();
    await shared(second, third);
    await asleep(second, third);
    const more = got + (await orderAll(third));
    await expect.poll(() => balances(second)).toEqual({ got: more, sum: SUM });
    expect(woken(third).isSupersetOf(await held(third))).toBe(true);
  });
});
