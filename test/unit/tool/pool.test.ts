/** The pool by itself: what goes wrong before a tool has begun. */
import { serialize } from "node:v8";
import { expect, test } from "vitest";
import { ToolPool } from "../../../src/tool/pool.ts";
import type { PoolEnd, PoolFault } from "../../../src/tool/pool-messages.ts";

const fixture = (name: string) => new URL(`../../node/fixtures/${name}.ts`, import.meta.url).href;
let last = 0;

function call(pool: ToolPool, tool: string, memoryMb = 128): Promise<PoolEnd> {
  const limits = { key: "k", timeoutMs: 5_000, memoryBytes: memoryMb * 1_048_576, maxQueue: 5 };
  return new Promise((resolve) => {
    pool.call({ id: ++last, tool, input: serialize({ n: 1 }), ...limits }, resolve);
  });
}

async function fault(end: Promise<PoolEnd>): Promise<PoolFault> {
  const value = await end;
  if ("fault" in value) return value.fault;
  throw new Error("it answered");
}

test("a tool that no child is granted is not found; others are", async () => {
  const pool = new ToolPool(fixture("pool"), 1);
  expect(await fault(call(pool, "nobody's"))).toMatchObject({ code: "E_SANDBOX_MISSING" });
  expect(await call(pool, "double")).toHaveProperty("answer");
});

test("an app that is none: every call fails with the same words", async () => {
  const pool = new ToolPool(fixture("no-default"), 2);
  const faults = await Promise.all([1, 2, 3].map(() => fault(call(pool, "double"))));
  expect(new Set(faults.map((each) => `${each.code} ${each.message}`)).size).toBe(1);
  expect(faults[0]).toMatchObject({
    code: "E_APP_LOAD",
    message: expect.stringMatching(/default export is no app/),
  });
});

test("an app that ends its thread while it is imported is not tried again", async () => {
  const pool = new ToolPool(fixture("exits"), 1);
  const first = await fault(call(pool, "double"));
  expect(first).toMatchObject({
    code: "E_TOOL_LOST",
    message: expect.stringMatching(/before it was ready/),
  });
  const before = performance.now();
  for (let i = 0; i < 50; i++) expect(await fault(call(pool, "double"))).toEqual(first);
  // No thread was started for them: a start alone takes 20 ms.
  expect(performance.now() - before).toBeLessThan(500);
});

test("a call that is cancelled while it waits never runs, and its place is free", async () => {
  const pool = new ToolPool(fixture("pool"), 1);
  const running = call(pool, "double");
  const ends: PoolEnd[] = [];
  const limits = { key: "k", timeoutMs: 5_000, memoryBytes: 134_217_728, maxQueue: 1 };
  const request = () => ({ id: ++last, tool: "double", input: serialize({ n: 1 }), ...limits });
  const cancel = pool.call(request(), (end) => ends.push(end));
  cancel();
  cancel();
  const next = new Promise<PoolEnd>((resolve) => pool.call(request(), resolve));
  expect(await running).toHaveProperty("answer");
  expect(await next).toHaveProperty("answer");
  expect(ends).toEqual([]);
});
