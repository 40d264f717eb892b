// Durable actors and order: news never overtakes the mail that was sent before it (SEMANTICS 18.5).
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { ask, type Ref } from "../../../src/actor/protocol.ts";
import { child, dynamic, supervisor } from "../../../src/actor/spec.ts";
import { seeded } from "../../../src/sim/random.ts";
import { MemoryEngine } from "../../../src/store/memory.ts";
import { Bench, shut } from "../../conformance/harness.ts";

const diary = (path: string): Ref<{ note: z.ZodString }> => ({ path, behaviour: "diary" });

/** Keeps what it is told; watches and speaks on request. */
const Diary = actor("diary", {
  args: z.unknown(),
  state: z.object({ seen: z.array(z.string()) }),
  messages: {
    note: z.string(),
    watch: z.string(),
    say: z.object({ to: z.string(), text: z.string() }),
    sayAndEnd: z.object({ to: z.string(), text: z.string() }),
  },
  init: () => ({ seen: [] }),
  on: {
    note: ({ seen }, text) => ({ seen: [...seen, text] }),
    watch: (_state, path, ctx) => void ctx.watch({ path }),
    say: (_state, { to, text }, ctx) => ctx.tell(diary(to), "note", text),
    sayAndEnd: (_state, { to, text }, ctx) => {
      ctx.tell(diary(to), "note", text);
      ctx.exit();
    },
  },
  down: ({ seen }, { path }) => ({ seen: [...seen, `down ${path}`] }),
});

async function pair(seed: number, durableSender: boolean, durableReceiver: boolean) {
  const t = new Bench({ threads: 2, seed });
  const spec = supervisor("s", { intensity: 20 }, [
    child("from", Diary, { durable: durableSender, restart: "temporary" }),
    child("to", Diary, { durable: durableReceiver }),
  ]);
  expect(await t.start(spec)).toBe("ok");
  await t.tell("to", "watch", "/s/from");
  return t;
}

const seen = async (t: Bench, id = "to") => ((await t.state(id)) as { seen: string[] }).seen;
const post = (t: Bench, id: string, type: string, message: unknown) =>
  t.world.send(t.world.control.mail(t.path(id), type, message, "", 0));

const KINDS = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

for (const [sender, receiver] of KINDS) {
  const kinds = `${sender ? "durable" : "ephemeral"} to ${receiver ? "durable" : "ephemeral"}`;

  test(`last words come before the down: ${kinds}`, async () => {
    for (let seed = 1; seed <= 50; seed++) {
      const t = await pair(seed, sender, receiver);
      for (let i = 1; i <= 3; i++) post(t, "from", "say", { to: "/s/to", text: `${i}` });
      post(t, "from", "sayAndEnd", { to: "/s/to", text: "bye" });
      await t.settle();
      expect(await seen(t)).toEqual(["1", "2", "3", "bye", "down /s/from"]);
    }
  });

  test(`nothing of the dead comes after their down: ${kinds}`, async () => {
    for (let seed = 1; seed <= 100; seed++) {
      const t = await pair(seed, sender, receiver);
      const random = seeded(seed);
      for (let i = 1; i <= 5; i++) post(t, "from", "say", { to: "/s/to", text: `${i}` });
      for (let i = Math.floor(random() * 40); i > 0; i--) t.world.step();
      if (seed % 2 === 0) await t.kill("from");
      else await t.stop("from");
      const all = await seen(t);
      expect(all.at(-1)).toBe("down /s/from");
      const said = all.slice(0, -1);
      expect(said).toEqual(["1", "2", "3", "4", "5"].slice(0, said.length));
    }
  });
}

test("get_state waits behind mail that is on its way through the store", async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const t = await pair(seed, false, true);
    post(t, "to", "note", "one");
    post(t, "to", "note", "two");
    expect(await seen(t)).toEqual(["one", "two"]);
  }
});

test("mail for an actor that is starting waits, and keeps its order with stored mail", async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const t = await pair(seed, true, true);
    const random = seeded(seed);
    const texts: string[] = [];
    for (let i = 0; i < 12; i++) {
      texts.push(`${i}`);
      // A durable sender: its mail is numbered by its own commit.
      post(t, "from", "say", { to: "/s/to", text: `${i}` });
      for (let n = Math.floor(random() * 8); n > 0; n--) t.world.step();
      if (random() < 0.3) t.world.send({ kind: "kill", to: "/s/to", life: 0, by: "operator" });
    }
    await t.settle();
    expect((await seen(t)).filter((each) => !each.startsWith("down"))).toEqual(texts);
  }
});

const hello = ask(z.null(), z.null());

const Helper = actor("helper", {
  args: z.unknown(),
  state: z.null(),
  messages: { hello },
  init: () => null,
  on: { hello: (_state, _null, ctx) => ctx.reply(null) },
});

/** Speaks while it begins, before the store knows it. */
const Early = actor("early", {
  args: z.unknown(),
  state: z.null(),
  messages: { go: z.null() },
  init: async (_args, ctx) => {
    ctx.tell(ctx.self, "go", null);
    ctx.tell(diary("/s/to"), "note", "1");
    const helper: Ref<{ hello: typeof hello }> = { path: "/s/h1", behaviour: "helper" };
    await ctx.ask(helper, "hello", null);
    return null;
  },
  on: { go: (_state, _null, ctx) => ctx.tell(diary("/s/to"), "note", "2") },
});

test("what an init that waits has sent is read before what it sends later", async () => {
  // (The two that speak are on one thread, who hears it on another.)
  for (let seed = 1; seed <= 100; seed++) {
    const t = new Bench({ threads: 3, seed });
    t.world.start(
      supervisor("s", { intensity: 20 }, [
        child("h1", Helper),
        child("to", Diary, { durable: true }),
        child("e1", Early, { durable: true, restart: "temporary" }),
      ]),
    );
    while (!t.events.some((each) => each.type === "starting" && each.path === "/s/e1")) {
      await t.steps(1);
    }
    // What leaves that thread is late, the store is not.
    t.world.stall("link", t.world.threadOf("/s/e1"), 1_000);
    await t.steps(1_000);
    t.world.advance(t.world.nowMs + 1_000);
    await t.steps(seed % 12);
    t.world.send({ kind: "kill", to: "/s/to", life: 0, by: "operator" });
    await t.settle();
    expect([seed, await seen(t)]).toEqual([seed, ["1", "2"]]);
  }
});

test("K11: an actor that reads its mailbox again, and is another's by now, ends", async () => {
  const engine = new MemoryEngine();
  const t = new Bench({ threads: 2, seed: 1, engine });
  await t.start(supervisor("s", {}, [child("a", Diary, { durable: true, restart: "temporary" })]));
  engine.execute([{ kind: "load", path: "/s/a", life: 99 }]);
  // A lost thread may have stored mail for it.
  t.world.loseThread(3 - t.world.threadOf("/s/a"));
  await t.settle();
  expect(t.of("exited")).toMatchObject([{ path: "/s/a", reason: { tag: "fenced" } }]);
});

test("a durable child that was ended for good is new when it is started again", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const t = new Bench({ threads: 2, seed });
    await t.start(dynamic("s", { intensity: 9, restart: "permanent" }, Diary, { durable: true }));
    await t.admin({ op: "start_child", id: "a", args: null });
    await t.tell("a", "note", "old");
    const [ended, again] = [
      t.post({ op: "terminate_child", id: "a" }),
      t.post({ op: "start_child", id: "a", args: null }),
    ];
    await t.settle();
    expect([ended.result, again.result]).toEqual([{ ok: null }, { ok: "a" }]);
    await t.tell("a", "note", "new");
    await t.kill("a");
    expect(await seen(t, "a")).toEqual(["new"]);
  }
});

test("a stop waits for the commit in flight, and its effects leave first", async () => {
  const t = new Bench();
  await t.start(supervisor("s", {}, [child("to", Diary), child("from", Diary, { durable: true })]));
  post(t, "from", "say", { to: "/s/to", text: "one" });
  t.world.send({ kind: "shutdown", to: "/s", life: 0, reason: shut() });
  await t.settle();
  expect(t.downs("s")).toEqual(["shutdown"]);
  expect(t.log.filter((each) => each.startsWith("exit"))).toEqual([
    "exit from shutdown",
    "exit to shutdown",
    "exit s shutdown",
  ]);
});

test("a stop at any moment of the start leaves nothing running", async () => {
  for (const durable of [false, true]) {
    for (let steps = 0; steps < 40; steps++) {
      const t = new Bench({ threads: 2, seed: steps + 1 });
      t.world.start(
        supervisor("s", {}, [child("from", Diary, { durable }), child("to", Diary, { durable })]),
      );
      for (let i = 0; i < steps; i++) t.world.step();
      const signal = { kind: "shutdown", life: 0, reason: shut() } as const;
      for (const to of ["/s/from", "/s/to", "/s"]) t.world.send({ ...signal, to });
      await t.settle();
      expect(t.world.hosts.map(({ kernel }) => kernel.members.size)).toEqual([0, 0, 0]);
      expect(t.world.rootSignals.length).toBeGreaterThan(0);
    }
  }
});
