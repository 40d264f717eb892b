// Durable actors on a simulated node: what a crash keeps, how often a message comes again.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { ask } from "../../../src/actor/protocol.ts";
import { child, type SupervisorSpec, supervisor } from "../../../src/actor/spec.ts";
import { seeded } from "../../../src/sim/random.ts";
import { MemoryEngine } from "../../../src/store/memory.ts";
import type { StoreAnswer, StoreOp } from "../../../src/store/store.ts";
import { Bench } from "../../conformance/harness.ts";
import { told } from "../../conformance/server-harness.ts";

const stateOf = z.object({ seen: z.array(z.string()) });
const Ledger = actor("ledger", {
  state: stateOf,
  messages: {
    add: z.string(),
    addAndTell: z.string(),
    crashAfterTelling: z.string(),
    crashUntil: z.object({ text: z.string(), attempt: z.number() }),
    answerAfterCrash: ask(z.number(), z.string()),
    quit: z.string(),
    nothing: z.null(),
  },
  init: () => ({ seen: [] }),
  on: {
    add: (state, text) => ({ seen: [...state.seen, text] }),
    addAndTell: (state, text, ctx) => {
      ctx.tell({ path: "/s/log", behaviour: "log" }, "line", text);
      return { seen: [...state.seen, text] };
    },
    crashAfterTelling: (_state, text, ctx) => {
      ctx.tell({ path: "/s/log", behaviour: "log" }, "line", text);
      throw new Error("crash");
    },
    crashUntil: (state, { text, attempt }) => {
      deliveries.push(text);
      if (deliveries.filter((each) => each === text).length < attempt) throw new Error("crash");
      return { seen: [...state.seen, text] };
    },
    answerAfterCrash: (_state, attempt, ctx) => {
      deliveries.push("ask");
      if (deliveries.length < attempt) throw new Error("crash");
      ctx.reply(`after ${deliveries.length}`);
    },
    quit: (_state, text, ctx) => {
      ctx.tell({ path: "/s/log", behaviour: "log" }, "line", text);
      ctx.exit({ tag: "error", name: "Test", message: "quit" });
    },
    nothing: () => {},
  },
});
const deliveries: string[] = [];

const lines: string[] = [];
const Log = actor("log", {
  state: z.null(),
  messages: { line: z.string() },
  init: () => null,
  on: {
    line: (_state, text) => {
      lines.push(text);
    },
  },
});

const tree = (maxDeliveries = 3, durableLog = false): SupervisorSpec =>
  supervisor("s", { intensity: 10 }, [
    child("log", Log, { durable: durableLog }),
    child("a", Ledger, { durable: true, maxDeliveries }),
  ]);

async function started(seed?: number, spec = tree()): Promise<Bench> {
  deliveries.length = lines.length = 0;
  const t = new Bench(seed === undefined ? {} : { threads: 2, seed });
  expect(await t.start(spec)).toBe("ok");
  return t;
}

/** Posts without letting anything happen in between. */
function post(t: Bench, type: string, message: unknown): void {
  t.world.send(t.world.control.mail("/s/a", type, message, "", 0));
}

test("a crash in the middle keeps state and effects of the messages before it", async () => {
  const t = await started();
  post(t, "addAndTell", "one");
  post(t, "addAndTell", "two");
  post(t, "crashAfterTelling", "never");
  post(t, "addAndTell", "three");
  await t.settle();
  expect(await t.state("a")).toEqual({ seen: ["one", "two", "three"] });
  expect(lines).toEqual(["one", "two", "three"]);
  expect(t.downs("a")).toEqual(Array(3).fill("error Error: crash"));
});

test("the state after a restart is the committed one, not a new one", async () => {
  const t = await started();
  await t.tell("a", "add", "one");
  await t.kill("a");
  expect(t.down("a")).toBe("killed by operator");
  expect(await t.state("a")).toEqual({ seen: ["one"] });
  expect(t.of("started").filter(({ path }) => path === "/s/a")).toHaveLength(2);
});

test("effects leave after the commit, never before", async () => {
  const t = await started();
  post(t, "addAndTell", "one");
  while (!t.of("committed").some(({ mails }) => mails === 1)) {
    expect(lines).toEqual([]);
    expect(t.world.step()).toBe(true);
  }
  await t.settle();
  expect(lines).toEqual(["one"]);
});

test("a state that did not change is not written again", async () => {
  const written: string[] = [];
  class Watched extends MemoryEngine {
    override execute(ops: readonly StoreOp[]): StoreAnswer[] {
      for (const op of ops) {
        if (op.kind === "commit") written.push(op.commit.state === null ? "no state" : "state");
      }
      return super.execute(ops);
    }
  }
  const t = new Bench({ engine: new Watched() });
  await t.start(tree());
  await t.tell("a", "addAndTell", "one");
  await t.tell("a", "nothing", null);
  expect(written).toEqual(["state", "state", "no state"]);
});

test("a failing message comes again and keeps its place", async () => {
  const t = await started();
  post(t, "crashUntil", { text: "x", attempt: 3 });
  post(t, "add", "behind");
  await t.settle();
  expect(deliveries).toEqual(["x", "x", "x"]);
  expect(await t.state("a")).toEqual({ seen: ["x", "behind"] });
  expect(t.of("dead_letter")).toEqual([]);
});

test("after maxDeliveries it is a dead letter, in memory and in the store", async () => {
  for (const maxDeliveries of [1, 2, 5]) {
    const t = await started(undefined, tree(maxDeliveries));
    post(t, "crashUntil", { text: "bad", attempt: 99 });
    post(t, "add", "good");
    await t.settle();
    expect(deliveries).toHaveLength(maxDeliveries);
    expect(t.downs("a")).toHaveLength(maxDeliveries);
    expect(t.of("dead_letter")).toMatchObject([{ path: "/s/a", reason: "max_deliveries" }]);
    expect(await t.state("a")).toEqual({ seen: ["good"] });
    const engine = t.world.engine as MemoryEngine;
    const [dead] = engine.execute([{ kind: "letters", path: null, id: null, max: 9 }]);
    expect(dead).toMatchObject({ letters: [{ mail: { to: "/s/a", type: "crashUntil" } }] });
    expect(engine.waiting("/s/a")).toEqual([]);
  }
});

test("an ask is answered by the incarnation after the crash", async () => {
  const t = await started();
  expect(told(await t.ask("a", "answerAfterCrash", 3))).toBe("after 3");
  expect(t.downs("a")).toHaveLength(2);
});

test("an ask whose message is given up is told why", async () => {
  const t = await started(undefined, tree(2));
  expect(told(await t.ask("a", "answerAfterCrash", 99))).toBe("exited: error Error: crash");
});

test("ctx.exit finishes its message: it is not delivered again, its effects stand", async () => {
  const t = await started();
  post(t, "quit", "bye");
  post(t, "add", "next");
  await t.settle();
  expect(t.downs("a")).toEqual(["error Test: quit"]);
  expect(lines).toEqual(["bye"]);
  expect(await t.state("a")).toEqual({ seen: ["next"] });
});

test("mail to a durable actor that is down waits for it", async () => {
  const t = await started();
  await t.admin({ op: "terminate_child", id: "a" });
  post(t, "add", "while you were out");
  await t.settle();
  expect((t.world.engine as MemoryEngine).waiting("/s/a")).toHaveLength(1);
  await t.admin({ op: "restart_child", id: "a" });
  expect(await t.state("a")).toEqual({ seen: ["while you were out"] });
});

test("an unknown message is a dead letter, acked, and does not come again", async () => {
  const t = await started();
  post(t, "nonsense", 1);
  await t.settle();
  expect(t.of("dead_letter")).toMatchObject([{ message: "nonsense", reason: "unknown_type" }]);
  expect((t.world.engine as MemoryEngine).waiting("/s/a")).toEqual([]);
  await t.kill("a");
  expect(t.of("dead_letter")).toHaveLength(1);
});

/** Adds 20 texts through an actor that is killed again and again; what must be the end of it? */
async function killedWhileAdding(seed: number, durableLog: boolean): Promise<void> {
  const t = await started(seed, tree(10, durableLog));
  const random = seeded(seed + 1_000);
  const texts = Array.from({ length: 20 }, (_, i) => `${i}`);
  let kills = 0;
  for (const text of texts) {
    post(t, "addAndTell", text);
    for (let i = Math.floor(random() * 6); i > 0; i--) t.world.step();
    if (random() < 0.15 && kills++ < 8) {
      t.world.send({ kind: "kill", to: "/s/a", life: 0, by: "operator" });
    }
  }
  await t.settle();
  expect(await t.state("a")).toEqual({ seen: texts });
  expect(lines).toEqual(texts);
}

test("kills at any point lose nothing, double nothing and keep the order", async () => {
  for (let seed = 1; seed <= 200; seed++) await killedWhileAdding(seed, false);
});

test("the same with a durable receiver", async () => {
  for (let seed = 1; seed <= 200; seed++) await killedWhileAdding(seed, true);
});
