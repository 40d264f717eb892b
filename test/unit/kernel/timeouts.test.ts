// Each part of an actor's work has a limit of its own, in its child spec.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { ask, type Ref } from "../../../src/actor/protocol.ts";
import { type ActorSettings, child, supervisor } from "../../../src/actor/spec.ts";
import { Bench } from "../../conformance/harness.ts";
import { outcome } from "../../conformance/server-harness.ts";

const silent = ask(z.null(), z.null());
const mute: Ref<{ question: typeof silent }> = { path: "/s/mute", behaviour: "waiter" };

const Waiter = actor("waiter", {
  state: z.object({ got: z.unknown(), ended: z.number() }),
  messages: {
    question: silent,
    asks: z.object({ timeout: z.string().optional() }),
    waits: z.number(),
    count: z.null(),
  },
  init: () => ({ got: null as unknown, ended: 0 }),
  on: {
    question: (_state, _null, ctx) => void ctx.defer(),
    asks: async (state, { timeout }, ctx) => {
      const options = timeout === undefined ? {} : { timeout: timeout as "1s" };
      return { ...state, got: await outcome(ctx.ask(mute, "question", null, options)) };
    },
    waits: async (state, ms, ctx) => {
      const forever = () => new Promise(() => {});
      await ctx.step("wait", forever, { timeout: ms }).catch(() => {});
      return { ...state, ended: state.ended + 1 };
    },
    count: (state) => ({ ...state, ended: state.ended + 100 }),
  },
});

async function begin(settings: ActorSettings): Promise<Bench> {
  const t = new Bench();
  const specs = [child("mute", Waiter), child("a", Waiter, settings)];
  expect(await t.start(supervisor("s", { intensity: 5 }, specs))).toBe("ok");
  return t;
}
const status = (t: Bench) => t.world.kernelOf("/s/a").members.get("/s/a");
const state = async (t: Bench) => (await t.state("a")) as { got: { code?: string }; ended: number };

describe("ask", () => {
  test("waits as long as the child spec says, if the call does not", async () => {
    const t = await begin({ askTimeout: "300ms" });
    await t.tell("a", "asks", {});
    await t.advance(299);
    expect(status(t)).toMatchObject({ status: "parked" });
    await t.advance(1);
    // (Asking for its state would wait for the handler, and time would go on.)
    expect(status(t)).toMatchObject({ status: "idle" });
    expect(JSON.stringify((await state(t)).got)).toMatch(/timeout/);
  });

  test("from outside, the time counts from the call, not from the last turn", async () => {
    const t = await begin({});
    const { control } = t.world;
    let nowMs = 60_000;
    Object.assign(control.options, { clock: () => nowMs });
    const answers: string[] = [];
    control.request("/s/mute", "question", null, 5_000, (answer) => {
      answers.push(answer.ok ? "ok" : answer.code);
    });
    nowMs = 64_900;
    await t.advance(nowMs);
    expect(answers).toEqual([]);
    await t.advance(200);
    expect(answers).toEqual(["timeout"]);
  });

  test("a call's own timeout goes before it; 5 s when nobody says", async () => {
    const own = await begin({ askTimeout: "10s" });
    await own.tell("a", "asks", { timeout: "100ms" });
    await own.advance(100);
    expect(status(own)).toMatchObject({ status: "idle" });
    expect(JSON.stringify((await state(own)).got)).toMatch(/timeout/);
    const none = await begin({});
    await none.tell("a", "asks", {});
    await none.advance(4_999);
    expect(status(none)).toMatchObject({ status: "parked" });
    await none.advance(1);
    expect(status(none)).toMatchObject({ status: "idle" });
    expect(JSON.stringify((await state(none)).got)).toMatch(/timeout/);
  });
});

describe("handlerTimeout", () => {
  test("a handler that awaits for longer is killed, and its supervisor restarts the actor", async () => {
    const t = await begin({ handlerTimeout: "1s" });
    await t.tell("a", "waits", 5_000);
    await t.advance(999);
    expect(status(t)).toMatchObject({ status: "parked", incarnation: 1 });
    await t.advance(1);
    expect(status(t)).toMatchObject({ status: "idle", incarnation: 2 });
    expect(t.downs("a")).toEqual(["killed by deadline"]);
  });

  test("one that ends in time is left alone, and so is the next", async () => {
    const t = await begin({ handlerTimeout: "1s" });
    await t.tell("a", "waits", 900);
    await t.advance(950);
    await t.tell("a", "waits", 900);
    await t.advance(950);
    await t.advance(5_000);
    expect((await state(t)).ended).toBe(2);
    expect(status(t)).toMatchObject({ incarnation: 1 });
  });

  test("a durable actor's message is delivered again, up to maxDeliveries", async () => {
    const t = await begin({ durable: true, handlerTimeout: "1s", maxDeliveries: 2 });
    await t.tell("a", "waits", 60_000);
    await t.tell("a", "count", null);
    await t.advance(10_000);
    expect(status(t)).toMatchObject({ incarnation: 3 });
    expect((await state(t)).ended).toBe(100);
  });

  test("without one it may wait for hours", async () => {
    const t = await begin({});
    await t.tell("a", "waits", 3_600_000);
    await t.advance(3_600_001);
    expect((await state(t)).ended).toBe(1);
  });
});
