// Stopping children: in time, too late, brutally, with a reason of their own (sup_stop, misc).
import { expect, test } from "vitest";
import type { ExitReason } from "../../src/actor/exit.ts";
import {
  Bench,
  err,
  make,
  NORMAL,
  type Run,
  races,
  shut,
  sleep,
  start,
  terminate,
} from "./harness.ts";

const stuck = { trap: true, stop: "stuck", shutdown: 1_000 } as const;

test("SUP-017 a child that does not stop in time is killed, the other one stops", async () => {
  const t = new Bench();
  await t.sup({}, [t.w("c1", { trap: true, shutdown: 1_000 }), t.w("c2", stuck)]);
  await t.stop();
  await t.advance(999);
  expect(t.log).toEqual(["start c1", "start c2", "terminate c2 shutdown"]);
  await t.advance(1);
  expect(t.down("c2")).toBe("killed by supervisor");
  expect(t.down("c1")).toBe("shutdown");
  expect(t.down("s")).toBe("shutdown");
  expect(t.of("shutdown_error")).toMatchObject([{ path: "/s/c2", reason: { tag: "killed" } }]);
});

test("SUP-017 so is one that is busy with a message, its terminate unrun", async () => {
  const t = new Bench();
  await t.sup({}, [t.w("c1", { trap: true, shutdown: 1_000 })]);
  await t.run("c1", () => new Promise(() => {}));
  await t.stop();
  await t.advance(1_000);
  expect(t.log).toEqual(["start c1", "exit c1 killed by supervisor", "exit s shutdown"]);
});

test("SUP-018 a dynamic supervisor kills the child that does not stop in time", async () => {
  const t = new Bench();
  const stop = (_ctx: unknown, args: unknown) => (args === "stuck" ? new Promise(() => {}) : null);
  await t.dyn({}, { trap: true, shutdown: 1_000, stop });
  await t.admin(make("idle", "c1"));
  await t.admin(make("stuck", "c2"));
  await t.stop();
  expect(t.down("c1")).toBe("shutdown");
  expect(t.down("c2")).toBe(null);
  await t.advance(1_000);
  expect(t.down("c2")).toBe("killed by supervisor");
  expect(t.down("s")).toBe("shutdown");
  expect(t.world.control.timers.size).toBe(0);
});

test("SUP-018 a stop in time leaves no timer behind", async () => {
  const t = new Bench();
  await t.sup({}, [t.w("c1"), t.w("c2"), t.w("c3")]);
  await t.admin(terminate("c2"));
  expect(t.world.control.timers.size).toBe(0);
  await t.stop();
  expect(t.world.control.timers.size).toBe(0);
});

test("SUP-020 ten dynamic brutal_kill children die as killed", async () => {
  const t = new Bench();
  await t.dyn({}, { trap: true, shutdown: "brutal_kill" });
  for (let i = 0; i < 10; i++) await t.admin(make());
  await t.stop();
  const downs = Array.from({ length: 10 }, (_, i) => t.down(`#${i + 1}`));
  expect(downs).toEqual(Array(10).fill("killed by supervisor"));
  expect(t.down("s")).toBe("shutdown");
  expect(t.of("shutdown_error")).toEqual([]);
  expect(t.log.some((each) => each.startsWith("terminate"))).toBe(false);
});

/** Reason → which restart types have it reported (SEMANTICS 9.6). */
const LEAVES: [ExitReason, string, string[]][] = [
  [NORMAL, "normal", ["permanent"]],
  [shut(), "shutdown", []],
  [shut("x"), 'shutdown "x"', ["permanent"]],
  [err(), "error Test: boom", ["permanent", "transient", "temporary"]],
];

test("SUP-022 dynamic children that leave with another reason do not disturb the stop", async () => {
  for (const restart of ["permanent", "transient", "temporary"] as const) {
    const t = new Bench();
    const stop = (ctx: { exit(reason: ExitReason): never }, at: unknown) =>
      ctx.exit(LEAVES[at as number]?.[0] as ExitReason);
    await t.dyn({}, { trap: true, restart, stop });
    for (const at of LEAVES.keys()) await t.admin(make(at, `c${at}`));
    await t.stop();
    expect(t.down("s")).toBe("shutdown");
    for (const [at, [, text]] of LEAVES.entries()) expect(t.downs(`c${at}`)).toEqual([text]);
    const reported = t.of("shutdown_error").map((each) => each.path);
    const expected = LEAVES.flatMap(([, , of], at) => (of.includes(restart) ? [`/s/c${at}`] : []));
    expect(reported.toSorted()).toEqual(expected);
  }
});

test("SUP-055 supervision does not hang on a link the child could remove", async () => {
  await races(100, async (t) => {
    await t.sup({}, [t.w("c1", { exit: true, shutdown: 1_000 }), t.w("c2")]);
    await t.run("c1", (ctx) => ctx.link(t.ref("s")).unlink());
    const before = t.now;
    expect(await t.admin(terminate("c1"))).toEqual({ ok: null });
    expect(t.now).toBe(before);
    expect(await t.kids()).toEqual(["c2:up", "c1:undefined"]);
    expect(t.notices).toEqual([]);
  });
});

test("SUP-087 children start as listed and stop in reverse, in a group and at the end", async () => {
  const t = new Bench();
  const ids = ["m", "z", "a", "q", "b"];
  const specs = ids.map((id) => t.w(id, { trap: true }));
  await t.sup({ strategy: "rest_for_one" }, specs);
  expect(t.log).toEqual(ids.map((id) => `start ${id}`));
  t.log.length = 0;
  await t.kill("a");
  expect(t.log).toEqual([
    "exit a killed by operator",
    ...["b", "q"].flatMap((id) => [`terminate ${id} shutdown`, `exit ${id} shutdown`]),
    ...["a", "q", "b"].map((id) => `start ${id}`),
  ]);
  t.log.length = 0;
  await t.stop();
  const ends = ids
    .toReversed()
    .flatMap((id) => [`terminate ${id} shutdown`, `exit ${id} shutdown`]);
  expect(t.log).toEqual([...ends, "exit s shutdown"]);
});

test("SUP-087 the order of start and stop survives slow children and threads", async () => {
  await races(100, async (t) => {
    const ids = ["m", "z", "a", "q"];
    const stop: Run = (ctx) => sleep(ctx, 10);
    const specs = ids.map((id) => t.w(id, { trap: true, script: [5], stop }));
    await t.sup({}, specs);
    await t.advance(20);
    await t.admin(start(t.w("b")));
    await t.stop();
    await t.advance(40);
    const did = (what: string) =>
      t.log.filter((each) => each.startsWith(what)).map((each) => each.split(" ")[1]);
    expect(did("start")).toEqual([...ids, "b"]);
    expect(did("exit")).toEqual(["b", ...ids.toReversed(), "s"]);
  });
});
