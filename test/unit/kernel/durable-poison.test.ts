// Messages during which their actor is gone without a word: each delivery is counted in the store
// before it happens, and after too many they are dead letters.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { ask } from "../../../src/actor/protocol.ts";
import { child, supervisor } from "../../../src/actor/spec.ts";
import { decode } from "../../../src/store/codec.ts";
import { MemoryEngine } from "../../../src/store/memory.ts";
import type { Bench } from "../../conformance/harness.ts";
import { reborn } from "../../conformance/server-harness.ts";

const entered: string[] = [];
const never = () => new Promise<never>(() => {});

const Clerk = actor("clerk", {
  state: z.array(z.string()),
  messages: {
    note: z.string(),
    deadly: z.string(),
    stepwise: z.number(),
    question: ask(z.null(), z.null()),
  },
  init: () => [],
  on: {
    note: (state, text) => {
      entered.push(text);
      return [...state, text];
    },
    deadly: async (_state, text) => {
      entered.push(text);
      await never();
    },
    stepwise: async (state, steps, ctx) => {
      for (let n = 0; n < steps; n++) {
        await ctx.step(`s${n}`, () => (doneSteps.has(n) ? n : never()));
      }
      return [...state, "stepwise"];
    },
    question: async () => {
      entered.push("question");
      await never();
    },
  },
});
const doneSteps = new Set<number>();

const LIMIT = 2;
const tree = () =>
  supervisor("s", { intensity: 99 }, [
    child("a", Clerk, { durable: true, maxInterruptions: LIMIT }),
  ]);

async function node(engine: MemoryEngine, generation: number): Promise<Bench> {
  if (generation === 0) {
    entered.length = 0;
    doneSteps.clear();
  }
  const t = reborn(engine, generation);
  expect(await t.start(tree())).toBe("ok");
  return t;
}

const tries = (engine: MemoryEngine) =>
  engine.waiting("/s/a").map((mail) => [decode(mail.body), mail.tries]);
const post = (t: Bench, type: string, message: unknown) =>
  t.world.send(t.world.control.mail("/s/a", type, message, "", 0));
const dead = (t: Bench) => t.of("dead_letter").map(({ reason, message }) => `${message} ${reason}`);

test("a message that ends its node each time is a dead letter in the end; others go on", async () => {
  const engine = new MemoryEngine();
  const first = await node(engine, 0);
  for (const text of ["one", "two"]) post(first, "note", text);
  post(first, "deadly", "X");
  for (const text of ["three", "four"]) post(first, "note", text);
  await first.settle();
  for (let generation = 1; generation <= LIMIT; generation++) {
    const t = await node(engine, generation);
    await t.settle();
    expect(tries(engine)[0]).toEqual(["X", generation]);
    expect(dead(t)).toEqual([]);
  }
  const last = await node(engine, LIMIT + 1);
  await last.settle();
  expect(dead(last)).toEqual(["deadly max_deliveries"]);
  expect(entered.filter((text) => text === "X")).toHaveLength(LIMIT + 1);
  expect(await last.state("a")).toEqual(["one", "two", "three", "four"]);
  expect(tries(engine)).toEqual([]);
  const [answer] = engine.execute([{ kind: "letters", path: null, id: null, max: 9 }]);
  const letters = answer?.kind === "letters" ? answer.letters : [];
  expect(letters.map(({ reason }) => reason)).toMatchObject([{ name: "Interrupted" }]);
});

test("the count is in the store before the handler begins", async () => {
  const engine = new MemoryEngine();
  const first = await node(engine, 0);
  post(first, "deadly", "X");
  await first.settle();
  const t0 = await node(engine, 1);
  await t0.settle();
  entered.length = 0;
  const t = reborn(engine, 2);
  t.world.start(tree());
  while (entered.length === 0) {
    const before = tries(engine)[0]?.[1];
    expect(t.world.step()).toBe(true);
    if (t.world.takeLoose()) await t.world.drain();
    if (entered.length > 0) expect(before).toBe(2);
  }
});

test("so it is when its actor is killed, and whoever asks is told", async () => {
  const engine = new MemoryEngine();
  const t = await node(engine, 0);
  const box: string[] = [];
  t.world.control.request("/s/a", "question", null, 1e9, (answer) => {
    box.push(answer.ok ? "ok" : answer.code);
  });
  await t.settle();
  for (let n = 0; n <= LIMIT; n++) {
    expect(box).toEqual([]);
    await t.kill("a");
  }
  expect([box, dead(t)]).toEqual([["exited"], ["question max_deliveries"]]);
  expect(entered).toHaveLength(LIMIT + 1);
});

test("each recorded step begins the count anew", async () => {
  const engine = new MemoryEngine();
  const t = await node(engine, 0);
  post(t, "stepwise", 4);
  await t.settle();
  for (let n = 0; n < 4; n++) {
    for (let kills = 0; kills < LIMIT - 1; kills++) await t.kill("a");
    doneSteps.add(n);
    await t.kill("a");
  }
  expect([dead(t), await t.state("a")]).toEqual([[], ["stepwise"]]);
});

test("an orderly stop is no interruption, nor is the end of what has lasted for a minute", async () => {
  const engine = new MemoryEngine();
  const first = await node(engine, 0);
  post(first, "deadly", "X");
  await first.settle();
  let generation = 0;
  const next = async () => {
    const t = await node(engine, ++generation);
    await t.settle();
    return t;
  };
  for (let n = 0; n < LIMIT + 2; n++) {
    const t = await next();
    expect(tries(engine)).toEqual([["X", 1]]);
    await t.stop();
    expect(dead(t)).toEqual([]);
  }
  for (let n = 0; n < LIMIT + 2; n++) {
    const t = await next();
    await t.advance(61_000);
    expect([dead(t), tries(engine)]).toEqual([[], [["X", 0]]]);
  }
  for (let n = 0; n < LIMIT; n++) await next();
  expect(dead(await next())).toEqual(["deadly max_deliveries"]);
});

test("mail that comes to a running actor is not counted: no write more than before", async () => {
  const engine = new MemoryEngine();
  const commits: number[] = [];
  const execute = engine.execute.bind(engine);
  engine.execute = (ops) => {
    for (const op of ops) if (op.kind === "commit") commits.push(op.commit.tries.length);
    return execute(ops);
  };
  const t = await node(engine, 0);
  for (let n = 0; n < 5; n++) await t.tell("a", "note", `${n}`);
  expect(commits).toEqual([0, 0, 0, 0, 0, 0]);
});
