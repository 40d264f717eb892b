// Mail of an actor that forgets to a durable one: handled in time, it is never written (ADR 0034).
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { child, supervisor } from "../../../src/actor/spec.ts";
import type { Cell } from "../../../src/kernel/cell.ts";
import { MemoryEngine } from "../../../src/store/memory.ts";
import type { Engine, StoreAnswer, StoreOp } from "../../../src/store/store.ts";
import type { Bench } from "../../conformance/harness.ts";
import { reborn, until } from "../../conformance/server-harness.ts";

/** What the test looks at from outside of the actors. */
const seen = { runs: 0, keys: [] as string[], held: [] as (() => void)[] };

const messages = {
  note: z.any(),
  slow: z.string(),
  careless: z.string(),
  poison: z.string(),
};

const Diary = actor("diary", {
  state: z.array(z.string()),
  messages,
  init: () => [],
  on: {
    note: (state, text) => [...state, text instanceof Map ? "a map" : String(text)],
    slow: async (state, text) => [...state, text],
    // It awaits, and does not look like it.
    careless: (state, text, ctx) => {
      const step = (_signal: AbortSignal, key: string) => {
        seen.keys.push(key);
        return new Promise<void>((resolve) => void seen.held.push(resolve));
      };
      return ctx.step("wait", step).then(() => [...state, text]);
    },
    poison: () => {
      seen.runs++;
      throw new Error("poison");
    },
  },
});

const Speaker = actor("speaker", {
  state: z.null(),
  messages: { say: z.array(z.tuple([z.string(), z.any()])) },
  init: () => null,
  on: {
    say: (_state, list, ctx) => {
      const diary = { path: "/s/diary", behaviour: "diary" } as never;
      for (const [type, message] of list) ctx.tell(diary, type as never, message as never);
    },
  },
});

/** Notes what is asked of it. */
class Noting implements Engine {
  readonly memory = new MemoryEngine();
  readonly ops: StoreOp[] = [];

  execute(ops: readonly StoreOp[]): StoreAnswer[] {
    this.ops.push(...ops);
    return this.memory.execute(ops);
  }

  close(): void {}

  get written(): number {
    return this.ops.filter(({ kind }) => kind === "enqueue").length;
  }

  get acked(): number {
    return this.ops.reduce(
      (sum, op) => sum + (op.kind === "commit" ? op.commit.acks.length : 0),
      0,
    );
  }
}

const tree = (maxDeliveries: number) =>
  supervisor("s", { intensity: 9 }, [
    child("diary", Diary, { durable: true, maxDeliveries }),
    child("speaker", Speaker),
  ]);

async function node(
  engine = new Noting(),
  generation = 0,
  maxDeliveries = 3,
): Promise<[Bench, Noting]> {
  Object.assign(seen, { runs: 0, keys: [], held: [] });
  const t = reborn(engine, generation);
  expect(await t.start(tree(maxDeliveries))).toBe("ok");
  return [t, engine];
}

const say = (t: Bench, ...list: [type: string, message: unknown][]) =>
  t.tell("speaker", "say", list);
const bodies = (engine: Noting) => engine.memory.waiting("/s/diary").map(({ type }) => type);

test("what is handled at once is not written, and what it led to is", async () => {
  const [t, engine] = await node();
  await say(t, ["note", "one"], ["note", { two: 2 }], ["note", "three"]);
  expect([engine.written, engine.acked]).toEqual([0, 0]);
  const [again] = await node(engine, 1);
  expect(await again.state("diary")).toEqual(["one", "[object Object]", "three"]);
});

test("mail from outside is written first", async () => {
  const [t, engine] = await node();
  await t.tell("diary", "note", "one");
  expect([engine.written, engine.acked]).toEqual([1, 1]);
});

test("what waits is written when the store has nothing else to do, in the order of sending", async () => {
  const [t, engine] = await node();
  await t.suspend("diary");
  await say(t, ["note", "one"], ["slow", "two"], ["note", new Map([[1, 2]])], ["poison", "four"]);
  expect(bodies(engine)).toEqual(["note", "slow", "note", "poison"]);
  await t.resume("diary");
  await t.settle();
  expect(await t.state("diary")).toEqual(["one", "two", "a map"]);
  expect(seen.runs).toBe(3);
});

test("mail of both kinds is handled in the order of sending", async () => {
  const [t] = await node();
  await say(t, ["note", "1"], ["slow", "2"], ["note", "3"], ["note", new Map()], ["note", "5"]);
  expect(await t.state("diary")).toEqual(["1", "2", "3", "a map", "5"]);
});

for (const times of [1, 3]) {
  test(`a message that makes its actor crash ${times} times is a dead letter of the store`, async () => {
    const [t, engine] = await node(new Noting(), 0, times);
    await say(t, ["note", "before"], ["poison", "x"], ["note", "behind"]);
    await t.settle();
    expect(seen.runs).toBe(times);
    expect(await t.state("diary")).toEqual(["before", "behind"]);
    const [answer] = engine.execute([{ kind: "letters", path: null, id: null, max: 9 }]);
    const mail = { type: "poison", attempts: times - 1 };
    expect(answer).toMatchObject({ total: 1, letters: [{ mail }] });
    expect(bodies(engine)).toEqual([]);
  });
}

test("a handler that waits without saying so has its number first, and goes on after a restart", async () => {
  const [t, engine] = await node();
  await say(t, ["note", "before"], ["careless", "x"]);
  expect(seen.keys).toEqual(["/s/diary/2/0"]);
  expect(bodies(engine)).toEqual(["careless"]);
  const [again] = await node(engine, 1);
  expect(seen.keys).toEqual(["/s/diary/2/0"]);
  for (const each of seen.held) each();
  await again.settle();
  await again.world.drain();
  await again.settle();
  expect(await again.state("diary")).toEqual(["before", "x"]);
  expect(bodies(engine)).toEqual([]);
});

test("who is killed before his commit is there has the message again", async () => {
  const [t, engine] = await node();
  const { world } = t;
  world.send(world.control.mail("/s/speaker", "say", [["note", "one"]], "", 0));
  const statusOf = () => (world.kernelOf("/s/diary").members.get("/s/diary") as Cell).status;
  await until(world, () => statusOf() === "committing");
  world.send({ kind: "kill", to: "/s/diary", life: 0, by: "operator" });
  await t.settle();
  expect(await t.state("diary")).toEqual(["one"]);
  expect(bodies(engine)).toEqual([]);
});
