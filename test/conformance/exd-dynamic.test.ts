// Elixir's dynamic_supervisor_test: starting, limits, restarting, terminating dynamic children.
import { describe, expect, test } from "vitest";
import { child, dynamic, supervisor } from "../../src/actor/spec.ts";
import {
  Bench,
  err,
  make,
  NORMAL,
  type Outcome,
  type Run,
  races,
  shut,
  sleep,
  start,
  terminate,
  type WorkerOptions,
} from "./harness.ts";

test("EXD-001 a dynamic supervisor can be a child", async () => {
  const t = new Bench();
  await t.sup({}, [dynamic("dyn", {}, t.behaviour({}))]);
  expect(await t.kids("dyn")).toEqual([]);
  expect(await t.kids()).toEqual(["dyn:up"]);
});

test("EXD-002 dynamic supervisors are told apart by id; a second one of an id collides", async () => {
  const t = new Bench();
  const of = t.behaviour({});
  await t.sup({}, [dynamic("one", {}, of), dynamic("two", {}, of)]);
  expect(await t.kids()).toEqual(["two:up", "one:up"]);
  expect(await t.admin(start(dynamic("one", {}, of)))).toEqual({ error: "already_started" });
  expect(() => supervisor("s", {}, [dynamic("one", {}, of), dynamic("one", {}, of)])).toThrow(
    /two children are called "one"/,
  );
});

test("EXD-006 a dynamic supervisor holds its path from start until its death is told", async () => {
  await races(100, async (t) => {
    await t.sup({}, [dynamic("dyn", {}, t.behaviour({ trap: true }))]);
    for (let i = 0; i < 3; i++) await t.admin(make(), "dyn");
    expect(t.alive("dyn")).toBe(true);
    expect(await t.admin(terminate("dyn"))).toEqual({ ok: null });
    expect(["dyn", "dyn/#1", "dyn/#2", "dyn/#3"].map(t.alive)).toEqual(Array(4).fill(false));
    expect(t.log.at(-1)).toBe("exit dyn shutdown");
  });
});

test("EXD-012 a child is started from args", async () => {
  const t = new Bench();
  await t.dyn({});
  expect(await t.admin(make({ some: "args" }))).toEqual({ ok: "#1" });
  expect(await t.state("#1")).toEqual({ some: "args" });
});

test("EXD-013 a child may bring its own id", async () => {
  const t = new Bench();
  await t.dyn({});
  expect(await t.admin(make(1, "mine"))).toEqual({ ok: "mine" });
  expect(await t.admin(make(2))).toEqual({ ok: "#1" });
  expect(await t.admin(make(3, "mine"))).toEqual({ error: "already_started" });
  expect(await t.state("mine")).toBe(1);
  expect(await t.count()).toBe("1/2/0/2");
});

test("EXD-013 an id like those handed out is not handed out again", async () => {
  const t = new Bench();
  await t.dyn({});
  for (const id of ["#2", "#3"]) expect(await t.admin(make(id, id))).toEqual({ ok: id });
  for (const id of ["#1", "#4", "#5"]) expect(await t.admin(make(id))).toEqual({ ok: id });
  for (const id of ["#1", "#2", "#3", "#4", "#5"]) expect(await t.state(id)).toBe(id);
  expect(await t.count()).toBe("1/5/0/5");
});

test("EXD-015 the supervisor refuses an id that is no part of a path, whoever sends it", async () => {
  const t = new Bench();
  await t.dyn({});
  for (const id of ["", "a/b", "a b", "/x", 5]) {
    expect(await t.admin(make(1, id as string))).toMatchObject({ error: "bad_spec" });
  }
  expect(await t.kids()).toEqual([]);
});

test("EXD-015 an invalid start is refused in the caller, supervisor or not", async () => {
  const t = new Bench();
  await t.sup({}, [t.w("c1")]);
  const from = (id: string) =>
    t.eval("c1", async (ctx) => {
      try {
        await ctx.start({ path: "/nowhere", dynamic: "worker" }, { id, args: undefined });
        return "ok";
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
  for (const id of ["", "a b", "a/b", "/x"]) expect(await from(id)).toBe("E_SPEC_ID");
  expect(await from("good")).toBe("no_actor");
  const options = { args: undefined, shutdown: "x" as "1s" };
  expect(() => child("c2", t.behaviour({}), options)).toThrow(/"x" is not a duration/);
});

test("EXD-016 a start may succeed, ignore, or fail with any reason", async () => {
  const t = new Bench();
  const script = (_n: number, args: unknown) => args as Outcome;
  await t.dyn({}, { script });
  expect(await t.admin(make("ok"))).toEqual({ ok: "#1" });
  expect(await t.admin(make("ignore"))).toEqual({ ok: null });
  expect(await t.admin(make(err("found")))).toEqual({
    error: "start_failed",
    reason: err("found"),
  });
  expect(await t.admin(make({ throw: undefined }))).toEqual({
    error: "start_failed",
    reason: { tag: "error", name: "Thrown", message: "undefined" },
  });
  expect(await t.kids()).toEqual(["#1:up"]);
});

test("EXD-017 a start that throws, errs or exits leaves the supervisor alive", async () => {
  const t = new Bench();
  await t.dyn(
    {},
    { init: (ctx, _s) => (ctx.self.path.endsWith("exit") ? ctx.exit(shut("x")) : 0) },
  );
  expect(await t.admin(make(null, "exit"))).toEqual({ error: "start_failed", reason: shut("x") });
  const [value, error] = ["a value", new RangeError("too far")];
  const bad = dynamic("d", {}, t.behaviour({ script: (_n, args) => args as Outcome }));
  const u = new Bench();
  await u.start(bad);
  expect(await u.admin(make({ throw: value }), "/d")).toEqual({
    error: "start_failed",
    reason: { tag: "error", name: "Thrown", message: "a value" },
  });
  expect(await u.admin(make({ throw: error }), "/d")).toMatchObject({
    error: "start_failed",
    reason: { name: "RangeError", message: "too far", stack: expect.any(String) },
  });
  expect([t.alive(), u.alive("/d")]).toEqual([true, true]);
  expect(await u.kids("/d")).toEqual([]);
});

describe("limits", () => {
  test("EXD-018 maxChildren 0 refuses all", async () => {
    const t = new Bench();
    await t.dyn({ maxChildren: 0 });
    expect(await t.admin(make())).toEqual({ error: "max_children" });
    expect(t.n("#1")).toBe(0);
  });

  test("EXD-018 a place is free again when a child has ended or its start failed", async () => {
    const t = new Bench();
    await t.dyn({ maxChildren: 1 }, { script: [err()], restart: "temporary" });
    expect(await t.admin(make(null, "c1"))).toMatchObject({ error: "start_failed" });
    expect(await t.admin(make(null, "c1"))).toEqual({ ok: "c1" });
    expect(await t.admin(make(null, "c2"))).toEqual({ error: "max_children" });
    await t.die("c1");
    expect(await t.admin(make(null, "c2"))).toMatchObject({ error: "start_failed" });
    expect(await t.admin(make(null, "c2"))).toEqual({ ok: "c2" });
    await t.admin(terminate("c2"));
    expect(await t.admin(make(null, "c1"))).toEqual({ ok: "c1" });
  });

  test("EXD-023 a restarting child occupies a place", async () => {
    const t = new Bench();
    await t.dyn({ maxChildren: 1, intensity: 1_000 }, failing);
    await t.admin(make("bad"));
    await t.kill("#1");
    expect(await t.admin(make("good"))).toEqual({ error: "max_children" });
    expect(await t.kids()).toEqual(["#1:restarting"]);
  });
});

/** Each start takes 100 ms; with args "bad" restarts fail, with "gone" they ignore. */
const failing: WorkerOptions = {
  init: (ctx) => sleep(ctx, 100),
  script: (n, args) => {
    if (n === 1) return "ok";
    return args === "bad" ? err() : args === "gone" ? "ignore" : "ok";
  },
};

test("EXD-022 each outcome of a restart is handled", async () => {
  const t = new Bench();
  await t.dyn({ intensity: 100_000 }, failing);
  const counts: string[] = [];
  for (const args of ["good", "good", "gone", "bad", "bad"]) {
    const answer = await t.admin(make(args));
    await t.kill((answer as { ok: string }).ok);
    await t.advance(150);
    const [, active, , workers] = (await t.count()).split("/");
    counts.push(`w${workers}a${active}`);
  }
  expect(counts).toEqual(["w1a1", "w2a2", "w2a2", "w3a2", "w4a2"]);
});

test("EXD-026 a failed restart is tried again at once", async () => {
  const t = new Bench();
  await t.dyn({ intensity: 2 }, { script: ["ok", err()] });
  await t.admin(make());
  await t.kill("#1");
  expect(t.log.filter((each) => each.startsWith("start"))).toEqual([
    "start #1",
    "start #1 fails",
    "start #1",
  ]);
  expect(await t.count()).toBe("1/1/0/1");
  expect(t.now).toBe(0);
});

test("EXD-027 a child that fails to restart exhausts the intensity", async () => {
  const t = new Bench();
  await t.dyn({ intensity: 1 }, { script: ["ok", err()] });
  await t.admin(make());
  await t.kill("#1");
  expect(t.n("#1")).toBe(2);
  expect(t.down("s")).toBe("shutdown");
});

test("EXD-030 a negative shutdown is refused", () => {
  const of = new Bench().behaviour({});
  expect(() => dynamic("d", {}, of, { shutdown: -1 })).toThrow(/-1 is not a duration/);
});

const oops: Run = (ctx) => ctx.exit(shut("oops"));

/** Three children under these options, then the supervisor stops. @returns their reasons */
async function stopped(options: WorkerOptions): Promise<(string | null)[]> {
  const t = new Bench();
  await t.dyn({}, options);
  for (let i = 0; i < 3; i++) await t.admin(make());
  await t.stop();
  await t.advance(10_000);
  expect(t.down("s")).toBe("shutdown");
  expect(["#1", "#2", "#3"].map(t.n)).toEqual([1, 1, 1]);
  return ["#1", "#2", "#3"].map(t.down);
}

describe("terminating", () => {
  const three = (text: string) => [text, text, text];

  test("EXD-031 children with brutal_kill are killed", async () => {
    const options = { trap: true, shutdown: "brutal_kill" } as const;
    expect(await stopped(options)).toEqual(three("killed by supervisor"));
  });

  test("EXD-032 children with shutdown infinity are waited for", async () => {
    const options = { trap: true, shutdown: "infinity", stop: 9_000 } as const;
    expect(await stopped(options)).toEqual(three("shutdown"));
  });

  test("EXD-033 children with shutdown infinity end with their own reason", async () => {
    const options = { trap: true, shutdown: "infinity", stop: oops } as const;
    expect(await stopped(options)).toEqual(three('shutdown "oops"'));
  });

  test("EXD-034 children with a shutdown time are told to stop", async () => {
    expect(await stopped({ trap: true, shutdown: 1_000 })).toEqual(three("shutdown"));
    expect(await stopped({ trap: false, shutdown: 1_000 })).toEqual(three("shutdown"));
  });

  test("EXD-035 children with a shutdown time end with their own reason", async () => {
    const options = { trap: true, shutdown: 1_000, stop: oops } as const;
    expect(await stopped(options)).toEqual(three('shutdown "oops"'));
  });

  test("EXD-037 permanent children may end normally while they are stopped", async () => {
    const options = { trap: true, restart: "permanent", stop: NORMAL } as const;
    expect(await stopped(options)).toEqual(three("normal"));
  });

  test("EXD-040 one child is terminated with its shutdown time", async () => {
    const t = new Bench();
    await t.dyn({}, { trap: true, shutdown: 1_000 });
    await t.admin(make());
    expect(await t.admin(terminate("#1"))).toEqual({ ok: null });
    expect(t.down("#1")).toBe("shutdown");
    expect(await t.count()).toBe("1/0/0/0");
    expect(await t.admin(terminate("#1"))).toEqual({ ok: null });
    expect(await t.admin(terminate("#2"))).toEqual({ error: "not_found" });
  });

  test("EXD-041 a restarting child is terminated by its id", async () => {
    const t = new Bench();
    await t.dyn({ intensity: 1_000 }, failing);
    await t.admin(make("bad"));
    await t.kill("#1");
    expect(await t.count()).toBe("1/0/0/1");
    expect(await t.admin(terminate("#1"))).toEqual({ ok: null });
    expect(await t.count()).toBe("1/0/0/0");
    expect(await t.kids()).toEqual([]);
  });
});
