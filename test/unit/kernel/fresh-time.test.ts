// A turn begins at one time; what is set in it, or behind what a handler has waited for by itself,
// counts from the time it is then (the host's clock), not from when the turn began.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { ask, type Ref } from "../../../src/actor/protocol.ts";
import { type ActorSettings, child, supervisor } from "../../../src/actor/spec.ts";
import type { Cell } from "../../../src/kernel/cell.ts";
import { Bench } from "../../conformance/harness.ts";
import { outcome } from "../../conformance/server-harness.ts";

const silent = ask(z.null(), z.null());
const mute: Ref<{ question: typeof silent }> = { path: "/s/mute", behaviour: "clocked" };

let nowMs = 0;
let gate = Promise.withResolvers<void>();

const Clocked = actor("clocked", {
  state: z.array(z.string()),
  messages: {
    question: silent,
    works: z.null(),
    repeats: z.null(),
    waits: z.null(),
    says: z.null(),
    rang: z.null(),
  },
  init: (): string[] => [],
  on: {
    question: (_state, _null, ctx) => void ctx.defer(),
    // Works for 900 ms, then sets a timer.
    works: (_state, _null, ctx) => {
      nowMs += 900;
      ctx.after(1_000, "rang", null);
    },
    repeats: (_state, _null, ctx) => {
      nowMs += 900;
      ctx.after({ every: 1_000 }, "rang", null, { id: "again" });
    },
    waits: async (state, _null, ctx) => {
      await gate.promise;
      return [...state, String(await outcome(ctx.ask(mute, "question", null, { timeout: "1s" })))];
    },
    says: async (_state, _null, ctx) => {
      await gate.promise;
      ctx.log.info("it goes on");
    },
    rang: (state) => [...state, "rang"],
  },
});

async function begin(settings: ActorSettings): Promise<Bench> {
  nowMs = 0;
  gate = Promise.withResolvers<void>();
  const t = new Bench();
  const specs = [child("mute", Clocked), child("a", Clocked, settings)];
  expect(await t.start(supervisor("s", {}, specs))).toBe("ok");
  Object.assign(t.world.kernelOf("/s/a").options, { clock: () => nowMs });
  return t;
}

describe.each<[string, ActorSettings]>([
  ["ephemeral", {}],
  ["durable", { durable: true }],
])("%s", (_kind, settings) => {
  test.each(["works", "repeats"])("a timer of a handler that %s is not early", async (type) => {
    const t = await begin(settings);
    await t.tell("a", type, null);
    await t.advance(1_890);
    expect(await t.state("a")).toEqual([]);
    await t.advance(20);
    expect(await t.state("a")).toEqual(["rang"]);
  });

  test("a question behind what a handler waited for has its whole time", async () => {
    const t = await begin(settings);
    await t.tell("a", "waits", null);
    nowMs = 5_000;
    gate.resolve();
    await gate.promise;
    const status = () => (t.world.kernelOf("/s/a").members.get("/s/a") as Cell).status;
    await t.advance(5_990);
    expect(status()).toBe("parked");
    await t.advance(20);
    expect(status()).toBe("idle");
  });

  test("what it says there has the time it is", async () => {
    const t = await begin(settings);
    await t.tell("a", "says", null);
    nowMs = 5_000;
    gate.resolve();
    await gate.promise;
    await t.advance(1);
    const said = t.events.find((event) => event.type === "log");
    expect(said).toMatchObject({ message: "it goes on", atMs: 5_000 });
  });
});
