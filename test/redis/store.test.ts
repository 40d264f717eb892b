// The acceptance suite of stores on a real Redis. One partition, so that mail is numbered as the
// reference numbers it; store-spread.test.ts has many.

import { afterAll, beforeAll, describe } from "vitest";
import { type RedisSpec, redis } from "../../src/actor/store.ts";
import { storeSuite } from "../tck/store.tck.ts";
import { openBridge } from "./bridge.ts";
import { type RedisServer, startRedis, whyNoRedis } from "./server.ts";

const missing = await whyNoRedis();

describe.skipIf(missing !== null)("with a redis-server", () => {
  let server: RedisServer;
  let opened = 0;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.end());

  storeSuite("redis", () => {
    const spec = redis({ url: server.url, prefix: `tck${++opened}`, partitions: 1, lease: "1m" });
    return openBridge(spec as RedisSpec);
  });
});
