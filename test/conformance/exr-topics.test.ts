// Elixir's duplicate registry. We offer no module for it: a topic is an actor that keeps refs by key
// and watches their owners. What must hold is that nobody stays in it after their end.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../src/actor/actor.ts";
import { ask, type Ref, ref } from "../../src/actor/protocol.ts";
import { child } from "../../src/actor/spec.ts";
import { Bench, races, type WorkerMessages } from "./harness.ts";
import { told } from "./server-harness.ts";

const entry = z.object({ key: z.string(), who: z.string() });
const Topic = actor("topic", {
  state: z.array(entry),
  messages: {
    join: entry,
    leave: entry,
    send: z.object({ key: z.string(), text: z.string() }),
    keys: ask(z.string(), z.array(z.string())),
  },
  init: (): z.infer<typeof entry>[] => [],
  on: {
    join: (state, { key, who }, ctx) => {
      if (!state.some((each) => each.who === who)) ctx.watch({ path: who });
      return [...state, { key, who }];
    },
    leave: (state, gone) => state.filter(({ key, who }) => key !== gone.key || who !== gone.who),
    send: (state, { key, text }, ctx) => {
      for (const each of state.filter((one) => one.key === key)) {
        const to: Ref<WorkerMessages> = { path: each.who, behaviour: "worker" };
        ctx.tell(to, "run", () => void heard.push(`${each.who} ${text}`));
      }
    },
    keys: (state, who, ctx) =>
      ctx.reply(state.filter((each) => each.who === who).map(({ key }) => key)),
  },
  down: (state, { path }) => state.filter(({ who }) => who !== path),
});
const heard: string[] = [];
const topic = ref("/s/topic", Topic);

async function started(t = new Bench()) {
  heard.length = 0;
  const of = { restart: "temporary" } as const;
  await t.sup({ intensity: 5 }, [child("topic", Topic), t.w("a", of), t.w("b", of)]);
  const join = (id: string, key: string) => t.tell("topic", "join", { key, who: t.path(id) });
  const leave = (id: string, key: string) => t.tell("topic", "leave", { key, who: t.path(id) });
  const keys = async (id: string) => told(await t.ask("topic", "keys", t.path(id)));
  const size = async () => ((await t.state("topic")) as unknown[]).length;
  return { t, join, leave, keys, size };
}

test("EXR-022 dispatches to a single key: to nobody when it has no entries", async () => {
  const { t, join } = await started();
  await join("a", "hello");
  await join("b", "world");
  await t.tell("topic", "send", { key: "hello", text: "hi" });
  await t.tell("topic", "send", { key: "empty", text: "hi" });
  expect(heard).toEqual(["/s/a hi"]);
  // An actor sends to it like to any other.
  await t.run("b", (ctx) => ctx.tell(topic, "send", { key: "world", text: "from b" }));
  expect(heard[1]).toBe("/s/b from b");
});

test("EXR-043 counts 0 keys in an empty registry", async () => {
  const { size, keys } = await started();
  expect([await size(), await keys("a")]).toEqual([0, []]);
});

test("EXR-044 counts the number of keys in a registry: each entry, also under one key", async () => {
  const { t, join, size } = await started();
  await join("a", "hello");
  await join("b", "hello");
  expect(await size()).toBe(2);
  await t.kill("a");
  expect(await size()).toBe(1);
  await t.tell("topic", "send", { key: "hello", text: "hi" });
  expect([heard, t.of("dead_letter")]).toEqual([["/s/b hi"], []]);
});

test("EXR-045 has duplicate registrations: one owner may have a key twice", async () => {
  const { t, join, keys, size } = await started();
  await join("a", "hello");
  await join("a", "hello");
  expect(await keys("a")).toEqual(["hello", "hello"]);
  await t.tell("topic", "send", { key: "hello", text: "hi" });
  expect(heard).toEqual(["/s/a hi", "/s/a hi"]);
  await t.kill("a");
  expect(await size()).toBe(0);
});

test("EXR-050 unregisters by key: all own entries of the key, no others", async () => {
  const { join, leave, keys } = await started();
  for (const key of ["hello", "hello", "world"]) await join("a", key);
  await join("b", "hello");
  await leave("a", "hello");
  expect([await keys("a"), await keys("b")]).toEqual([["world"], ["hello"]]);
});

test("EXR-051 unregisters with no entries", async () => {
  const { t, leave, size } = await started();
  await leave("a", "hello");
  expect([await size(), t.downs("topic")]).toEqual([0, []]);
});

test("EXR-059 allows listeners: whoever watches an owner hears of its end once", async () => {
  const { t, join } = await started();
  await join("a", "hello");
  await t.run("b", (ctx) => void ctx.watch(t.ref("a")));
  await t.kill("a");
  expect(t.notices).toEqual(["b down /s/a killed by operator"]);
});

test("EXR-073 supports reserved keys: no key is a wildcard", async () => {
  const { join, leave, keys } = await started();
  for (const key of ["_", "$1", "*", "__proto__", "hello"]) await join("a", key);
  await leave("a", "_");
  await leave("a", "*");
  expect(await keys("a")).toEqual(["$1", "__proto__", "hello"]);
});

test("EXR-044 under races: no entry of the dead stays, on any seed", () =>
  races(200, async (t, seed) => {
    const { size } = await started(t);
    const post = (key: string) =>
      t.world.send(t.world.control.mail("/s/topic", "join", { key, who: "/s/a" }, "", 0));
    for (let i = 0; i < 3; i++) post(`${i}`);
    for (let i = seed % 10; i > 0; i--) t.world.step();
    await t.kill("a");
    post("after the end");
    await t.settle();
    expect(await size()).toBe(0);
  }));
