// Async handlers of durable actors under kills and shutdowns at random moments: a rerun takes the same
// way, also when it waits for many things at once, and every effect happens once.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import type { AnyContext } from "../../../src/actor/context.ts";
import { ask, ref } from "../../../src/actor/protocol.ts";
import { child, supervisor } from "../../../src/actor/spec.ts";
import { seeded } from "../../../src/sim/random.ts";
import type { MemoryEngine } from "../../../src/store/memory.ts";
import { Bench } from "../../conformance/harness.ts";

type Plan = (ctx: AnyContext) => Promise<number>;
let plan: Plan = async () => 0;
const tells: string[] = [];

const Agent = actor("agent", {
  state: z.array(z.number()),
  messages: { go: z.null() },
  init: (): number[] => [],
  on: { go: async (state, _null, ctx) => [...state, await plan(ctx)] },
});

const Helper = actor("helper", {
  state: z.null(),
  messages: { square: ask(z.number(), z.number()), line: z.string() },
  init: () => null,
  on: {
    square: (_state, n, ctx) => ctx.reply(n * n),
    line: (_state, text) => {
      tells.push(text);
    },
  },
});
const helper = ref("/s/helper", Helper);

/** Four waits, one after the other, with two things at a time. */
const inLine: Plan = async (ctx) => {
  let sum = 0;
  for (let i = 1; i <= 4; i++) {
    ctx.tell(helper, "line", `${i}`);
    const both = [ctx.ask(helper, "square", i), ctx.step(`step ${i}`, () => i)] as const;
    const [a, b] = await Promise.all(both);
    sum += a + b;
  }
  ctx.tell(helper, "line", "end");
  return sum;
};

/** Four branches at once; `hops` is how many microtasks a branch takes between its waits. */
const inParallel =
  (hops: (i: number) => number): Plan =>
  async (ctx) => {
    const branch = async (i: number) => {
      const a = await ctx.ask(helper, "square", i);
      for (let n = hops(i); n > 0; n--) await Promise.resolve();
      ctx.tell(helper, "line", `${i}`);
      const b = await ctx.step(`step ${i}`, () => i);
      ctx.tell(helper, "line", `${i} again`);
      return a + b;
    };
    const sums = await Promise.all([1, 2, 3, 4].map(branch));
    ctx.tell(helper, "line", "end");
    return sums.reduce((a, b) => a + b);
  };

/** A slow thing beside a quick line of waits: what is recorded goes before what is new. */
const slowBeside: Plan = async (ctx) => {
  const slow = ctx.ask(helper, "square", 4).then((n) => {
    ctx.tell(helper, "line", "slow");
    return n;
  });
  let sum = 0;
  for (let i = 1; i <= 6; i++) {
    sum += await ctx.step(`quick ${i}`, () => i);
    ctx.tell(helper, "line", `${i}`);
  }
  return sum + (await slow);
};

async function run(seed: number, body: Plan, most = 4) {
  tells.length = 0;
  plan = body;
  const t = new Bench({ threads: 2, seed });
  const random = seeded(seed + 5_000);
  const agent = child("a", Agent, { durable: true });
  const spec = supervisor("s", { intensity: 50 }, [child("helper", Helper), agent]);
  expect(await t.start(spec)).toBe("ok");
  t.world.send(t.world.control.mail("/s/a", "go", null, "", 0));
  for (let kills = 0; kills < most; kills++) {
    for (let i = Math.floor(random() * 60); i > 0 && t.world.step(); i--) {
      if (t.world.takeLoose()) await t.world.drain();
    }
    const [to, life] = ["/s/a", 0];
    if (random() < 0.5) t.world.send({ kind: "kill", to, life, by: "operator" });
    else t.world.send({ kind: "shutdown", to, life, reason: { tag: "shutdown" } });
  }
  await t.settle();
  expect(t.downs("a").filter((each) => each.startsWith("nondet"))).toEqual([]);
  expect((t.world.engine as MemoryEngine).waiting("/s/a")).toEqual([]);
  return { state: await t.state("a"), tells: [...tells] };
}

test("one wait after the other: each tell arrives once, in order", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const got = await run(seed, inLine);
    expect(got).toEqual({ state: [40], tells: ["1", "2", "3", "4", "end"] });
  }
});

const EACH_ONCE = ["1", "1 again", "2", "2 again", "3", "3 again", "4", "4 again", "end"];

for (const [name, hops] of [
  ["of one length", () => 0],
  ["of different lengths", (i: number) => (4 - i) * 2],
] as const) {
  test(`parallel branches ${name}: each tell arrives once`, async () => {
    for (let seed = 1; seed <= 200; seed++) {
      const { state, tells } = await run(seed, inParallel(hops));
      expect(state).toEqual([40]);
      expect(tells.at(-1)).toBe("end");
      expect(tells.toSorted()).toEqual(EACH_ONCE);
    }
  });
}

test("something slow beside a quick line: each tell arrives once, the line's in order", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const { state, tells } = await run(seed, slowBeside);
    expect(state).toEqual([37]);
    expect(tells.filter((each) => each !== "slow")).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(tells).toHaveLength(7);
  }
});

test("what is recorded goes before what is new, however quick that is", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    let runs = 0;
    const { state, tells } = await run(
      seed,
      async (ctx) => {
        const first = ++runs === 1;
        const slow = ctx
          .step("slow", () => (first ? new Promise<void>(() => {}) : undefined))
          .then(() => ctx.tell(helper, "line", "slow"));
        for (let i = 1; i <= 30; i++) {
          await ctx.step(`quick ${i}`, () => i);
          ctx.tell(helper, "line", `${i}`);
        }
        if (first) throw new Error("crash");
        await slow;
        return runs;
      },
      0,
    );
    expect(state).toEqual([2]);
    expect(tells).toEqual([...Array.from({ length: 30 }, (_, i) => `${i + 1}`), "slow"]);
  }
});
