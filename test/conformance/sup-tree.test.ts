// Trees of supervisors, names that survive, bystanders, restart loops, scale (tree, misc).
import { describe, expect, test } from "vitest";
import { dynamic, supervisor } from "../../src/actor/spec.ts";
import { Bench, err, make, NORMAL, races, restart, start, terminate, which } from "./harness.ts";

test("SUP-056 only static children come back with a restarted sub-supervisor", async () => {
  const t = new Bench();
  const one = supervisor("one", { period: "1h" }, [t.w("c1"), t.w("c2")]);
  const two = supervisor("two", { period: "1h" }, []);
  const three = supervisor("three", { restart: "transient" }, [t.w("c5")]);
  await t.sup({ strategy: "one_for_all", intensity: 4, period: "1h" }, [one, two, three]);
  await t.admin(start(t.w("c3")), "two");
  await t.admin(start(t.w("c4")), "two");
  await t.admin(terminate("three"));
  expect(await t.count()).toBe("3/2/3/0");
  expect(await t.count("two")).toBe("2/2/0/2");

  await t.die("one/c1");
  expect(["one/c1", "one/c2", "two/c3", "two/c4"].map(t.n)).toEqual([2, 1, 1, 1]);
  expect(await t.count()).toBe("3/2/3/0");

  await t.die("two/c4");
  expect(["one/c1", "one/c2", "two/c3", "two/c4"].map(t.n)).toEqual([2, 1, 1, 2]);
  await t.die("two/c4");
  expect(t.downs("two")).toEqual(["shutdown"]);
  expect(t.downs("one")).toEqual(["shutdown"]);
  expect(await t.count()).toBe("3/3/3/0");
  expect(await t.kids("one")).toEqual(["c2:up", "c1:up"]);
  expect(await t.kids("two")).toEqual([]);
  expect(await t.kids("three")).toEqual(["c5:up"]);
  expect(["one/c1", "one/c2", "two/c3", "two/c4", "three/c5"].map(t.n)).toEqual([3, 2, 1, 2, 2]);
});

test("SUP-072 two thousand supervisors are counted", async () => {
  const t = new Bench();
  await t.dyn({}, supervisor("template", {}, []));
  const posted = Array.from({ length: 2_000 }, () => t.post(make()));
  await t.settle();
  expect(posted.every(({ result }) => result !== null && "ok" in result)).toBe(true);
  expect(await t.count()).toBe("1/2000/2000/0");
});

describe("temporary children", () => {
  const ends = { kill: "c1", normal: "c1", crash: "c1", terminate: "c1" };
  const end = (t: Bench, how: string) => {
    if (how === "kill") return t.kill("c1");
    if (how === "terminate") return t.admin(terminate("c1"));
    return t.die("c1", how === "normal" ? NORMAL : err());
  };
  /** What start_child of the same spec answers afterwards (SEMANTICS 5 and 12). */
  const AFTER: Record<string, Record<string, string>> = {
    permanent: {
      kill: "already_started",
      normal: "already_started",
      crash: "already_started",
      terminate: "already_present",
    },
    transient: {
      kill: "already_started",
      normal: "already_present",
      crash: "already_started",
      terminate: "already_present",
    },
    temporary: { kill: "ok", normal: "ok", crash: "ok", terminate: "ok" },
  };

  for (const strategy of ["one_for_one", "one_for_all", "rest_for_one"] as const) {
    test(`SUP-076 specs of temporary children vanish, others stay (${strategy})`, async () => {
      for (const [type, byEnd] of Object.entries(AFTER)) {
        for (const how of Object.keys(ends)) {
          const t = new Bench();
          const spec = t.w("c1", { restart: type as "temporary" });
          await t.sup({ strategy }, []);
          expect(await t.admin(start(spec))).toEqual({ ok: "c1" });
          await end(t, how);
          if (type === "temporary") {
            expect(await t.kids()).toEqual([]);
            expect(await t.admin(restart("c1"))).toEqual({ error: "not_found" });
          }
          const answer = await t.admin(start(spec));
          expect("ok" in answer ? "ok" : answer.error, `${type} ${how}`).toBe(byEnd[how]);
        }
      }
    });

    if (strategy === "one_for_one") continue;
    test(`SUP-078 a temporary bystander is removed, not restarted (${strategy})`, async () => {
      const t = new Bench();
      await t.sup({ strategy }, [t.w("c1"), t.w("c2", { restart: "temporary" })]);
      await t.kill("c1");
      expect(await t.kids()).toEqual(["c1:up"]);
      expect([t.n("c1"), t.n("c2")]).toEqual([2, 1]);
      expect(t.alive()).toBe(true);
    });
  }
});

/** Virtual node, real time: how long it takes to end `count` children one by one. @unit ms */
async function timeToEnd(count: number): Promise<number> {
  const t = new Bench();
  await t.dyn({}, { restart: "temporary" });
  for (let i = 0; i < count; i++) t.post(make());
  await t.settle();
  expect(await t.count()).toBe(`1/${count}/0/${count}`);
  const begin = performance.now();
  for (let i = 1; i <= count; i++) t.post(terminate(`#${i}`));
  await t.settle();
  const took = performance.now() - begin;
  expect(await t.count()).toBe("1/0/0/0");
  return took;
}

test("SUP-077 ending 10,000 dynamic children takes about ten times as long as 1,000", async () => {
  await timeToEnd(100);
  const small = await timeToEnd(1_000);
  const large = await timeToEnd(10_000);
  expect(large / small).toBeLessThan(50);
});

test("SUP-079 children and supervisors come back under the same name", async () => {
  await races(100, async (t) => {
    const below = supervisor("below", { intensity: 9 }, [t.w("c1"), t.w("c2")]);
    await t.sup({ intensity: 9 }, [below]);
    const alive = async () => [
      await t.eval("below/c1", () => 1),
      await t.eval("below/c2", () => 2),
    ];
    await t.kill("below/c1");
    expect(await alive()).toEqual([1, 2]);
    await t.die("below/c2");
    expect(await alive()).toEqual([1, 2]);
    await t.admin(terminate("c1"), "below");
    expect(t.alive("below/c1")).toBe(false);
    await t.admin(restart("c1"), "below");
    expect(await alive()).toEqual([1, 2]);
    await t.kill("below");
    expect(await alive()).toEqual([1, 2]);
    expect([t.n("below/c1"), t.n("below/c2")]).toEqual([4, 3]);
    await t.kill("s");
    expect(t.down("s")).toBe("killed by operator");
    const names = ["s", "below", "below/c1", "below/c2"];
    expect(names.map(t.alive)).toEqual([false, false, false, false]);
  });
});

test("SUP-079 a killed supervisor takes its subtree along, unheard, before its end is told", async () => {
  await races(100, async (t) => {
    const inner = supervisor("inner", {}, [t.w("c1", { trap: true, stop: "stuck" })]);
    const c2 = t.w("c2", { trap: true, shutdown: "infinity", stop: "stuck" });
    await t.sup({}, [supervisor("below", { restart: "temporary" }, [inner, c2])]);
    await t.kill("below");
    expect(t.down("below")).toBe("killed by operator");
    const ends = t.log.filter((each) => !each.startsWith("start"));
    expect(ends.toSorted()).toEqual([
      "exit below killed by operator",
      "exit below/c2 killed by supervisor",
      "exit below/inner killed by supervisor",
      "exit below/inner/c1 killed by supervisor",
    ]);
    expect(ends.at(-1)).toBe("exit below killed by operator");
    expect(await t.kids()).toEqual([]);
  });
});

test("SUP-079 a killed supervisor waits also for a child that was just starting", async () => {
  await races(100, async (t, seed) => {
    await t.sup({ intensity: 9 }, [supervisor("below", { restart: "temporary" }, [])]);
    const starting = t.post(start(t.w("c1", { trap: true, stop: "stuck" })), "below");
    await t.steps(seed % 12);
    await t.kill("below");
    expect(starting.result).not.toBe(null);
    expect([t.alive("below/c1"), t.alive("below")]).toEqual([false, false]);
    expect(t.log.at(-1)).toBe("exit below killed by operator");
  });
});

test("SUP-079 a kill or stop meant for an earlier incarnation does nothing", async () => {
  const t = new Bench();
  await t.sup({ intensity: 9 }, [t.w("c1"), supervisor("b", {}, [t.w("c2")])]);
  const old = await t.views();
  await t.kill("c1");
  await t.kill("b");
  for (const { id, life } of old) {
    const to = t.path(id);
    await t.send({ kind: "kill", to, life, by: "supervisor" });
    await t.send({ kind: "shutdown", to, life, reason: { tag: "shutdown" } });
  }
  expect([t.n("c1"), t.n("b/c2"), t.downs("b").length]).toEqual([2, 2, 1]);
  expect(await t.kids()).toEqual(["b:up", "c1:up"]);
});

test("SUP-093 a dynamic child is looked up by its id", async () => {
  const t = new Bench();
  await t.dyn({}, {});
  await t.admin(make());
  await t.admin(make(null, "mine"));
  const [mine, first] = await t.views();
  expect(await t.admin(which("#1"))).toEqual({ ok: first });
  expect(await t.admin(which("mine"))).toEqual({ ok: mine });
  expect(first).toMatchObject({ id: "#1", status: "up", kind: "actor", starts: 1 });
  expect(await t.admin(which("x"))).toEqual({ error: "not_found" });
  expect(await t.admin(which("#2"))).toEqual({ error: "not_found" });
});

test("SUP-093 so is a dynamic supervisor among static children", async () => {
  const t = new Bench();
  await t.sup({}, [dynamic("pool", {}, t.behaviour({}))]);
  expect(await t.admin(which("pool"))).toMatchObject({ ok: { kind: "supervisor", status: "up" } });
});
