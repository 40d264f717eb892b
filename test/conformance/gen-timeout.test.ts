// gen_server_SUITE: continuations and idle timeouts, both set with ctx.after.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../src/actor/actor.ts";
import type { AnyContext } from "../../src/actor/context.ts";
import { ask } from "../../src/actor/protocol.ts";
import { dynamic } from "../../src/actor/spec.ts";
import { Bench, shut, sleep } from "./harness.ts";

describe("continue", () => {
  const next = { when: "next" } as const;

  /** Leaves a continuation, and something queued that must come after it. */
  const both = (t: Bench, order: string[], id = "c") => {
    return (ctx: AnyContext) => {
      order.push("handler");
      ctx.tell(t.ref(id), "run", () => void order.push("queued"));
      ctx.after(0, "run", () => void order.push("continue"), next);
    };
  };
  const EXPECTED = ["handler", "continue", "queued"];

  test("GEN-042 continue: from init", async () => {
    const t = new Bench();
    const order: string[] = [];
    await t.sup({}, [t.w("c", { init: both(t, order) })]);
    expect(order).toEqual(EXPECTED);
  });

  test("GEN-042 continue: from a call, and after its reply was sent", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c")]);
    const order: string[] = [];
    await t.eval("c", (ctx) => {
      both(t, order)(ctx);
      ctx.reply("early" as never);
      order.splice(0, 1, "replied");
      return new Promise(() => {});
    });
    expect(order).toEqual(["replied"]);
    await t.kill("c");
    await t.run("c", both(t, order));
    expect(order.slice(1)).toEqual(EXPECTED);
  });

  test("GEN-042 continue: from a cast that was queued with others", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c")]);
    const order: string[] = [];
    t.world.send(t.world.control.mail("/s/c", "run", both(t, order), "", 0));
    t.world.send(t.world.control.mail("/s/c", "run", () => void order.push("was there"), "", 0));
    await t.settle();
    expect(order).toEqual(["handler", "continue", "was there", "queued"]);
  });

  test("GEN-042 continue: from a continuation, several in their order, from an async handler", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c")]);
    const order: string[] = [];
    const push = (text: string) => () => void order.push(text);
    await t.run("c", async (ctx) => {
      ctx.tell(t.ref("c"), "run", push("queued"));
      await sleep(ctx, 10);
      ctx.after(
        0,
        "run",
        (again: AnyContext) => {
          order.push("first");
          again.after(0, "run", push("inner"), next);
        },
        next,
      );
      ctx.after(0, "run", push("second"), next);
    });
    await t.advance(10);
    expect(order).toEqual(["first", "inner", "second", "queued"]);
  });

  test("GEN-042 continue: from news of a watched one, and it may stop the actor", async () => {
    const t = new Bench();
    const order: string[] = [];
    const down = (_s: unknown, _d: unknown, ctx: AnyContext) => {
      both(t, order)(ctx);
      ctx.after(0, "exit", shut("in the continuation"), next);
    };
    const worker = t.w("c", { restart: "temporary" });
    const spec = { ...worker, behaviour: { ...t.behaviour(), down } } as typeof worker;
    await t.sup({ intensity: 5 }, [spec, t.w("other")]);
    await t.run("c", (ctx) => void ctx.watch(t.ref("other")));
    await t.kill("other");
    expect(order).toEqual(["handler", "continue"]);
    expect(t.down("c")).toBe('shutdown "in the continuation"');
    expect(t.of("dead_letter")).toMatchObject([{ reason: "actor_exited" }]);
  });
});

describe("event timeout", () => {
  const idle = { when: "idle" } as const;
  const arm = (order: string[], ms: number) => (ctx: AnyContext) => {
    ctx.after(ms, "run", () => void order.push("idle"), idle);
  };

  test("GEN-043 handle_event_timeout: fires after silence, any message cancels it", async () => {
    const t = new Bench();
    const order: string[] = [];
    await t.sup({}, [t.w("c", { init: arm(order, 100) }), t.w("d")]);
    await t.advance(100);
    expect(order).toEqual(["idle"]);
    for (const set of [
      () => t.run("c", arm(order, 100)),
      () => t.eval("c", arm(order, 100)),
      () => t.run("d", (ctx) => ctx.tell(t.ref("c"), "run", arm(order, 100))),
    ]) {
      order.length = 0;
      await set();
      await t.advance(60);
      await t.run("c", () => {});
      await t.advance(500);
      expect(order).toEqual([]);
      await set();
      await t.advance(99);
      expect(order).toEqual([]);
      await t.advance(1);
      expect(order).toEqual(["idle"]);
    }
  });

  test("GEN-043 handle_event_timeout: an unknown message cancels it too, looking does not", async () => {
    const t = new Bench();
    const order: string[] = [];
    await t.sup({}, [t.w("c")]);
    await t.run("c", arm(order, 100));
    await t.tell("c", "unknown");
    await t.advance(200);
    expect(order).toEqual([]);
    await t.run("c", arm(order, 100));
    await t.advance(50);
    await t.state("c");
    await t.suspend("c");
    await t.resume("c");
    await t.advance(50);
    expect(order).toEqual(["idle"]);
  });

  test("GEN-043 handle_event_timeout: a new one replaces the old one", async () => {
    const t = new Bench();
    const order: string[] = [];
    await t.sup({}, [t.w("c")]);
    await t.run("c", (ctx) => {
      arm(order, 50)(ctx);
      arm(order, 100)(ctx);
    });
    await t.advance(200);
    expect(order).toEqual(["idle"]);
  });

  test("GEN-043 handle_event_timeout: the time begins when the handler has ended", async () => {
    const t = new Bench();
    const order: string[] = [];
    await t.sup({}, [t.w("c")]);
    await t.run("c", async (ctx) => {
      arm(order, 100)(ctx);
      await sleep(ctx, 1_000);
      order.push("handler over");
    });
    await t.advance(1_099);
    expect(order).toEqual(["handler over"]);
    await t.advance(1);
    expect(order).toEqual(["handler over", "idle"]);
  });

  test("GEN-044 handle_event_timeout_zero: next goes before the queue, idle zero gives way", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c")]);
    for (const [when, expected] of [
      ["next", ["timeout", "queued"]],
      ["idle", ["queued"]],
    ] as const) {
      const order: string[] = [];
      const body = (ctx: AnyContext) => {
        ctx.tell(t.ref("c"), "run", () => void order.push("queued"));
        ctx.after(0, "run", () => void order.push("timeout"), { when });
      };
      for (const send of [() => t.run("c", body), () => t.eval("c", body)]) {
        order.length = 0;
        await send();
        await t.advance(10);
        expect(order).toEqual(expected);
      }
    }
  });
});

describe("hibernate", () => {
  const none = z.null();
  const Quiet = actor("quiet", {
    state: none,
    messages: { call: ask(none, none), cast: none },
    init: () => null,
    on: { call: (_state, _message, ctx) => ctx.reply(null), cast: () => {} },
  });

  test("GEN-052 auto_hibernate: each kind of message wakes it", async () => {
    const t = new Bench();
    const options = { durable: true, hibernateAfter: "100ms" } as const;
    await t.start(dynamic("s", {}, Quiet, options));
    await t.admin({ op: "start_child", id: "a", args: undefined });
    const wakes: (() => Promise<unknown>)[] = [
      () => t.ask("a", "call", null),
      () => t.tell("a", "cast", null),
      () => t.state("a"),
    ];
    for (const wake of wakes) {
      await t.advance(300);
      expect(t.alive("a")).toBe(false);
      await wake();
      expect(t.alive("a")).toBe(true);
    }
    expect(t.downs("a")).toEqual([]);
  });
});
