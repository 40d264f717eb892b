// Probes of OTP that its suites leave open: replies, terminate, names and mailboxes of servers.
import { describe, expect, test } from "vitest";
import type { AnyContext } from "../../src/actor/context.ts";
import { Cell } from "../../src/kernel/cell.ts";
import { Bench, type Run, races, sleep, terminate } from "./harness.ts";

const mailboxOf = (t: Bench, id: string) => {
  const cell = t.world.kernelOf(t.path(id)).members.get(t.path(id));
  return cell instanceof Cell ? cell.mailbox.size : -1;
};

describe("servers", () => {
  test("PRB-027 a late reply is dropped", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c1"), t.w("c2")]);
    const ask = (timeout: number, body: Run) => (ctx: AnyContext) =>
      ctx.ask(t.ref("c2"), "eval", body, { timeout }).catch((error) => error.code);
    const late: Run = (ctx) => sleep(ctx, 200).then(() => "late");
    expect(await t.eval("c1", ask(100, late))).toBe("timeout");
    expect(t.now).toBe(100);
    await t.advance(500);
    expect(mailboxOf(t, "c1")).toBe(0);
    expect([t.notices, t.of("dead_letter"), t.of("fenced")]).toEqual([[], [], []]);
    expect(
      await t.eval(
        "c1",
        ask(100, () => "prompt"),
      ),
    ).toBe("prompt");
    expect([t.n("c1"), t.n("c2")]).toEqual([1, 1]);
  });

  test("PRB-028 a deferred reply leaves after terminate's work", async () => {
    const t = new Bench();
    let reply: (value: never) => void = () => {};
    const stop: Run = async (ctx) => {
      await sleep(ctx, 50);
      reply("bye" as never);
    };
    await t.sup({}, [t.w("c1", { trap: true, stop, restart: "temporary" })]);
    const answer = t.ask("c1", "eval", (ctx: AnyContext) => {
      reply = ctx.defer().reply;
      return ctx.exit();
    });
    expect(await answer).toEqual({ ok: true, value: "bye" });
    expect(t.now).toBe(50);
    await t.settle();
    expect(t.log.slice(1)).toEqual(["terminate c1 normal", "exit c1 normal"]);
  });

  test("PRB-028 the caller has its reply even if terminate fails", async () => {
    const t = new Bench();
    const stop: Run = () => {
      throw new TypeError("in terminate");
    };
    await t.sup({}, [t.w("c1", { trap: true, stop, restart: "temporary" })]);
    const answer = await t.ask("c1", "eval", (ctx: AnyContext) => {
      ctx.reply("done" as never);
      return ctx.exit();
    });
    expect(answer).toEqual({ ok: true, value: "done" });
    expect(t.down("c1")).toBe("error TypeError: in terminate");
  });

  test("PRB-029 getState waits behind slow messages; a snapshot does not", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c1", { state: 7 })]);
    for (let i = 0; i < 3; i++) await t.run("c1", (ctx) => sleep(ctx, 100).then(() => undefined));
    expect(t.now).toBe(0);
    expect(await t.kids()).toEqual(["c1:up"]);
    expect(t.now).toBe(0);
    expect(await t.state("c1")).toBe(7);
    expect(t.now).toBe(300);
  });

  test("PRB-032 terminate is skipped on shutdown unless the actor traps exits", async () => {
    for (const trap of [false, true]) {
      const t = new Bench();
      await t.sup({}, [t.w("c1", { trap })]);
      await t.admin(terminate("c1"));
      expect(t.log.includes("terminate c1 shutdown")).toBe(trap);
      expect(t.down("c1")).toBe("shutdown");
    }
  });

  test("PRB-033 the name of a killed child is free before its supervisor hears of it", async () => {
    let starts = 0;
    await races(100, async (t) => {
      await t.sup({ intensity: 1_000 }, [t.w("c1"), t.w("c2")]);
      for (let i = 1; i <= 20; i++) {
        t.world.send({ kind: "kill", to: t.path("c1"), life: 0, by: "operator" });
        t.world.send({ kind: "kill", to: t.path("c2"), life: 0, by: "operator" });
        await t.settle();
        expect([t.n("c1"), t.n("c2")]).toEqual([1 + i, 1 + i]);
      }
      expect(t.of("start_error")).toEqual([]);
      starts += t.n("c1") - 1;
    });
    expect(starts).toBe(2_000);
  });

  test("PRB-034 a restart empties the mailbox and the state", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c1", { state: 0 })]);
    const count: Run = (_ctx, state) => (state as number) + 1;
    await t.run("c1", count);
    expect(await t.state("c1")).toBe(1);
    await t.run("c1", async (ctx) => {
      await sleep(ctx, 10);
      throw new Error("crash");
    });
    for (let i = 0; i < 10; i++) await t.run("c1", count);
    expect(mailboxOf(t, "c1")).toBe(10);
    await t.advance(10);
    expect(t.n("c1")).toBe(2);
    expect(await t.state("c1")).toBe(0);
    expect(t.of("dead_letter")).toHaveLength(10);
  });
});
