// A Redis that would lose what it has answered, or cannot be used, is refused before anything runs.

import { afterEach, describe, expect, test } from "vitest";
import { type RedisOptions, type RedisSpec, redis } from "../../src/actor/store.ts";
import { checkSettings, isPassing, shownUrl } from "../../src/store/redis-connect.ts";
import { type OpenRedis, openRedis } from "../../src/store/redis-open.ts";
import { type RedisServer, startRedis, whyNoRedis } from "./server.ts";

const missing = await whyNoRedis();

let server: RedisServer | null = null;
let opened: OpenRedis[] = [];
afterEach(async () => {
  await Promise.all(opened.map((each) => each.close()));
  opened = [];
  await server?.end();
  server = null;
});

const specOf = (options: RedisOptions) => redis(options) as RedisSpec;
async function open(options: RedisOptions) {
  const store = await openRedis(specOf({ partitions: 4, lease: "2s", ...options }), null, () => {});
  opened.push(store);
  return store;
}

describe("settings", () => {
  const good = {
    ...{ version: "7.0.15", appendonly: "yes", appendfsync: "always" },
    ...{ maxmemory: 0, maxmemoryPolicy: "noeviction" },
    ...{ role: "master", replicas: 0, usedBytes: 1 },
  };
  const flushed = specOf({});

  test("a server that keeps everything is taken without a word", () => {
    expect(checkSettings([good], flushed)).toEqual([]);
  });

  test.each([
    [{ appendonly: "no" }, "appendonly yes"],
    [{ maxmemory: 1_000, maxmemoryPolicy: "allkeys-lru" }, "noeviction"],
    [{ maxmemory: 1_000, maxmemoryPolicy: "volatile-ttl" }, "noeviction"],
    [{ version: "5.0.3" }, "6.2"],
  ])("%j is refused", (bad, remedy) => {
    const expected = { code: "E_STORE_SETTINGS", fix: expect.stringContaining(remedy) };
    expect(() => checkSettings([good, { ...good, ...bad }], flushed)).toThrow(
      expect.objectContaining(expected),
    );
  });

  test("what is weaker is said; who asks for less is not warned", () => {
    const [weak] = checkSettings([{ ...good, appendfsync: "everysec" }], flushed);
    expect(weak).toMatch(/power cut .* everysec/);
    expect(checkSettings([{ ...good, appendonly: null }], flushed)[0]).toMatch(/does not tell/);
    expect(checkSettings([{ ...good, replicas: 1 }], flushed)[0]).toMatch(/promoted may lack/);
    const less = specOf({ durability: "committed" });
    expect(checkSettings([{ ...good, appendonly: "no", appendfsync: "no" }], less)).toEqual([]);
  });

  test("passwords are not shown", () => {
    expect(shownUrl("redis://ada:secret@host:6379/1")).toBe("redis://…@host:6379/1");
    expect(shownUrl("redis://host")).toBe("redis://host");
  });

  test("replies that mean not now can pass, wrong calls cannot", () => {
    const reply = (message: string) => Object.assign(new Error(message), { name: "ReplyError" });
    for (const word of ["LOADING", "OOM", "READONLY", "CLUSTERDOWN", "MISCONF"]) {
      expect(isPassing(reply(`${word} so it is`))).toBe(true);
    }
    for (const word of ["ERR", "FENCED", "NOAUTH", "WRONGTYPE"]) {
      expect(isPassing(reply(`${word} so it is`))).toBe(false);
    }
    expect(isPassing(new Error("Connection is closed."))).toBe(true);
  });
});

test("nobody answers: E_STORE_REACH", async () => {
  await expect(open({ port: 1 })).rejects.toMatchObject({
    code: "E_STORE_REACH",
    at: "redis://127.0.0.1:1",
  });
});

describe.skipIf(missing !== null)("with a redis-server", () => {
  test("one that forgets is refused, unless the app says it may", async () => {
    server = await startRedis({ appendonly: "no" });
    const { url } = server;
    await expect(open({ url })).rejects.toMatchObject({ code: "E_STORE_SETTINGS" });
    const store = await open({ url, durability: "committed" });
    expect(store.store.held).toEqual([0, 1, 2, 3]);
  });

  test("the number of partitions and the layout are those of the data", async () => {
    server = await startRedis({ appendfsync: "everysec" });
    const { url, client } = server;
    const first = await open({ url });
    expect(first.weak[0]).toMatch(/everysec/);
    await first.close();
    await expect(open({ url, partitions: 5 })).rejects.toMatchObject({
      code: "E_STORE_SETTINGS",
      fix: expect.stringContaining("partitions: 4"),
    });
    await client.hset("{coppice}:app", "schema", "99");
    await expect(open({ url })).rejects.toMatchObject({ code: "E_STORE_VERSION" });
    await expect(open({ url, prefix: "other", partitions: 5 })).resolves.toBeDefined();
  });
});
