// States that grow over the limit of their child spec: nothing of the message that did it is committed.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor, IGNORE } from "../../../src/actor/actor.ts";
import { ask } from "../../../src/actor/protocol.ts";
import { child, dynamic, supervisor } from "../../../src/actor/spec.ts";
import { encode } from "../../../src/store/codec.ts";
import { MemoryEngine } from "../../../src/store/memory.ts";
import type { Bench } from "../../conformance/harness.ts";
import { reborn } from "../../conformance/server-harness.ts";

const text = (length: number) => "x".repeat(length);
const short = (state: readonly string[]) => state.map(({ length }) => length);

const Diary = actor("diary", {
  args: z.number().optional(),
  state: z.array(z.string()),
  messages: { add: z.number(), later: z.number(), ask: ask(z.number(), z.null()), quiet: z.null() },
  init: (length) => {
    if (length === 0) return IGNORE;
    return length === undefined ? [] : [text(length)];
  },
  on: {
    add: (state, length) => [...state, text(length)],
    quiet: () => {},
    later: async (state, length, ctx) => {
      await ctx.step("wait", async () => null);
      return [...state, text(length)];
    },
    ask: (state, length, ctx) => {
      ctx.reply(null);
      return [...state, text(length)];
    },
  },
});

const tree = (stateMax: number, intensity = 9) =>
  supervisor("s", { intensity }, [
    child("a", Diary, { durable: true, stateMax }),
    dynamic("d", { intensity }, Diary, { durable: true, stateMax }),
  ]);

async function node(stateMax: number, engine = new MemoryEngine(), start = 0): Promise<Bench> {
  const t = reborn(engine, start);
  expect(await t.start(tree(stateMax))).toBe("ok");
  return t;
}

const state = async (t: Bench) => short((await t.state("a")) as string[]);
/** From outside: into the store before it is handled. */
const post = (t: Bench, type: string, message: unknown) =>
  t.world.send(t.world.control.mail("/s/a", type, message, "", 0));

test("who goes over it has crashed, and goes on from the state before", async () => {
  const t = await node(2_000);
  for (const length of [1_000, 900, 500, 50]) post(t, "add", length);
  await t.settle();
  expect(await state(t)).toEqual([1_000, 900, 50]);
  const ends = t.of("exited").map(({ reason }) => reason);
  expect(ends).toHaveLength(3);
  for (const reason of ends) {
    expect(reason).toMatchObject({ tag: "error", name: "ActorError" });
    expect(reason).toMatchObject({
      message: expect.stringMatching(
        /^E_STATE_SIZE: a state of 24\d\d bytes, and stateMax is 2000: keep .* behind a tool/,
      ),
    });
  }
  // As any other message that its actor cannot handle.
  const letters = t.of("dead_letter").map(({ message, reason }) => [message, reason]);
  expect(letters).toEqual([["add", "max_deliveries"]]);
});

test("exactly the limit is not over it; what changes no state is not looked at", async () => {
  const most = encode([text(1_500)]).length;
  for (const [limit, lengths] of [
    [most, [1_500]],
    [most - 1, []],
  ] as const) {
    const t = await node(limit);
    post(t, "add", 1_500);
    post(t, "quiet", null);
    await t.settle();
    expect(await state(t)).toEqual(lengths);
  }
});

test("nothing of the message leaves: no answer, no state, no step is taken twice", async () => {
  const t = await node(2_000);
  const answer = await t.ask("a", "ask", 5_000);
  post(t, "later", 5_000);
  await t.settle();
  expect(answer).toMatchObject({ ok: false, code: "exited" });
  expect(await state(t)).toEqual([]);
  const letters = t.of("dead_letter").map(({ message, reason }) => [message, reason]);
  expect(letters).toEqual([
    ["ask", "max_deliveries"],
    ["later", "max_deliveries"],
  ]);
});

test("a first state that is too large is no start, and the store knows nothing of it", async () => {
  const engine = new MemoryEngine();
  const t = await node(2_000, engine);
  const start = (id: string, args: number) => t.admin({ op: "start_child", id, args }, "d");
  expect(await start("big", 3_000)).toMatchObject({
    error: "start_failed",
    reason: { tag: "error", message: expect.stringContaining("stateMax is 2000") },
  });
  expect(await start("small", 1_000)).toEqual({ ok: "small" });
  expect(await start("none", 0)).toEqual({ ok: null });
  const again = reborn(engine, 1);
  expect(await again.start(tree(2_000))).toBe("ok");
  expect([again.alive("d/big"), again.alive("d/small")]).toEqual([false, true]);
});

test("a limit that was lowered keeps nobody from starting: the next change has to fit", async () => {
  const engine = new MemoryEngine();
  const t = await node(9_000, engine);
  post(t, "add", 5_000);
  await t.settle();
  const lowered = await node(2_000, engine, 1);
  expect(await state(lowered)).toEqual([5_000]);
  post(lowered, "add", 1);
  await lowered.settle();
  expect(await state(lowered)).toEqual([5_000]);
  expect(lowered.of("dead_letter")).toHaveLength(1);
});
