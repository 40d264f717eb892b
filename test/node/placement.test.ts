// Placement on real threads: who shares one, and what the loss of a thread takes along.
import { dynamicRef, ref, type System, start } from "coppice";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Counter } from "./fixtures/places.ts";

let system: System;
let ends: string[] = [];
const url = new URL("./fixtures/places.ts", import.meta.url);
const at = (path: string) => ref(`/places/${path}`, Counter);
const where = (path: string) => system.ask(at(path), "where", {});
const count = (path: string) => system.ask(at(path), "count", {}, { timeout: "20s" });

beforeEach(async () => {
  ends = [];
  system = await start(url, {
    threads: 2,
    inspect: false,
    log: "error",
    onEvent: (event) => void (event.type === "exited" && ends.push(event.reason.tag)),
  });
});
afterEach(() => system.stop());

async function startPool(size: number): Promise<string[]> {
  const pool = dynamicRef("/places/pool", Counter);
  const ids = Array.from({ length: size }, (_, i) => `c${i}`);
  for (const id of ids) await system.start(pool, { id, args: undefined });
  return ids.map((id) => `pool/${id}`);
}

const threadNumber = async (path: string) =>
  (await system.inspect.tree()).processes.find((each) => each.path === `/places/${path}`)?.thread ??
  -1;

describe("with-parent", () => {
  test("siblings share a thread, and a dynamic supervisor is on it", async () => {
    const paths = await startPool(12);
    expect(new Set(await Promise.all(paths.map(where))).size).toBe(1);
    expect(await threadNumber("pool")).toBe(await threadNumber("pool/c0"));
    expect(await where("pair/a")).toBe(await where("pair/b"));
    expect(await threadNumber("pair")).toBe(0);
  });

  test("durable children come back with their supervisor each time their thread is lost", async () => {
    const paths = await startPool(5);
    const ids = paths.map((path) => ({ id: path.slice("pool/".length) }));
    for (let round = 1; round <= 3; round++) {
      for (const path of paths) system.tell(at(path), "add", {});
      expect(await Promise.all(paths.map(count))).toEqual(paths.map(() => round));
      // Later lives: the numbers of those on the next thread must be higher still.
      for (const { id } of ids) await system.admin("/places/pool", { op: "renew_child", id });
      await system.crashThread(await threadNumber("pool"));
      await expect.poll(() => count("pool/c0").catch(() => -1)).toBe(round);
    }
    expect(ends).not.toContain("fenced");
  });
});

describe("own-thread", () => {
  test("a tenant has a thread that nobody else uses", async () => {
    await startPool(8);
    const own = await where("tenant/x");
    expect(await where("tenant/y")).toBe(own);
    const others = ["other", "pair/a", ...Array.from({ length: 8 }, (_, i) => `pool/c${i}`)];
    for (const path of others) expect(await where(path)).not.toBe(own);
  });

  test("its heap overflows alone: the tenant comes back, the others notice nothing", async () => {
    for (const path of ["tenant/y", "other"]) system.tell(at(path), "add", {});
    expect(await count("tenant/y")).toBe(1);
    const before = await where("tenant/x");
    system.tell(at("tenant/x"), "fill", {});
    await expect.poll(() => where("tenant/x").catch(() => before)).not.toBe(before);
    expect(await count("tenant/y")).toBe(1);
    expect(await count("other")).toBe(1);
  });
});
