// A node that comes to others begins with nothing, and takes its share once its tree runs: what
// becomes free in the meantime is for those who run. One that is alone has its share at once.

import { describe, expect, test } from "vitest";
import { type RedisSpec, redis } from "../../src/actor/store.ts";
import { type OpenRedis, openRedis } from "../../src/store/redis-open.ts";
import { serving } from "./node-process.ts";
import { whyNoRedis } from "./server.ts";

const missing = await whyNoRedis();
const ALL = [0, 1, 2, 3, 4, 5, 6, 7];

describe.skipIf(missing !== null)("a node's share", () => {
  const stage = serving();

  /** A node whose tree follows at once. */
  const node = async (prefix: string) => {
    const { url } = stage.server;
    const spec = redis({ url, prefix, partitions: ALL.length, lease: "3s" }) as RedisSpec;
    let open: OpenRedis | null = null;
    const said: string[] = [];
    open = await openRedis(spec, null, (news) => {
      said.push(news.kind);
      if (news.kind === "leaving" || news.kind === "lost") {
        const { partition } = news;
        setImmediate(() => open?.left(partition));
      }
    });
    return { open, said };
  };
  const heldBy = (...opens: OpenRedis[]) =>
    opens.flatMap(({ store }) => store.held).sort((a, b) => a - b);

  test("alone, at once; among others, when it joins them; who has died is waited for", async () => {
    const first = await node("share");
    expect(heldBy(first.open)).toEqual(ALL);
    await first.open.join();
    expect(first.said.at(-1)).toBe("joined");

    const second = await node("share");
    expect([heldBy(second.open), heldBy(first.open)]).toEqual([[], ALL]);
    await second.open.join();
    expect(second.said.at(-1)).toBe("joined");
    expect(heldBy(second.open)).not.toEqual([]);
    await expect.poll(() => heldBy(first.open, second.open)).toEqual(ALL);

    // A third one has not joined yet: what the dead one had is for the one that runs.
    const third = await node("share");
    first.open.leases.abandon();
    await expect.poll(() => heldBy(second.open)).toEqual(ALL);
    expect(heldBy(third.open)).toEqual([]);

    second.open.leases.abandon();
    const fourth = await node("share");
    expect(heldBy(fourth.open)).toEqual(ALL);
    // One that ends while it waits for its share leaves nothing there.
    await fourth.open.close();
    const fifth = await node("share");
    const sixth = await node("share");
    const joining = sixth.open.join();
    await sixth.open.leases.end();
    await joining;
    await sixth.open.leases.round();
    const nodes = await stage.server.client.zrange("{share}:nodes", "0", "-1");
    expect(nodes).not.toContain(sixth.open.node);
    for (const { open } of [first, second, third, fifth, sixth]) await open.close();
  });
});
