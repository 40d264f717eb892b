// What ctx.step may be told: how often to try again, and how long it may take.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { child, supervisor } from "../../../src/actor/spec.ts";
import type { Duration } from "../../../src/actor/units.ts";
import { MemoryEngine } from "../../../src/store/memory.ts";
import { reborn } from "../../conformance/server-harness.ts";

type Options = { retries?: number; timeout?: Duration };
const keys: string[] = [];
/** What the step does, by the number of its run. */
let effect: (run: number) => unknown = () => 1;

const Agent = actor("agent", {
  state: z.array(z.string()),
  messages: { act: z.unknown() },
  init: () => [],
  on: {
    act: async (state, options, ctx) => {
      const run = (_signal: AbortSignal, key: string) => effect(keys.push(key));
      const end = await ctx.step("pay", run, options as Options).then(
        (value) => `ok ${value}`,
        (error) => `${(error as { code: string }).code} ${(error as Error).message}`,
      );
      return [...state, end];
    },
  },
});

const fails = (until: number) => (run: number) => {
  if (run < until) throw new Error(`run ${run}`);
  return run;
};

async function node(engine: MemoryEngine, generation: number, durable = true) {
  if (generation === 0) keys.length = 0;
  const t = reborn(engine, generation);
  const a = child("a", Agent, { durable });
  expect(await t.start(supervisor("s", { intensity: 9 }, [a]))).toBe("ok");
  return t;
}

test.each([true, false])(
  "it is run again as often as told, with one key; durable: %s",
  async (durable) => {
    const t = await node(new MemoryEngine(), 0, durable);
    effect = fails(3);
    await t.tell("a", "act", { retries: 2 });
    expect(await t.state("a")).toEqual(["ok 3"]);
    expect([keys.length, new Set(keys).size]).toEqual([3, 1]);
  },
);

test("after the last one its failure is the answer, recorded for a rerun", async () => {
  const t = await node(new MemoryEngine(), 0);
  effect = fails(9);
  await t.tell("a", "act", { retries: 1 });
  await t.tell("a", "act", {});
  expect(await t.state("a")).toEqual(["exited run 2", "exited run 3"]);
  expect([keys.length, new Set(keys).size]).toEqual([3, 2]);
});

test("over its time it ends with timeout, all runs together, and is not run again", async () => {
  const t = await node(new MemoryEngine(), 0);
  const late: ((reason: Error) => void)[] = [];
  effect = () => new Promise((_resolve, reject) => late.push(reject));
  await t.tell("a", "act", { retries: 5, timeout: "2s" });
  await t.advance(1_000);
  late[0]?.(new Error("late"));
  await t.settle();
  expect(keys).toHaveLength(2);
  await t.advance(999);
  const status = () => (t.world.kernelOf("/s/a").members.get("/s/a") as { status?: string }).status;
  expect(status()).toBe("parked");
  await t.advance(1);
  late[1]?.(new Error("too late"));
  await t.settle();
  expect([status(), keys.length]).toEqual(["idle", 2]);
  expect(await t.state("a")).toMatchObject([expect.stringMatching(/^timeout /)]);
});

test("a crash between two runs: the next life runs it with the same key, and its retries anew", async () => {
  const engine = new MemoryEngine();
  const one = await node(engine, 0);
  effect = (run) => (run === 1 ? fails(9)(run) : new Promise(() => {}));
  await one.tell("a", "act", { retries: 1 });
  expect(keys).toHaveLength(2);
  effect = fails(4);
  const two = await node(engine, 1);
  await two.settle();
  expect(await two.state("a")).toEqual(["ok 4"]);
  expect([keys.length, new Set(keys).size]).toEqual([4, 1]);
});
