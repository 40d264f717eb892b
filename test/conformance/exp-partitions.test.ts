// Elixir's partition_supervisor_test. We offer no module for it: a partition is a child p0 … pn-1 of
// an ordinary supervisor, and whoever sends picks one by the key.
import { describe, expect, test } from "vitest";
import { supervisor } from "../../src/actor/spec.ts";
import { hash } from "../../src/sim/random.ts";
import { Bench, restart, terminate } from "./harness.ts";
import { told } from "./server-harness.ts";

const N = 8;
const PARTITIONS = Array.from({ length: N }, (_, i) => `p${i}`);
const route = (key: number | string, n = N) =>
  `p${(typeof key === "number" ? Math.abs(key) : hash(key)) % n}`;

async function partitions(): Promise<Bench> {
  const t = new Bench();
  expect(
    await t.sup(
      { intensity: 5 },
      PARTITIONS.map((id) => t.w(id, { state: [] })),
    ),
  ).toBe("ok");
  return t;
}

const whereIs = (t: Bench, key: number | string, n = N) =>
  t.eval(route(key, n), (ctx) => ctx.self.path);

describe("start", () => {
  test("EXP-003 on success with atom name: keys are spread, and all are found again", async () => {
    const t = await partitions();
    const found = new Set<unknown>();
    for (let key = 0; key < 100; key++) {
      const [path, again] = [await whereIs(t, `key ${key}`), await whereIs(t, `key ${key}`)];
      expect(path).toBe(again);
      found.add(path);
    }
    expect(found.size).toBe(N);
  });

  test("EXP-004 on success with via name: partition 0 can be called", async () => {
    const t = await partitions();
    expect(await whereIs(t, 0)).toBe("/s/p0");
    expect(await whereIs(t, -8)).toBe("/s/p0");
  });

  test("EXP-006 raises without name", () => {
    expect(() => supervisor(undefined as never, {}, [])).toThrow(/E_SPEC_ID|is not allowed/);
  });

  test("EXP-007 raises without child_spec", () => {
    expect(() => supervisor("s", {}, undefined as never)).toThrow(/children is not a list/);
    expect(() => supervisor("s", {}, [undefined as never])).toThrow(/is not a child spec/);
  });
});

describe("stop", () => {
  test("EXP-011 is synchronous: all names are free when it is over", async () => {
    const t = await partitions();
    await t.stop();
    expect([t.down("s"), t.alive("s"), t.alive("p0")]).toEqual(["shutdown", false, false]);
    expect(t.world.control.members.size).toBe(0);
  });

  test("EXP-012 with via tuple: as part of a tree", async () => {
    const t = new Bench();
    await t.sup({}, [
      supervisor(
        "parts",
        {},
        PARTITIONS.map((id) => t.w(id)),
      ),
    ]);
    expect(await t.admin(terminate("parts"))).toEqual({ ok: null });
    expect(t.alive("parts/p3")).toBe(false);
    expect(told(await t.ask("parts/p3", "eval", () => 1))).toBe("no_actor");
  });
});

describe("query", () => {
  test("EXP-015 resizes the number of children: upper ones stop and come back, specs stay", async () => {
    const t = await partitions();
    for (let n = N - 1; n > 0; n--) {
      await t.admin(terminate(`p${n}`));
      expect(await t.count()).toBe(`8/${n}/0/8`);
      const found = new Set<unknown>();
      for (let key = 0; key < 30; key++) found.add(await whereIs(t, key, n));
      expect(found.size).toBe(n);
    }
    for (let n = 1; n < N; n++) {
      expect(await t.admin(restart(`p${n}`))).toEqual({ ok: `p${n}` });
      expect(await t.count()).toBe(`8/${n + 1}/0/8`);
    }
    expect(await t.admin(restart("p7"))).toEqual({ error: "running" });
  });

  test("EXP-016 raises on lookup after resizing to zero", async () => {
    const t = await partitions();
    for (const id of PARTITIONS.toReversed()) await t.admin(terminate(id));
    expect(await t.count()).toBe("8/0/0/8");
    expect(await whereIs(t, 0)).toBe("no_actor");
  });

  test("EXP-018 returns all partitions", async () => {
    const t = await partitions();
    expect((await t.views()).map(({ id }) => id).toReversed()).toEqual(PARTITIONS);
  });

  test("EXP-020 with supervisors: counts them as such", async () => {
    const t = new Bench();
    await t.sup(
      {},
      PARTITIONS.map((id) => supervisor(id, {}, [t.w("inner")])),
    );
    expect([await t.count(), await t.count("p3")]).toEqual(["8/8/8/0", "1/1/0/1"]);
  });

  test("EXP-021 raises noproc for unknown partition supervisor", async () => {
    const t = await partitions();
    expect(await t.admin({ op: "count_children" }, "unknown")).toEqual({ error: "no_actor" });
    expect(await t.admin({ op: "which_children" }, "/never")).toEqual({ error: "no_actor" });
  });

  test("EXP-022 count_children with via tuple: by its path", async () => {
    const t = await partitions();
    expect(await t.count("/s")).toBe("8/8/0/8");
  });
});
