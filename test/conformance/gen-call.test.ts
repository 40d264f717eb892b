// gen_server_SUITE: calls, casts and plain messages. A call is ctx.ask or system.ask, a cast a tell.
import { describe, expect, test } from "vitest";
import type { AnyContext } from "../../src/actor/context.ts";
import { Bench, NORMAL, shut, sleep } from "./harness.ts";
import { inside, outcome, told } from "./server-harness.ts";

/** Three workers that answer after 30, 10 and 20 ms, and "a" that asks. */
async function askers(): Promise<{ t: Bench; asks: (ctx: AnyContext) => Promise<unknown>[] }> {
  const t = new Bench();
  await t.sup({ intensity: 5 }, [t.w("a"), t.w("s30"), t.w("s10"), t.w("s20")]);
  const asks = (ctx: AnyContext) =>
    ([30, 10, 20] as const).map((ms) =>
      ctx.ask(t.ref(`s${ms}`), "eval", (other) => sleep(other, ms).then(() => ms)),
    );
  return { t, asks };
}

describe("call", () => {
  test("GEN-017 calling_self: it fails at once, and the actor can go on", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("a")]);
    const body = (ctx: AnyContext) => outcome(ctx.ask(t.ref("a"), "eval", () => 1));
    expect(await inside(t, "a", body)).toBe("calling_self");
    expect(t.now).toBe(0);
    // Uncaught it ends the caller.
    await t.run("a", (ctx) => ctx.ask(t.ref("a"), "eval", () => 1));
    expect(t.down("a")).toContain("an actor asked itself");
  });

  test("GEN-022 call_remote_n2: whoever asks an actor of a lost thread is told at once", async () => {
    const t = new Bench({ threads: 2, seed: 5 });
    const ids = ["a", "b", "c", "d", "e"];
    await t.sup(
      { intensity: 50 },
      ids.map((id) => t.w(id)),
    );
    const thread = (id: string) => t.world.threadOf(t.path(id));
    const callee = ids.find((id) => thread(id) === 1) as string;
    const caller = ids.find((id) => thread(id) === 2) as string;
    const seen: unknown[] = [];
    await t.run(caller, async (ctx) => {
      const ask = ctx.ask(t.ref(callee), "eval", () => new Promise(() => {}), { timeout: "1h" });
      seen.push(await outcome(ask));
    });
    const outside: unknown[] = [];
    const hang = () => new Promise(() => {});
    t.world.control.request(t.path(callee), "eval", hang, 3_600_000, (a) => outside.push(told(a)));
    await t.settle();
    t.world.loseThread(1);
    await t.settle();
    expect(t.now).toBe(0);
    expect([seen, outside]).toEqual([["exited: thread 1 lost"], ["exited: thread 1 lost"]]);
    expect(await t.eval(callee, () => "back")).toBe("back");
  });

  test("GEN-025 send_request: a request can be waited for later, and is not lost by looking", async () => {
    const { t, asks } = await askers();
    const got = await inside(t, "a", async (ctx) => {
      const [request] = asks(ctx) as [Promise<unknown>];
      const early = await Promise.race([request, sleep(ctx, 5).then(() => "not yet")]);
      const later = await request;
      const nobody = await outcome(ctx.ask(t.ref("nobody"), "eval", () => 1));
      const fails = ctx.ask(t.ref("s10"), "eval", () => Promise.reject(new Error("bad")));
      return [early, later, nobody, await outcome(fails)];
    });
    expect(got).toEqual(["not yet", 30, "no_actor", "exited: error Error: bad"]);
  });

  test("GEN-026 send_request_receive_reqid_collection: the first answer wins, others vanish", async () => {
    const { t, asks } = await askers();
    const first = await inside(t, "a", (ctx) => Promise.race(asks(ctx)));
    expect([first, t.now]).toEqual([10, 10]);
    await t.advance(100);
    expect(t.of("dead_letter")).toEqual([]);
    expect(await t.eval("a", () => "untouched")).toBe("untouched");
  });

  test("GEN-027 send_request_wait_reqid_collection: a timeout leaves the rest alive", async () => {
    const { t, asks } = await askers();
    const got = await inside(t, "a", async (ctx) => {
      const all = asks(ctx);
      const within15 = sleep(ctx, 15).then(() => "timeout");
      const seen: unknown[] = [];
      for (const each of all) void each.then((value) => seen.push(value));
      const early = await Promise.race([Promise.all(all), within15]);
      return [early, [...seen], await Promise.all(all), seen];
    });
    expect(got).toEqual(["timeout", [10], [30, 10, 20], [10, 20, 30]]);
  });
});

describe("cast", () => {
  test("GEN-030 cast: it never waits and never fails, a delayed one comes later", async () => {
    const t = new Bench();
    await t.sup({ intensity: 5 }, [t.w("a"), t.w("b", { restart: "temporary" })]);
    const order: string[] = [];
    await inside(t, "a", (ctx) => {
      ctx.tell(t.ref("b"), "run", () => void order.push("handled"));
      ctx.tell(t.ref("nobody"), "run", () => {});
      order.push("sent");
    });
    await t.settle();
    expect(order).toEqual(["sent", "handled"]);
    await t.run("b", (ctx) => {
      ctx.after(50, "run", () => void order.push("delayed"));
    });
    await t.advance(49);
    expect(order).toHaveLength(2);
    await t.advance(1);
    expect(order).toHaveLength(3);
    await inside(t, "a", (ctx) => ctx.tell(t.ref("b"), "exit", NORMAL));
    await t.settle();
    expect(t.down("b")).toBe("normal");
  });
});

describe("info", () => {
  test("GEN-041 info: messages from outside reach handlers; a timer's too; one may stop it", async () => {
    const t = new Bench();
    const seen: string[] = [];
    await t.sup({}, [t.w("c", { restart: "temporary" })]);
    await t.run("c", (ctx) => {
      seen.push("from outside");
      ctx.after("1s", "run", () => void seen.push("timer"));
      ctx.after("2s", "exit", shut("by a timer"));
    });
    await t.advance(1_500);
    expect(seen).toEqual(["from outside", "timer"]);
    await t.advance(1_500);
    expect(t.down("c")).toBe('shutdown "by a timer"');
  });
});
