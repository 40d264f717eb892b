// Ends of children: normal, shutdown, crash; the strategies and their escalation.
import { describe, expect, test } from "vitest";
import { supervisor } from "../../src/actor/spec.ts";
import {
  Bench,
  err,
  make,
  NORMAL,
  type Outcome,
  races,
  restart,
  shut,
  sleep,
  start,
  terminate,
} from "./harness.ts";

/** Starts once, then never again. */
const once: Outcome[] = ["ok", ...Array(20).fill(err("again"))];

test("SUP-029 starts by hand are told apart from automatic ones", async () => {
  const t = new Bench();
  await t.sup({ intensity: 3 }, [t.w("c1")]);
  await t.admin(start(t.w("c2")));
  await t.die("c2");
  await t.admin(terminate("c1"));
  await t.admin(restart("c1"));
  const causes = t.of("child_started").map(({ path, cause }) => `${path} ${cause}`);
  expect(causes).toEqual(["/s/c1 init", "/s/c2 call", "/s/c2 restart", "/s/c1 call"]);
});

test("SUP-032 a temporary child and its spec are gone after a normal exit", async () => {
  const t = new Bench();
  await t.sup({}, [t.w("c1", { restart: "temporary" })]);
  await t.die("c1", NORMAL);
  expect(await t.kids()).toEqual([]);
  expect(await t.count()).toBe("0/0/0/0");
  expect(t.of("child_terminated")).toEqual([]);
});

test("SUP-035 a temporary child is gone after shutdown and can be started again", async () => {
  const t = new Bench();
  await t.sup({}, []);
  const spec = t.w("c1", { restart: "temporary" });
  for (const reason of [shut(), shut("details")]) {
    expect(await t.admin(start(spec))).toEqual({ ok: "c1" });
    await t.die("c1", reason);
    expect(await t.kids()).toEqual([]);
    expect(await t.count()).toBe("0/0/0/0");
  }
  expect(await t.admin(start(spec))).toEqual({ ok: "c1" });
});

test("SUP-036 a failing start is told up to the root, the innermost cause kept", async () => {
  const t = new Bench();
  const thrown = new TypeError("no such model");
  const inner = supervisor("inner", {}, [t.w("c0"), t.w("c1", { script: [{ throw: thrown }] })]);
  await t.sup({}, [t.w("a"), inner, t.w("b")]);
  const cause = {
    tag: "error",
    name: "TypeError",
    message: "no such model",
    stack: expect.stringContaining("sup-restart.test.ts"),
  };
  const nested = { tag: "shutdown", detail: { failedToStart: "c1", reason: cause } };
  expect(t.reason("inner")).toEqual(nested);
  expect(t.reason("s")).toEqual({
    tag: "shutdown",
    detail: { failedToStart: "inner", reason: nested },
  });
  expect(t.log).toEqual([
    "start a",
    "start inner/c0",
    "start inner/c1 fails",
    "exit inner/c1 error TypeError: no such model",
    "exit inner/c0 shutdown",
    expect.stringContaining("exit inner shutdown"),
    "exit a shutdown",
    expect.stringContaining("exit s shutdown"),
  ]);
  expect(t.world.rootSignals).toHaveLength(1);
  expect(t.alive("s")).toBe(false);
});

test("SUP-036 those before a failing start stop in reverse, those after it never start", async () => {
  const t = new Bench();
  const failing = t.w("d", { script: [err()] });
  const stays = t.w("b", { script: ["ignore"] });
  await t.sup({}, [t.w("a"), stays, t.w("c", { trap: true, stop: 50 }), failing, t.w("e")]);
  await t.advance(50);
  expect(t.log).toEqual([
    "start a",
    "start b ignore",
    "exit b normal",
    "start c",
    "start d fails",
    "exit d error Test: boom",
    "terminate c shutdown",
    "exit c shutdown",
    "exit a shutdown",
    expect.stringMatching(/^exit s shutdown .*"failedToStart":"d"/),
  ]);
});

async function comesBack(restart: "permanent" | "transient") {
  const t = new Bench();
  await t.sup({}, [t.w("c1", { restart })]);
  await t.die("c1");
  expect(t.n("c1")).toBe(2);
  expect(await t.kids()).toEqual(["c1:up"]);
  expect(t.of("child_terminated")).toMatchObject([{ path: "/s/c1", reason: err() }]);
}

test("SUP-037 a permanent child is restarted after a crash", () => comesBack("permanent"));
test("SUP-038 a transient child is restarted after a crash", () => comesBack("transient"));

describe("strategies", () => {
  const two = async (strategy: "one_for_one" | "one_for_all") => {
    const t = new Bench();
    await t.sup({ strategy, intensity: 2, period: "1h" }, [t.w("c1"), t.w("c2")]);
    return t;
  };

  test("SUP-041 one_for_one restarts only the child that crashed", async () => {
    const t = await two("one_for_one");
    const [c2] = await t.views();
    await t.die("c1");
    expect((await t.views())[0]).toEqual(c2);
    expect([t.n("c1"), t.n("c2")]).toEqual([2, 1]);
    await t.die("c2");
    expect([t.n("c1"), t.n("c2")]).toEqual([2, 2]);
    await t.die("c1");
    expect(t.down("s")).toBe("shutdown");
    expect(t.down("c2")).toBe("shutdown");
    expect(t.of("restart_intensity")).toMatchObject([{ child: "c1", intensity: 2 }]);
  });

  test("SUP-042 a child that cannot restart takes one_for_one down", async () => {
    const t = new Bench();
    await t.sup({ intensity: 4, period: "1h" }, [t.w("c1", { script: once }), t.w("c2")]);
    await t.die("c1");
    expect(t.n("c1")).toBe(1 + 4);
    expect(t.down("c2")).toBe("shutdown");
    expect(t.down("s")).toBe("shutdown");
    expect(t.now).toBe(0);
  });

  test("SUP-043 one_for_all replaces all children and counts once", async () => {
    const t = await two("one_for_all");
    const before = await t.views();
    await t.die("c1");
    const after = await t.views();
    expect(after.map((each) => each.starts)).toEqual([2, 2]);
    expect(after.map((each) => before.some(({ life }) => life === each.life))).toEqual([
      false,
      false,
    ]);
    await t.die("c2");
    expect([t.n("c1"), t.n("c2")]).toEqual([3, 3]);
    await t.die("c1");
    expect([t.n("c1"), t.n("c2")]).toEqual([3, 3]);
    expect(t.down("s")).toBe("shutdown");
  });

  test("SUP-044 a sibling that cannot restart takes one_for_all down", async () => {
    const t = new Bench();
    const specs = [t.w("c1"), t.w("c2", { script: once }), t.w("c3")];
    await t.sup({ strategy: "one_for_all", intensity: 4, period: "1h" }, specs);
    await t.die("c1");
    expect([t.n("c1"), t.n("c2"), t.n("c3")]).toEqual([1 + 4, 1 + 4, 1]);
    expect([t.down("c1"), t.down("c3")]).toEqual(["shutdown", "shutdown"]);
    expect(t.down("s")).toBe("shutdown");
  });

  test("SUP-053 a later child that cannot restart takes rest_for_one down", async () => {
    const t = new Bench();
    const specs = [t.w("c1"), t.w("c2"), t.w("c3", { script: once })];
    await t.sup({ strategy: "rest_for_one", intensity: 4, period: "1h" }, specs);
    await t.die("c2");
    expect([t.n("c1"), t.n("c2"), t.n("c3")]).toEqual([1, 2, 1 + 4]);
    expect(t.down("c2")).toBe("shutdown");
    expect(t.down("s")).toBe("shutdown");
  });

  test("SUP-054 rest_for_one goes on at the child whose restart failed", async () => {
    const t = new Bench();
    const specs = [t.w("c1"), t.w("c2", { script: ["ok", err("once")] }), t.w("c3")];
    await t.sup({ strategy: "rest_for_one", intensity: 3 }, specs);
    t.log.length = 0;
    await t.kill("c1");
    expect(t.log.filter((each) => each.startsWith("start"))).toEqual([
      "start c1",
      "start c2 fails",
      "start c2",
      "start c3",
    ]);
    expect([t.n("c1"), t.n("c2"), t.n("c3")]).toEqual([2, 3, 2]);
    expect(await t.kids()).toEqual(["c3:up", "c2:up", "c1:up"]);
  });
});

describe("dynamic", () => {
  test("SUP-047 dynamic children stop at the same time, under one timer", async () => {
    const t = new Bench();
    const stop = (ctx: Parameters<typeof sleep>[0], ms: unknown) => sleep(ctx, ms as number);
    await t.dyn({}, { trap: true, shutdown: "2s", stop });
    for (const ms of [1_000, 1_000, 5_000]) await t.admin(make(ms));
    await t.stop();
    await t.advance(10_000);
    const ends = t.of("exited").map(({ path, atMs, reason }) => [path, atMs, reason.tag]);
    expect(ends.toSorted()).toEqual([
      ["/s", 2_000, "shutdown"],
      ["/s/#1", 1_000, "shutdown"],
      ["/s/#2", 1_000, "shutdown"],
      ["/s/#3", 2_000, "killed"],
    ]);
  });

  test("SUP-049 a dynamic child that cannot restart takes all down", async () => {
    const t = new Bench();
    await t.dyn(
      { intensity: 4 },
      { script: (n, args) => (args === "bad" && n > 1 ? err() : "ok") },
    );
    await t.admin(make("bad", "c1"));
    await t.admin(make("good", "c2"));
    await t.die("c1");
    expect(t.n("c1")).toBe(1 + 4);
    expect(t.down("c2")).toBe("shutdown");
    expect(t.down("s")).toBe("shutdown");
  });

  test("SUP-051 a dynamic child that ignores its restart is dropped", async () => {
    for (const restart of ["permanent", "transient"] as const) {
      const t = new Bench();
      await t.dyn({ intensity: 9 }, { restart, script: ["ok", "ok", "ok", "ignore"] });
      await t.admin(make());
      for (let starts = 2; starts <= 3; starts++) {
        await t.kill("#1");
        expect(await t.kids()).toEqual(["#1:up"]);
        expect(t.n("#1")).toBe(starts);
      }
      await t.kill("#1");
      expect(await t.kids()).toEqual([]);
      expect(await t.count()).toBe("1/0/0/0");
      expect(t.alive()).toBe(true);
    }
  });
});

test("SUP-041 which child is restarted does not depend on how messages race", async () => {
  await races(100, async (t, seed) => {
    await t.sup({ intensity: 2 }, [t.w("c1"), t.w("c2"), t.w("c3")]);
    const ids = seed % 2 ? ["c1", "c3"] : ["c3", "c1"];
    for (const id of ids) {
      t.world.send({ kind: "kill", to: t.path(id), life: 0, by: "operator" });
    }
    await t.settle();
    expect([t.n("c1"), t.n("c2"), t.n("c3")]).toEqual([2, 1, 2]);
    expect(await t.kids()).toEqual(["c3:up", "c2:up", "c1:up"]);
  });
});
