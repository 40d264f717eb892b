// `coppice doctor --redis`: is it there, what would it lose, what is refused.

import { afterEach, describe, expect, test } from "vitest";
import { type RedisServer, startRedis, whyNoRedis } from "../redis/server.ts";
import { cli, FakeNode, ownFolder, serve, supervisorRow } from "./stage.ts";

ownFolder();
const missing = await whyNoRedis();

let server: RedisServer | null = null;
afterEach(async () => {
  await server?.end();
  server = null;
});

test("nobody there: said with its remedy, and the status is 1", async () => {
  const { status, out } = await cli(["doctor", "--redis", "redis://ada:secret@127.0.0.1:1"]);
  expect(status).toBe(1);
  expect(out).toMatch(/redis +redis:\/\/…@127\.0\.0\.1:1: Redis cannot be used/);
  expect(out).toMatch(/remedy: start the server/);
  expect((await cli(["doctor", "--cluster"])).status).toBe(2);
});

test("a node says what it holds, and its last trouble", async () => {
  const fake = new FakeNode([supervisorRow("/desk")]);
  const at = "2026-11-21T09:42:11.120Z";
  fake.cluster = {
    ...{ node: "2-b", partitions: 8, held: [3, 5], members: [], weak: [] },
    trouble: { why: "OOM command not allowed", at },
  };
  const tokens = { resource: "tokens", used: 4, held: 1, limit: 5 } as const;
  fake.quotas = [{ path: "/desk", rows: [tokens, { ...tokens, limit: 6 }] }];
  await serve(fake);
  const { out } = await cli(["doctor"]);
  expect(out).toContain(`redis: 2-b holds 2 of 8 partitions, 0 nodes; last trouble, ${at}: OOM`);
  expect(out).toContain("; quotas: 1, 1 of their limits used up");
});

describe.skipIf(missing !== null)("with a redis-server", () => {
  const look = async (more: Record<string, string>) => {
    server = await startRedis(more);
    return cli(["doctor", "--redis", server.url]);
  };

  test("one that keeps everything", async () => {
    const { status, out } = await look({});
    expect(status).toBe(0);
    expect(out).toMatch(/redis +\d+\.\d+\.\d+ at redis:.*, master, 0 replicas/);
    expect(out).toMatch(/appendfsync always: a power cut takes nothing/);
    expect(out).toMatch(/MB used, no limit/);
    expect(out).not.toMatch(/weak/);
  });

  test("what is weaker is said, and what is lost", async () => {
    const { status, out } = await look({ appendfsync: "everysec", maxmemory: "100mb" });
    expect(status).toBe(0);
    expect(out).toMatch(/everysec: a power cut may take the last second/);
    expect(out).toMatch(/of 100 MB, when full: noeviction/);
    expect(out).toMatch(/weak: a power cut/);
  });

  test("one that forgets would be refused", async () => {
    const { status, out } = await look({ appendonly: "no" });
    expect(status).toBe(1);
    expect(out).toMatch(/appendonly no: its end takes everything/);
    expect(out).toMatch(/remedy: set appendonly yes/);
    const report = JSON.parse((await cli(["doctor", "--redis", server?.url ?? "", "--json"])).out);
    expect(report.redis).toMatchObject({
      servers: [{ appendonly: "no" }],
      wrong: { code: "E_STORE_SETTINGS" },
    });
  });
});
