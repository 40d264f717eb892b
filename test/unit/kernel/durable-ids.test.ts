// Messages from outside with an id, and senders who want to know that theirs is stored.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { ask } from "../../../src/actor/protocol.ts";
import { child, supervisor } from "../../../src/actor/spec.ts";
import { submit as submitMail } from "../../../src/kernel/delivery.ts";
import type { Answer } from "../../../src/kernel/ports.ts";
import { MemoryEngine } from "../../../src/store/memory.ts";
import { WINDOW_MS } from "../../../src/store/store.ts";
import type { Bench } from "../../conformance/harness.ts";
import { reborn } from "../../conformance/server-harness.ts";

const Counter = actor("counter", {
  state: z.object({ log: z.array(z.string()) }),
  messages: {
    add: z.string(),
    count: ask(z.string(), z.number()),
    later: ask(z.null(), z.number()),
  },
  init: () => ({ log: [] }),
  on: {
    add: ({ log }, text) => ({ log: [...log, text] }),
    count: ({ log }, text, ctx) => {
      ctx.reply(log.length + 1);
      return { log: [...log, text] };
    },
    later: async ({ log }, _message, ctx) => {
      await ctx.step("work", () => new Promise(() => {}), { timeout: 1_000 }).catch(() => {});
      ctx.reply(100 + log.length);
    },
  },
});

const tree = () =>
  supervisor("s", { intensity: 9 }, [
    child("a", Counter, { durable: true, mailboxMax: 3 }),
    child("plain", Counter),
  ]);

async function node(engine = new MemoryEngine(), generation = 0, nowMs = 0, seed?: number) {
  const threads = seed === undefined ? {} : { threads: 2, seed };
  const t = reborn(engine, generation, { nowMs, ...threads });
  expect(await t.start(tree())).toBe("ok");
  return t;
}

/** What became of it: "stored", or the code; "" = not known yet. */
function submit(t: Bench, text: string, id = "", to = "/s/a"): { end: string } {
  const { control } = t.world;
  const box = { end: "" };
  const done = (answer: Answer) => {
    box.end = answer.ok ? "stored" : answer.code;
  };
  submitMail(control, control.mail(to, "add", text, "~0", 0), id, done);
  return box;
}

function question(t: Bench, type: string, message: unknown, id: string): { end: unknown } {
  const box: { end: unknown } = { end: null };
  const done = (answer: Answer) => {
    box.end = answer.ok ? answer.value : answer.code;
  };
  t.world.control.request("/s/a", type, message, 5_000, done, id);
  return box;
}

const log = async (t: Bench) => ((await t.state("a")) as { log: string[] }).log;

test("the same id again is delivered once, also by the next node, until its time is over", async () => {
  const engine = new MemoryEngine();
  const t = await node(engine);
  const ends = ["one", "two", "three"].map((text) => submit(t, text, text === "three" ? "y" : "x"));
  await t.settle();
  expect(ends.map(({ end }) => end)).toEqual(["stored", "stored", "stored"]);
  expect(await log(t)).toEqual(["one", "three"]);
  expect(t.of("repeated")).toMatchObject([{ path: "/s/a", message: "add", id: "x" }]);
  const two = await node(engine, 1, 60_000);
  expect(submit(two, "four", "x")).toBeDefined();
  await two.settle();
  expect(await log(two)).toEqual(["one", "three"]);
  await two.advance(WINDOW_MS);
  submit(two, "five", "x");
  await two.settle();
  expect(await log(two)).toEqual(["one", "three", "five"]);
});

test("mail keeps its order around one that is not delivered again", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const t = await node(new MemoryEngine(), 0, 0, seed);
    const { control } = t.world;
    submit(t, "first", "x");
    await t.settle();
    const plain = (text: string) => control.send(control.mail("/s/a", "add", text, "", 0), null);
    plain("second");
    submit(t, "first again", "x");
    plain("third");
    await t.settle();
    expect(await log(t)).toEqual(["first", "second", "third"]);
    expect(t.of("dead_letter")).toEqual([]);
  }
});

test("stored is said when it is stored, not before; and what cannot be, is told", async () => {
  const t = await node();
  const box = submit(t, "x");
  while (t.world.engine instanceof MemoryEngine && t.world.engine.waiting("/s/a").length === 0) {
    expect(box.end).toBe("");
    expect(t.world.step()).toBe(true);
  }
  await t.settle();
  expect(box.end).toBe("stored");
  const ends = [
    submit(t, "x", "", "/s/nobody"),
    submit(t, "x", "i", "/s/plain"),
    ...["1", "2", "3", "4", "5"].map((text) => submit(t, text)),
  ];
  await t.settle();
  expect(ends.map(({ end }) => end)).toEqual([
    "no_actor",
    "refused",
    ...["stored", "stored", "stored", "overloaded", "overloaded"],
  ]);
  const reasons = t.of("dead_letter").map(({ reason }) => reason);
  expect(reasons.sort()).toEqual(["mailbox_full", "mailbox_full", "no_actor", "not_durable"]);
});

test("to an actor that is not there, but is known to the store", async () => {
  const t = await node();
  await t.admin({ op: "terminate_child", id: "a" });
  const ends = [submit(t, "one", "x"), submit(t, "two", "x")];
  await t.settle();
  expect(ends.map(({ end }) => end)).toEqual(["stored", "stored"]);
  await t.admin({ op: "restart_child", id: "a" });
  expect(await log(t)).toEqual(["one"]);
});

test("a question asked again has its first answer, and is not handled again", async () => {
  const engine = new MemoryEngine();
  const t = await node(engine);
  const first = question(t, "count", "a", "q");
  await t.settle();
  const second = question(t, "count", "b", "q");
  await t.settle();
  const two = await node(engine, 1, 1_000);
  const third = question(two, "count", "c", "q");
  await two.settle();
  expect([first.end, second.end, third.end]).toEqual([1, 1, 1]);
  expect(await log(two)).toEqual(["a"]);
});

test("while there is no answer it is duplicate: also when a crash lost who asked first", async () => {
  const engine = new MemoryEngine();
  const t = await node(engine);
  const first = question(t, "later", null, "q");
  await t.settle();
  const second = question(t, "later", null, "q");
  await t.settle();
  expect([first.end, second.end]).toEqual([null, "duplicate"]);
  const two = await node(engine, 1, 500);
  const third = question(two, "later", null, "q");
  await two.settle();
  expect(third.end).toBe("duplicate");
  await two.advance(2_000);
  const fourth = question(two, "later", null, "q");
  await two.settle();
  expect(fourth.end).toBe(100);
});
