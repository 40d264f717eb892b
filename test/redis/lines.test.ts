// What a node's connections and leases withstand by themselves: a listener that is cut off, a server
// that has no room left. Small things that a whole node would hide for a while.
import { afterEach, describe, expect, test } from "vitest";
import { type RedisSpec, redis } from "../../src/actor/store.ts";
import { RedisConnections } from "../../src/store/redis-connect.ts";
import { LEASE } from "../../src/store/redis-lease-script.ts";
import { type RedisServer, startRedis, whyNoRedis } from "./server.ts";

const missing = await whyNoRedis();

describe.skipIf(missing !== null)("with a redis-server", () => {
  let server: RedisServer;
  afterEach(() => server.end());

  test("a listener that is cut off hears again, each time", async () => {
    server = await startRedis();
    const { client, url } = server;
    const connections = await RedisConnections.open(redis({ url }) as RedisSpec);
    const heard: string[] = [];
    await connections.listen("news", (message) => heard.push(String(message)));
    for (const word of ["first", "second", "third"]) {
      // Until it is heard: what is said while nobody listens is gone.
      await expect
        .poll(
          async () => {
            await client.publish("news", word);
            return heard.includes(word);
          },
          { timeout: 60_000 },
        )
        .toBe(true);
      expect(await client.call("CLIENT", "KILL", "TYPE", "pubsub")).toBe(1);
    }
    connections.close();
  });

  test("a lease is renewed on a server without room, and a new one is not given", async () => {
    server = await startRedis();
    const { client } = server;
    const take = (name: string, ms: number) =>
      client.eval(LEASE, 3, `{${name}}:`, `{${name}}:meta`, `{${name}}:lease`, "node", ms);
    expect(await take("p", 60_000)).toEqual([1, "node", []]);
    await client.config("SET", "maxmemory", "1");
    await client.config("SET", "maxmemory-policy", "noeviction");
    await expect(take("q", 60_000)).rejects.toThrow(/OOM/);
    expect(await take("p", 600_000)).toEqual([1, "node", []]);
    expect(await client.pttl("{p}:lease")).toBeGreaterThan(60_000);
  });
});
