// Probes of OTP that its suites leave open: the window, groups, the order of queued exits, starts.
import { describe, expect, test } from "vitest";
import {
  Bench,
  err,
  NORMAL,
  races,
  remove,
  restart,
  start,
  terminate,
  type WorkerOptions,
} from "./harness.ts";

/** Crashes at these times. @returns whether the supervisor lives */
async function crashesAt(times: number[], windowUnit: "ms" | "seconds", period = 1_000) {
  const t = new Bench({ windowUnit });
  await t.sup({ intensity: 1, period }, [t.w("c1")]);
  for (const ms of times) {
    await t.advance(ms - t.now);
    await t.die("c1");
  }
  return t.alive();
}

describe("the window", () => {
  test("PRB-001 in whole seconds the phase of the clock decides, as in OTP", async () => {
    expect(await crashesAt([50, 1_900], "seconds")).toBe(false);
    expect(await crashesAt([900, 2_100], "seconds")).toBe(true);
    // Less than the period apart: always one window. More than a second over it: never.
    for (let phase = 0; phase < 1_000; phase += 125) {
      expect(await crashesAt([phase, phase + 999], "seconds")).toBe(false);
      expect(await crashesAt([phase, phase + 2_000], "seconds")).toBe(true);
    }
  });

  test("PRB-001 in milliseconds, the default, only the distance does", async () => {
    for (const phase of [0, 50, 900, 999]) {
      expect(await crashesAt([phase, phase + 1_000], "ms")).toBe(false);
      expect(await crashesAt([phase, phase + 1_001], "ms")).toBe(true);
    }
    expect(await crashesAt([0, 5_000], "ms", 5_000)).toBe(false);
    expect(await crashesAt([0, 5_001, 10_002, 15_003], "ms", 5_000)).toBe(true);
  });
});

/** Kills these while the supervisor is suspended, so that it finds their exits in this order. */
async function killTogether(t: Bench, ids: string[]) {
  await t.suspend();
  for (const id of ids) await t.kill(id);
  await t.resume();
}

const abc = (t: Bench, options: WorkerOptions = {}) =>
  ["a", "b", "c"].map((id) => t.w(id, options));

test("PRB-004 simultaneous deaths count once under one_for_all", async () => {
  const t = new Bench();
  await t.sup({ strategy: "one_for_all", intensity: 1 }, abc(t));
  await killTogether(t, ["b", "c", "a"]);
  expect(["a", "b", "c"].map(t.n)).toEqual([2, 2, 2]);
  expect(t.alive()).toBe(true);
});

test("PRB-004 a temporary one among the dead is gone, its exit does no harm", async () => {
  const t = new Bench();
  const temporary = t.w("t", { restart: "temporary" });
  await t.sup({ strategy: "one_for_all", intensity: 1 }, [...abc(t), temporary]);
  await killTogether(t, ["a", "t", "c"]);
  expect(["a", "b", "c", "t"].map(t.n)).toEqual([2, 2, 2, 1]);
  expect(await t.kids()).toEqual(["c:up", "b:up", "a:up"]);
});

test("PRB-004 once each under one_for_one", async () => {
  for (const intensity of [2, 3]) {
    const t = new Bench();
    await t.sup({ intensity }, abc(t));
    await killTogether(t, ["a", "b", "c"]);
    expect(t.alive()).toBe(intensity === 3);
  }
});

test("PRB-004 simultaneous deaths need no suspension: threads race, one restart at least", async () => {
  await races(100, async (t) => {
    await t.sup({ strategy: "one_for_all", intensity: 3 }, abc(t));
    for (const id of ["a", "b", "c"]) {
      t.world.send({ kind: "kill", to: t.path(id), life: 0, by: "operator" });
    }
    await t.settle();
    const starts = ["a", "b", "c"].map(t.n);
    // A kill sent to a path may find its next incarnation: one group restart for each at most.
    expect(new Set(starts).size).toBe(1);
    expect(starts[0]).toBeGreaterThanOrEqual(2);
    expect(starts[0]).toBeLessThanOrEqual(4);
    expect(await t.kids()).toEqual(["c:up", "b:up", "a:up"]);
  });
});

test("PRB-006 under rest_for_one the order of queued exits matters", async () => {
  for (const [order, starts] of [
    [
      ["a", "b"],
      [2, 2, 2],
    ],
    [
      ["b", "a"],
      [2, 3, 3],
    ],
  ] as [string[], number[]][]) {
    const t = new Bench();
    await t.sup({ strategy: "rest_for_one", intensity: 2 }, abc(t));
    await killTogether(t, order);
    expect(["a", "b", "c"].map(t.n)).toEqual(starts);
    expect(await t.kids()).toEqual(["c:up", "b:up", "a:up"]);
  }
});

test("PRB-007 restarts by hand are free", async () => {
  const t = new Bench();
  await t.sup({ intensity: 1, period: "1d" }, [t.w("c1")]);
  for (let i = 0; i < 10; i++) {
    expect(await t.admin(terminate("c1"))).toEqual({ ok: null });
    expect(await t.admin(restart("c1"))).toEqual({ ok: "c1" });
  }
  expect(t.n("c1")).toBe(11);
  await t.die("c1");
  expect(t.alive()).toBe(true);
  await t.die("c1");
  expect(t.alive()).toBe(false);
});

describe("groups", () => {
  const mixed = async (strategy: "one_for_all" | "rest_for_one") => {
    const t = new Bench();
    await t.sup({ strategy }, [
      t.w("a"),
      t.w("b"),
      t.w("c"),
      t.w("d", { restart: "transient" }),
      t.w("e", { restart: "temporary" }),
      t.w("f", { script: ["ignore"] }),
    ]);
    await t.admin(terminate("a"));
    await t.admin(terminate("c"));
    await t.die("d", NORMAL);
    expect((await t.kids()).toReversed()).toEqual([
      "a:undefined",
      "b:up",
      "c:undefined",
      "d:undefined",
      "e:up",
      "f:undefined",
    ]);
    await t.die("b");
    return t;
  };

  test("PRB-008 one_for_all revives what had been stopped, drops what is temporary", async () => {
    const t = await mixed("one_for_all");
    expect(await t.kids()).toEqual(["f:up", "d:up", "c:up", "b:up", "a:up"]);
    expect(["a", "b", "c", "d", "e", "f"].map(t.n)).toEqual([2, 2, 2, 2, 1, 2]);
  });

  test("PRB-009 rest_for_one leaves earlier ones stopped", async () => {
    const t = await mixed("rest_for_one");
    expect(await t.kids()).toEqual(["f:up", "d:up", "c:up", "b:up", "a:undefined"]);
    expect(["a", "b", "c", "d", "e", "f"].map(t.n)).toEqual([1, 2, 2, 2, 1, 2]);
  });

  test("PRB-012 a group stop waits for each shutdown time, then kills", async () => {
    const t = new Bench();
    const hung = t.w("c2", { trap: true, stop: "stuck", shutdown: 500 });
    await t.sup({ strategy: "one_for_all" }, [t.w("c1"), hung, t.w("c3")]);
    await t.die("c1");
    expect([t.n("c1"), t.n("c2"), t.n("c3")]).toEqual([1, 1, 1]);
    expect(t.down("c3")).toBe("shutdown");
    await t.advance(499);
    expect(t.down("c2")).toBe(null);
    await t.advance(1);
    expect(t.down("c2")).toBe("killed by supervisor");
    expect([t.n("c1"), t.n("c2"), t.n("c3")]).toEqual([2, 2, 2]);
  });

  test("PRB-013 deleting and starting again moves a child to the end", async () => {
    const t = new Bench();
    const [a, b, c] = abc(t) as [ReturnType<Bench["w"]>, ReturnType<Bench["w"]>, never];
    await t.sup({ strategy: "one_for_all" }, [a, b, c]);
    await t.admin(terminate("a"));
    await t.admin(remove("a"));
    await t.admin(start(a));
    expect(await t.kids()).toEqual(["a:up", "c:up", "b:up"]);
    t.log.length = 0;
    await t.die("c");
    const did = t.log.map((each) => each.split(" ").slice(0, 2).join(" "));
    expect(did).toEqual([
      "terminate c",
      "exit c",
      "exit a",
      "exit b",
      ...["start b", "start c", "start a"],
    ]);
  });
});

describe("ignoring", () => {
  test("PRB-015 ignoring keeps the spec of a permanent child, restartChild starts it", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("a", { script: ["ignore", "ignore", err(), "ok"] }), t.w("b")]);
    expect(await t.kids()).toEqual(["b:up", "a:undefined"]);
    expect(await t.admin(restart("a"))).toEqual({ ok: null });
    expect(await t.admin(restart("a"))).toEqual({ error: "start_failed", reason: err() });
    expect(await t.kids()).toEqual(["b:up", "a:undefined"]);
    expect(await t.admin(restart("a"))).toEqual({ ok: "a" });
    expect(await t.kids()).toEqual(["b:up", "a:up"]);
  });

  test("PRB-016 a restart that ignores leaves the child stopped, without error", async () => {
    for (const type of ["permanent", "transient"] as const) {
      const t = new Bench();
      await t.sup({ intensity: 1 }, [t.w("a", { script: ["ok", "ignore"], restart: type })]);
      await t.kill("a");
      expect(await t.kids()).toEqual(["a:undefined"]);
      expect(t.n("a")).toBe(2);
      expect(t.alive()).toBe(true);
      expect(t.of("start_error")).toEqual([]);
    }
  });
});
