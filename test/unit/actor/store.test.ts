// Stores as data: defaults, and what is refused.

import { expect, test } from "vitest";
import { redis } from "../../../src/actor/store.ts";

test("a Redis store has a default for everything", () => {
  expect(redis()).toEqual({
    ...{ kind: "redis", url: "redis://127.0.0.1:6379", cluster: false, prefix: "coppice" },
    ...{ partitions: 64, leaseMs: 5_000, durability: "flushed" },
  });
  expect(redis({ host: "there", port: 7 })).toMatchObject({ url: "redis://there:7" });
  expect(redis({ url: "rediss://u:p@h:1/2", lease: "10s" })).toMatchObject({ leaseMs: 10_000 });
});

test.each([
  [{ url: "redis://a", port: 1 }, "E_SPEC_COMBINATION"],
  [{ url: "http://a" }, "E_SPEC_RANGE"],
  [{ url: "nowhere" }, "E_SPEC_RANGE"],
  [{ port: 0 }, "E_SPEC_RANGE"],
  [{ partitions: 0 }, "E_SPEC_RANGE"],
  [{ lease: "1s" }, "E_SPEC_RANGE"],
  [{ lease: "soon" }, "E_UNITS"],
  [{ prefix: "" }, "E_SPEC_ID"],
  [{ prefix: "a{b}" }, "E_SPEC_ID"],
  [{ durability: "eternal" }, "E_SPEC_STRATEGY"],
  [{ cluster: "yes" }, "E_SPEC_STRATEGY"],
])("%j is refused with %s", (options, code) => {
  expect(() => redis(options as never)).toThrow(expect.objectContaining({ code }));
});
