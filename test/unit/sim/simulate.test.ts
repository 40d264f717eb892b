// simulate(): real trees in virtual time, under a seed and faults.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { app } from "../../../src/actor/app.ts";
import { ActorError } from "../../../src/actor/errors.ts";
import { formatReason } from "../../../src/actor/exit.ts";
import { ask, dynamicRef, ref } from "../../../src/actor/protocol.ts";
import { child, dynamic, supervisor } from "../../../src/actor/spec.ts";
import { tool } from "../../../src/actor/tool.ts";
import { fake } from "../../../src/sim/fakes.ts";
import { type Sim, simulate } from "../../../src/sim/simulate.ts";

const model = tool("model", {
  input: z.object({ prompt: z.string() }),
  output: z.object({ text: z.string() }),
  run: () => {
    throw new Error("the real model");
  },
});

const Counter = actor("counter", {
  state: z.object({ n: z.number() }),
  messages: {
    add: z.object({ by: z.number() }),
    get: ask(z.object({}), z.number()),
    think: ask(z.object({ prompt: z.string() }), z.string()),
    never: ask(z.object({}), z.number()),
    later: ask(z.object({}), z.number()),
    boom: z.object({}),
    real: ask(z.object({}), z.number()),
  },
  init: () => ({ n: 0 }),
  on: {
    add: ({ n }, { by }) => ({ n: n + by }),
    get: ({ n }, _message, ctx) => ctx.reply(n),
    async think({ n }, { prompt }, ctx) {
      ctx.reply((await ctx.use(model, { prompt })).text);
      return { n: n + 1 };
    },
    never: (_state, _message, ctx) => void ctx.defer(),
    async later(_state, _message, ctx) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      ctx.reply(ctx.now());
    },
    boom: () => {
      throw new Error("boom");
    },
    async real({ n }, _message, ctx) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      ctx.reply(n);
    },
  },
});

/** Ticks once a minute, and asks its counter to count. */
const Ticker = actor("ticker", {
  args: z.object({ counter: z.string() }),
  state: z.object({ counter: z.string() }),
  messages: { tick: z.object({}) },
  init: (args, ctx) => {
    ctx.after("1m", "tick", {});
    return args;
  },
  on: {
    tick: ({ counter }, _message, ctx) => {
      ctx.tell(ref(counter, Counter), "add", { by: 1 });
      ctx.after("1m", "tick", {});
    },
  },
});

const flags = { intensity: 1_000, period: "1s" as const };
const counters = dynamicRef("/app/counters", Counter);
const tree = app({
  root: supervisor("app", flags, [
    child("kept", Counter, { durable: true, tools: [model] }),
    child("ticker", Ticker, { args: { counter: "/app/kept" } }),
    child("lost", Counter),
    dynamic("counters", flags, Counter, { durable: true }),
  ]),
});
const kept = ref("/app/kept", Counter);
const lost = ref("/app/lost", Counter);
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error) => (error instanceof ActorError ? error.code : error),
  );

describe("time", () => {
  test("a week passes in no time", async () => {
    const sim = await simulate(tree, { days: 7 });
    expect(sim.now).toBe(7 * 86_400_000);
    expect(await sim.ask(kept, "get", {})).toBe(7 * 24 * 60);
  });

  test("the script decides; the rest of the duration follows", async () => {
    const seen: number[] = [];
    const sim = await simulate(tree, {
      duration: "10m",
      script: async (now) => {
        await now.tell(lost, "add", { by: 2 });
        seen.push(now.now, await now.ask(lost, "get", {}));
        await now.advance("90s");
        seen.push(now.now, await now.ask(kept, "get", {}));
      },
    });
    expect(seen).toEqual([0, 2, 90_000, 1]);
    expect(sim.now).toBe(600_000);
  });

  test("an ask goes on to its answer or its timeout", async () => {
    const sim = await simulate(tree);
    expect(await codeOf(sim.ask(lost, "never", {}, { timeout: "3h" }))).toBe("timeout");
    expect(sim.now).toBe(3 * 3_600_000);
    expect(await codeOf(sim.ask(ref("/app/nobody", Counter), "get", {}))).toBe("no_actor");
    expect(await codeOf(sim.ask(lost, "nope" as never, {} as never))).toBe("E_MESSAGE_TYPE");
    expect(await codeOf(sim.tell(lost, "add", { by: "x" as never }))).toBe("E_MESSAGE_SCHEMA");
  });

  test("asks side by side", async () => {
    const sim = await simulate(tree, { tools: [fake(model, { text: "ok" }, { delay: "1s" })] });
    const one = sim.ask(kept, "think", { prompt: "a" });
    const two = sim.ask(lost, "get", {});
    expect([await two, await one, sim.now]).toEqual([0, "ok", 1_000]);
  });

  test("a handler that awaits something real is waited for, and time stands still", async () => {
    const sim = await simulate(tree);
    expect(await sim.ask(lost, "later", {})).toBe(0);
  });
});

describe("tools", () => {
  test("fakes answer, after their delay", async () => {
    const upper = fake(model, ({ prompt }) => ({ text: prompt.toUpperCase() }), { delay: "2s" });
    const sim = await simulate(tree, { tools: [upper] });
    expect(await sim.ask(kept, "think", { prompt: "hi" })).toBe("HI");
    expect(sim.now).toBe(2_000);
  });

  test("a tool without a fake, and one without a grant, are denied", async () => {
    const sim = await simulate(tree);
    expect(await codeOf(sim.ask(lost, "think", { prompt: "hi" }))).toBe("exited");
    const faked = await simulate(tree, { tools: [fake(model, { text: "" })] });
    const error = await faked.ask(lost, "think", { prompt: "hi" }).catch((each) => each);
    expect(formatReason(error.reason)).toContain("is not granted");
  });
});

describe("the live tree", () => {
  const lines = (sim: Sim) =>
    sim.tree().map((each) => `${each.path} #${each.incarnation} ${each.status}`);

  test("parents first, in start order, with restarts and last exits", async () => {
    const sim = await simulate(tree);
    await sim.start(counters, { id: "x", args: undefined });
    expect((await sim.start(counters, { args: undefined })).path).toBe("/app/counters/#1");
    await sim.tell(lost, "boom", {});
    expect(lines(sim)).toEqual([
      "/app #1 idle",
      "/app/kept #1 idle",
      "/app/ticker #1 idle",
      "/app/lost #2 idle",
      "/app/counters #1 idle",
      "/app/counters/x #1 idle",
      "/app/counters/#1 #1 idle",
    ]);
    const row = sim.tree().find((each) => each.path === lost.path);
    expect(formatReason(row!.lastExit!.reason)).toBe("error Error: boom");
    expect(await codeOf(sim.start(counters, { id: "x", args: undefined }))).toBe("refused");
  });

  test("kill and administrative calls", async () => {
    const sim = await simulate(tree);
    await sim.tell(lost, "add", { by: 5 });
    await sim.kill("/app/lost");
    expect(await sim.getState(lost)).toEqual({ n: 0 });
    expect(await codeOf(sim.kill("/app/nobody"))).toBe("E_PATH_UNKNOWN");
    expect(await sim.admin("/app", { op: "terminate_child", id: "lost" })).toEqual({ ok: null });
    expect(lines(sim)).toContain("/app/lost #2 undefined");
    await sim.kill("/app");
    expect(sim.ended).toMatchObject({ tag: "killed" });
    expect(await codeOf(sim.ask(lost, "get", {}))).toBe("no_actor");
    await sim.advance("1h");
  });
});

describe("losses", () => {
  test("a lost thread: durable state stays, the rest begins again", async () => {
    const sim = await simulate(tree, { threads: 1 });
    await sim.tell(kept, "add", { by: 3 });
    await sim.tell(lost, "add", { by: 3 });
    await sim.loseThread(1);
    expect([await sim.ask(kept, "get", {}), await sim.ask(lost, "get", {})]).toEqual([3, 0]);
    expect(sim.events.filter((each) => each.type === "exited")).toEqual([]);
    expect(await codeOf(sim.loseThread(0))).toBe("E_SPEC_RANGE");
  });

  test("the process dies and comes back: durable state, children and mail stay", async () => {
    const sim = await simulate(tree);
    await sim.tell(kept, "add", { by: 3 });
    await sim.tell(lost, "add", { by: 3 });
    const extra = await sim.start(counters, { id: "x", args: undefined });
    await sim.tell(extra, "add", { by: 4 });
    // Lives are numbered, and the store refuses lower ones than it has seen.
    for (let i = 0; i < 5; i++) await sim.kill(kept.path);
    for (let round = 1; round <= 3; round++) {
      await sim.advance("1m");
      await sim.crashAndRestart();
      expect(await sim.ask(kept, "get", {})).toBe(3 + round);
      expect(await sim.ask(lost, "get", {})).toBe(0);
      expect(await sim.ask(extra, "get", {})).toBe(4);
    }
    const reasons = sim.events.flatMap((each) => (each.type === "exited" ? [each.reason.tag] : []));
    expect(new Set(reasons)).toEqual(new Set(["killed"]));
  });

  test("it dies in the middle, after any number of steps: exactly once, or not at all", async () => {
    const outcomes = new Set<string>();
    for (let steps = 0; steps < 40; steps++) {
      const sim = await simulate(tree, { seed: steps, tools: [fake(model, { text: "ok" })] });
      const asked = codeOf(sim.ask(kept, "think", { prompt: "?" }));
      await sim.crashAndRestart({ steps });
      outcomes.add(`${await asked} ${await sim.ask(kept, "get", {})}`);
    }
    expect([...outcomes].sort()).toEqual(["exited 0", "exited 1", "no error 1"]);
  });

  test("the answer to an ask of a former life reaches nobody", async () => {
    for (let steps = 1; steps < 30; steps++) {
      const sim = await simulate(tree, {
        seed: steps,
        tools: [fake(model, { text: "stale" }, { delay: "1s" })],
      });
      const asked = codeOf(sim.ask(kept, "think", { prompt: "?" }));
      await sim.crashAndRestart({ steps });
      await asked;
      // The stored message is handled again and answered under its old number.
      expect(await codeOf(sim.ask(lost, "never", {}, { timeout: "10s" }))).toBe("timeout");
    }
  });
});

describe("seeds and faults", () => {
  const busy = (seed: number) =>
    simulate(tree, {
      seed,
      duration: "1h",
      faults: { crash: 0.2, loseThread: 0.1 },
      tools: [fake(model, { text: "ok" })],
    });

  test("same seed, same hash; another seed, another run", async () => {
    const [a, b, c] = [await busy(7), await busy(7), await busy(8)];
    expect(a.hash).toBe(b.hash);
    expect(a.events).toEqual(b.events);
    expect(a.hash).not.toBe(c.hash);
  });

  test("faults do happen, and calm() ends them", async () => {
    const sim = await busy(1);
    const killed = sim.events.filter(
      (each) => each.type === "exited" && each.reason.tag === "killed",
    );
    expect(killed.length).toBeGreaterThan(5);
    expect(killed.some((each) => each.type === "exited" && each.path === "/app/ticker")).toBe(true);
    sim.calm();
    await sim.advance("1m");
    const before = sim.events.length;
    await sim.advance("1h");
    const later = new Set(sim.events.slice(before).map((each) => each.type));
    expect([...later]).toEqual(["committed"]);
  });

  test("a durable counter counts what it was told, whatever happens", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const sim = await simulate(tree, { seed, faults: { crash: 0.3 } });
      for (let i = 0; i < 50; i++) await sim.tell(kept, "add", { by: 1 });
      sim.calm();
      expect(await sim.ask(kept, "get", {})).toBe(50);
    }
  });

  test("what a run needs to be repeated is in its options only", async () => {
    const seen: string[] = [];
    const run = () =>
      simulate(tree, { seed: 3, duration: "10m", onEvent: (e) => seen.push(e.type) });
    const sim = await run();
    expect(seen).toEqual(sim.events.map((each) => each.type));
  });
});

describe("what cannot be simulated", () => {
  test("a tree that does not start", async () => {
    const Bad = actor("bad", {
      state: z.null(),
      messages: {},
      init: () => {
        throw new Error("no");
      },
      on: {},
    });
    const bad = app({ root: supervisor("app", {}, [child("bad", Bad)]) });
    expect(await codeOf(simulate(bad))).toBe("E_START_FAILED");
  });

  test("settings outside of their limits", async () => {
    expect(await codeOf(simulate(tree, { threads: 0 }))).toBe("E_SPEC_RANGE");
    expect(await codeOf(simulate(tree, { threads: 8 }))).toBe("E_SPEC_RANGE");
    expect(await codeOf(simulate(tree, { faults: { crash: 2 } }))).toBe("E_SPEC_RANGE");
    expect(await codeOf(simulate(tree, { faults: { loseThread: -1 } }))).toBe("E_SPEC_RANGE");
    expect(await codeOf(simulate(tree, { duration: "soon" as never }))).toBe("E_UNITS");
  });
});
