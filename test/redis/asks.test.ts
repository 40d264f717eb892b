// Questions, starts and watches between nodes, when one of the two is lost.

import { describe, expect, test } from "vitest";
import type { ClusterView } from "../../src/observe/view.ts";
import { partitionOf } from "../../src/store/partition.ts";
import { type NodeProcess, serving, startNode } from "./node-process.ts";
import { whyNoRedis } from "./server.ts";

const missing = await whyNoRedis();
const SPREAD = { partitions: 8, dynamic: ["/bank/accounts"] };
/** Far longer than any lease. @unit ms */
const LONG = 100_000;

describe.skipIf(missing !== null)("questions between nodes", () => {
  const stage = serving();
  let prefix = "";
  let prefixes = 0;

  const node = () =>
    startNode({ REDIS_URL: stage.server.url, REDIS_PREFIX: prefix, REDIS_LEASE: "3s" });
  const heldBy = async (by: NodeProcess) => ((await by.do({ do: "cluster" })) as ClusterView).held;
  /** The one with the trunk, and another one that holds something, too. */
  const two = async () => {
    prefix = `asks${++prefixes}`;
    const nodes = [await node(), await node()] as const;
    await expect
      .poll(async () => (await Promise.all(nodes.map(heldBy))).map((held) => held.length > 0))
      .toEqual([true, true]);
    await expect.poll(async () => (await Promise.all(nodes.map(heldBy))).flat().length).toBe(8);
    const first = (await heldBy(nodes[0])).includes(0);
    return first ? nodes : ([nodes[1], nodes[0]] as const);
  };
  /** An account of a partition that a node holds. */
  const accountOf = async (by: NodeProcess) => {
    const held = await heldBy(by);
    const names = Array.from({ length: 500 }, (_, n) => `n${n}`);
    const found = names.find((each) =>
      held.includes(partitionOf(`/bank/accounts/${each}`, SPREAD)),
    );
    return found as string;
  };

  test("a watch of an actor on another node is refused, at once and by name", async () => {
    const [trunk, other] = await two();
    const account = await accountOf(other);
    await other.do({ do: "open", account });
    expect(await trunk.do({ do: "watch", account }, LONG)).toBe("other_node");
  });

  test("who asks a node that is killed is told so when its lease is over", async () => {
    const [trunk, other] = await two();
    const never = other.do({ do: "never" }, LONG);
    const refused = expect(never).rejects.toMatchObject({
      code: "exited",
      message: expect.stringMatching(/node .* lost/),
    });
    // The same way as the question before it, and answered.
    const account = await accountOf(other);
    expect(await other.do({ do: "watch", account }, LONG)).toBe("other_node");
    await trunk.kill();
    await refused;
  });

  test("a start that a stopped node has ends when its lease is over; it can be made again", async () => {
    const [trunk, other] = await two();
    const account = await accountOf(other);
    other.signal("SIGSTOP");
    await expect(trunk.do({ do: "open", account })).rejects.toMatchObject({
      code: "exited",
      message: expect.stringMatching(/node .* lost/),
    });
    await trunk.insist({ do: "open", account });
    expect(await trunk.insist({ do: "balance", account })).toMatchObject({ balance: 1_000 });
    other.signal("SIGCONT");
  });

  test("the store's thread of a node dies: that node ends, the other one goes on", async () => {
    const [trunk, other] = await two();
    void trunk.do({ do: "crash store" }).catch(() => {});
    await expect.poll(() => trunk.said.join("\n")).toMatch(/store_lost/);
    expect(await other.insist({ do: "count" })).toMatchObject({ pid: other.pid });
  });
});
