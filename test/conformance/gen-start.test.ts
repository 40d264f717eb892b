// gen_server_SUITE: starting. A start is start_child of a supervisor, or ctx.start of a dynamic one.
import { describe, expect, test } from "vitest";
import { type AnyBehaviour, actor } from "../../src/actor/actor.ts";
import type { AnyContext } from "../../src/actor/context.ts";
import { child } from "../../src/actor/spec.ts";
import { Bench, err, make, type Outcome, restart, shut, start, terminate } from "./harness.ts";
import { D, inside, outcome, told, withStarter } from "./server-harness.ts";

describe("start", () => {
  test("GEN-001 start: unnamed and named, from inside and outside", async () => {
    const t = await withStarter();
    expect(await t.admin(make(), "d")).toEqual({ ok: "#1" });
    expect(await t.admin(make(undefined, "named"), "d")).toEqual({ ok: "named" });
    const refs = await inside(t, "starter", async (ctx) => [
      await ctx.start(D, { args: undefined }),
      await ctx.start(D, { id: "inner", args: undefined }),
    ]);
    expect(refs).toEqual([
      { path: "/s/d/#2", behaviour: "worker" },
      { path: "/s/d/inner", behaviour: "worker" },
    ]);
    expect(await t.eval("d/inner", () => "here")).toBe("here");
    expect(await t.admin(terminate("inner"), "d")).toEqual({ ok: null });
    expect(told(await t.ask("d/inner", "eval", () => "here"))).toBe("no_actor");
    expect(t.notices).toEqual([]);
  });

  test("GEN-001 start: a taken name is already_started, and init is not run", async () => {
    const t = await withStarter();
    await t.admin(make(undefined, "named"), "d");
    expect(await t.admin(make(undefined, "named"), "d")).toEqual({ error: "already_started" });
    const again = await inside(t, "starter", (ctx) =>
      outcome(ctx.start(D, { id: "named", args: undefined })),
    );
    expect(again).toBe("refused");
    expect(t.n("d/named")).toBe(1);
    expect(await t.admin(start(t.w("starter")))).toEqual({ error: "already_started" });
  });

  test("GEN-001 start: timeout, ignore, error and exit of init", async () => {
    const t = await withStarter({ startTimeout: 100 });
    const starts = (args: unknown) => t.admin(make(args, "x"), "d");
    expect(await starts(99)).toEqual({ ok: "x" });
    await t.admin(terminate("x"), "d");
    const slow = await starts(1_000);
    expect(slow).toEqual({ error: "start_failed", reason: { tag: "killed", by: "deadline" } });
    expect(t.now).toBe(199);
    expect(await starts("ignore")).toEqual({ ok: null });
    const thrown = { throw: new RangeError("bad") };
    expect(await starts(thrown)).toMatchObject({
      error: "start_failed",
      reason: { tag: "error", name: "RangeError", message: "bad" },
    });
    expect(await starts(shut("no"))).toEqual({ error: "start_failed", reason: shut("no") });
    expect(await t.kids("d")).toEqual([]);
  });

  test("GEN-003 start_event_timeout_zero: next comes before what is queued", async () => {
    const t = new Bench();
    const order: string[] = [];
    const late = t.w("c", {
      script: [10],
      init: (ctx) => {
        ctx.after(0, "run", () => void order.push("timeout"), { when: "next" });
        ctx.after(0, "run", () => void order.push("second timeout"), { when: "next" });
      },
    });
    await t.sup({}, [late]);
    await t.run("c", () => void order.push("queued"));
    expect(order).toEqual([]);
    await t.advance(10);
    expect(order).toEqual(["timeout", "second timeout", "queued"]);
  });

  test("GEN-003 start_event_timeout_zero: an idle timeout of zero gives way to it", async () => {
    const t = new Bench();
    const order: string[] = [];
    const init = (ctx: AnyContext) => {
      ctx.tell(t.ref("c"), "run", () => void order.push("queued"));
      ctx.after(0, "run", () => void order.push("timeout"), { when: "idle" });
    };
    await t.sup({}, [t.w("c", { init })]);
    await t.advance(10);
    expect(order).toEqual(["queued"]);
    await t.run("c", (ctx) => {
      ctx.after(0, "run", () => void order.push("timeout"), { when: "idle" });
    });
    expect(order).toEqual(["queued", "timeout"]);
  });

  test("GEN-004 loop_start_fail: a failed start leaves nothing, so it can be tried at once", async () => {
    const failures: Outcome[] = [shut("stop"), "ignore", err("bad"), { throw: "thrown" }, 1_000];
    for (const failure of failures) {
      const t = await withStarter({ startTimeout: 100 });
      const before = t.world.control.members.size;
      for (let i = 0; i < 5; i++) {
        const args = failure;
        const result = await t.admin(make(args, "x"), "d");
        expect(result).toEqual(failure === "ignore" ? { ok: null } : expect.anything());
        const inner = await inside(t, "starter", (ctx) => outcome(ctx.start(D, { id: "x", args })));
        expect(String(inner)).not.toContain("already");
        expect(t.world.control.members.size).toBe(before);
        expect(t.world.control.timers.size).toBe(0);
      }
      expect(t.n("d/x")).toBe(10);
      expect(await t.admin(make("ok", "x"), "d")).toEqual({ ok: "x" });
      expect(t.notices).toEqual([]);
    }
  });

  test("GEN-004 loop_start_fail: restart_child may fail again and again", async () => {
    const t = new Bench();
    const failing = t.w("x", { script: ["ok", err("a"), "ignore", err("b"), err("c"), "ok"] });
    await t.sup({}, [failing]);
    await t.admin(terminate("x"));
    const results = [];
    for (let i = 0; i < 5; i++) results.push(await t.admin(restart("x")));
    expect(results.map((each) => ("ok" in each ? each.ok : each.error))).toEqual([
      "start_failed",
      null,
      "start_failed",
      "start_failed",
      "x",
    ]);
  });

  test("GEN-065 undef_init: the start fails, nothing else is heard of it", async () => {
    const t = await withStarter();
    const { init: _, ...rest } = t.behaviour() as AnyBehaviour;
    const without = { ...rest, init: undefined } as unknown as AnyBehaviour;
    const result = await t.admin(start(child("x", without)));
    expect(result).toMatchObject({ error: "start_failed", reason: { name: "TypeError" } });
    expect(t.alive("x")).toBe(false);
    expect(t.notices).toEqual([]);
  });

  test("GEN-065 undef_init: messages and handlers must match when a behaviour is made", () => {
    const made = () => actor("x", { messages: { a: {} }, on: {} } as never);
    expect(made).toThrow(/message "a" has no handler/);
  });
});
