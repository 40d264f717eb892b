// What a store's client says when the store cannot be asked.

import { afterEach, expect, test, vi } from "vitest";
import { type RedisSpec, redis } from "../../../src/actor/store.ts";
import { StoreClient } from "../../../src/store/committer.ts";
import { RedisConnections } from "../../../src/store/redis-connect.ts";

afterEach(() => vi.doUnmock("ioredis"));

test("without ioredis: E_PEER_MISSING, and what to install", async () => {
  vi.doMock("ioredis", () => {
    throw new Error("Cannot find package 'ioredis'");
  });
  await expect(RedisConnections.open(redis() as RedisSpec)).rejects.toMatchObject({
    code: "E_PEER_MISSING",
    fix: "npm install ioredis",
  });
});

test("an actor of another node's partition does not start from nothing: E_STORE_LEASE", () => {
  const client = new StoreClient();
  client.load("/a", 1);
  client.take();
  expect(client.complete([{ kind: "refused" }])).toEqual([
    {
      ...{ kind: "loaded", path: "/a", life: 1, stored: null },
      error: { ok: false, code: "E_STORE_LEASE", message: expect.stringContaining("/a") },
    },
  ]);
});
