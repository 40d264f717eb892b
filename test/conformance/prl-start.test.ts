// proc_lib_SUITE: starts are synchronous and atomic with links and monitors. A start is ctx.start.
import { expect, test } from "vitest";
import { formatReason } from "../../src/actor/exit.ts";
import { dynamic } from "../../src/actor/spec.ts";
import { Bench, err, NORMAL, races, shut, type WorkerOptions } from "./harness.ts";
import { D, inside, outcome, withStarter } from "./server-harness.ts";

test("PRL-001 crash: a crash is reported with the actor's path; normal and shutdown are not", async () => {
  const t = new Bench();
  const inner = dynamic("d", { intensity: 9 }, t.behaviour({ restart: "temporary" }), {
    restart: "temporary",
  });
  await t.sup({}, [inner]);
  for (const reason of [NORMAL, shut(), err("crash")]) {
    await t.admin({ op: "start_child", id: "c", args: null }, "d");
    await t.die("d/c", reason);
  }
  const reports = t.of("child_terminated");
  expect(reports.map(({ path, reason }) => [path, formatReason(reason)])).toEqual([
    ["/s/d/c", "error Test: crash"],
  ]);
});

test("PRL-002 sync_start_nolink: the start returns when init has returned", async () => {
  const order: string[] = [];
  const t = await withStarter({
    script: [50],
    init: () => void order.push("init begins"),
  });
  await inside(t, "starter", async (ctx) => {
    await ctx.start(D, { id: "c", args: null });
    order.push("start returned");
  });
  expect([order, t.now]).toEqual([["init begins", "start returned"], 50]);
  expect(t.of("started").at(-1)).toMatchObject({ path: "/s/d/c", atMs: 50 });
});

test("PRL-003 sync_start_link: a failed start is an error, not news", async () => {
  const t = await withStarter();
  const failures = [err("init"), shut(), { throw: new Error("thrown") }, "ignore"];
  for (const args of failures) {
    const got = await inside(t, "starter", (ctx) => outcome(ctx.start(D, { id: "c", args })));
    if (args !== "ignore") expect(String(got)).toMatch(/^refused: /);
    await t.settle();
  }
  expect(t.notices).toEqual([]);
  expect(t.downs("starter")).toEqual([]);
});

test("PRL-004 sync_start_monitor: a watch after the start never misses the end", () =>
  races(200, async (t, seed) => {
    const restart = "temporary" as const;
    const of: WorkerOptions = {
      restart,
      init: (ctx) => void (seed % 2 === 0 && ctx.after(0, "exit", err("early"), { when: "next" })),
    };
    await t.sup({}, [t.w("starter"), dynamic("d", {}, t.behaviour(of), of)]);
    const starts = t.run("starter", async (ctx) => {
      ctx.watch(await ctx.start(D, { id: "c", args: null }));
    });
    await starts;
    if (seed % 2 === 1) await t.die("d/c", err("late"));
    expect(t.notices).toHaveLength(1);
    expect(t.notices[0]).toMatch(/^starter down \/s\/d\/c (error Test: (early|late)|no actor .*)$/);
  }));

test("PRL-005 sync_start_monitor_link: both, and both arrive", () =>
  races(200, async (t) => {
    const of: WorkerOptions = { restart: "temporary" };
    const starter = t.w("starter", { exit: true });
    await t.sup({}, [starter, dynamic("d", {}, t.behaviour(of), of)]);
    await t.run("starter", async (ctx) => {
      const ref = await ctx.start(D, { id: "c", args: null });
      ctx.link(ref);
      ctx.watch(ref);
      ctx.tell(ref, "exit", err("over"));
    });
    expect(t.notices.toSorted()).toEqual([
      "starter down /s/d/c error Test: over",
      "starter exit /s/d/c error Test: over",
    ]);
  }));

test("PRL-007 sync_start_link_timeout: over startTimeout it is killed, without news", async () => {
  const t = await withStarter({ script: ["hang"], startTimeout: "2s" });
  const got = await inside(t, "starter", (ctx) => outcome(ctx.start(D, { id: "c", args: null })));
  expect([got, t.now]).toEqual(["refused: killed by deadline", 2_000]);
  expect([t.alive("d/c"), t.notices, t.down("d/c")]).toEqual([false, [], "killed by deadline"]);
  expect(await t.admin({ op: "start_child", id: "c", args: null }, "d")).toEqual({ ok: "c" });
});
