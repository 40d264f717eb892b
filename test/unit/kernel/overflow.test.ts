// Full mailboxes: the three policies, and that resting senders never wait for each other (K8).
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { ask, type Ref } from "../../../src/actor/protocol.ts";
import { type ActorSettings, child, supervisor } from "../../../src/actor/spec.ts";
import type { Cell } from "../../../src/kernel/cell.ts";
import { seeded } from "../../../src/sim/random.ts";
import { Bench } from "../../conformance/harness.ts";
import { outcome, told } from "../../conformance/server-harness.ts";

type Peer = Ref<{ note: z.ZodNumber; count: ReturnType<typeof countAsk> }>;
const countAsk = () => ask(z.null(), z.number());
const peer = (id: string): Peer => ({ path: `/s/${id}`, behaviour: "node" });

const PROMISE = countAsk();
let put: { reply(value: number): void } | null = null;
/** How many notes were sent by floods. */
let notes = 0;

/** Counts what it reads; can be told to flood another one, to wait, to ask while it waits. */
const Node = actor("node", {
  state: z.object({ read: z.number(), got: z.unknown() }),
  messages: {
    note: z.number(),
    flood: z.object({ to: z.string(), times: z.number() }),
    wait: z.number(),
    waitFor: z.string(),
    pass: z.object({ to: z.string(), hops: z.number() }),
    count: countAsk(),
    promise: countAsk(),
    keep: z.null(),
    waitForPromise: z.string(),
  },
  init: () => ({ read: 0, got: null as unknown }),
  on: {
    note: (state) => ({ ...state, read: state.read + 1 }),
    flood: (_state, { to, times }, ctx) => {
      notes += times;
      for (let i = 0; i < times; i++) ctx.tell(peer(to), "note", i);
    },
    wait: async (_state, ms, ctx) => {
      await ctx.step("wait", () => new Promise(() => {}), { timeout: ms }).catch(() => {});
    },
    waitFor: async (state, id, ctx) => ({
      ...state,
      got: await outcome(ctx.ask(peer(id), "count", null, { timeout: "1h" })),
    }),
    pass: (_state, { to, hops }, ctx) => {
      const next = { path: `/s/${to}`, behaviour: "node" } as Ref<{ pass: z.ZodUnknown }>;
      if (hops > 0) ctx.tell(next, "pass", { to: ctx.self.path.slice(3), hops: hops - 1 });
    },
    count: ({ read }, _null, ctx) => ctx.reply(read),
    promise: (_state, _null, ctx) => {
      put = ctx.defer();
    },
    keep: () => put?.reply(42),
    waitForPromise: async (state, id, ctx) => {
      const to = { path: `/s/${id}`, behaviour: "node" } as Ref<{ promise: typeof PROMISE }>;
      return { ...state, got: await outcome(ctx.ask(to, "promise", null, { timeout: "1h" })) };
    },
  },
  terminate: () => {},
});

async function nodes(
  settings: Record<string, ActorSettings>,
  options: ConstructorParameters<typeof Bench>[0] = {},
): Promise<Bench> {
  const t = new Bench(options);
  const specs = Object.entries(settings).map(([id, each]) => child(id, Node, each));
  expect(await t.start(supervisor("s", { intensity: 5 }, specs))).toBe("ok");
  return t;
}

const post = (t: Bench, id: string, type: string, message: unknown) =>
  t.world.send(t.world.control.mail(`/s/${id}`, type, message, "", 0));
const cell = (t: Bench, id: string) => t.world.kernelOf(`/s/${id}`).members.get(`/s/${id}`) as Cell;
const read = async (t: Bench, id: string) => ((await t.state(id)) as { read: number }).read;

test("drop: what is too much is a dead letter, the rest is read", async () => {
  const t = await nodes({ a: {}, b: { mailboxMax: 10, overflow: "drop" } });
  await t.tell("b", "wait", 1_000);
  await t.tell("a", "flood", { to: "b", times: 25 });
  expect(cell(t, "b").mailbox.size).toBe(10);
  expect(t.of("dead_letter")).toHaveLength(15);
  expect(t.of("dead_letter")[0]).toMatchObject({ reason: "mailbox_full", from: "/s/a" });
  expect(t.of("muted")).toEqual([]);
  await t.advance(1_000);
  expect(await read(t, "b")).toBe(10);
});

test("reject: an ask is answered overloaded at once", async () => {
  const t = await nodes({ a: {}, b: { mailboxMax: 5, overflow: "reject" } });
  await t.tell("b", "wait", 1_000);
  await t.tell("a", "flood", { to: "b", times: 5 });
  expect(told(await t.ask("b", "count", null))).toBe("overloaded");
  expect(t.now).toBe(0);
  await t.tell("a", "waitFor", "b");
  expect(((await t.state("a")) as { got: unknown }).got).toBe("overloaded");
  await t.advance(1_000);
  expect(told(await t.ask("b", "count", null))).toBe(5);
});

test("mute: the sender rests until half is read, nothing is lost", async () => {
  const t = await nodes({ a: {}, b: { mailboxMax: 10 } });
  await t.tell("b", "wait", 1_000);
  await t.tell("a", "flood", { to: "b", times: 12 });
  post(t, "a", "note", 1);
  await t.settle();
  expect(t.of("muted")).toMatchObject([{ path: "/s/a", by: "/s/b" }]);
  expect([cell(t, "a").mutedBy, cell(t, "a").mailbox.size]).toEqual([1, 1]);
  expect(cell(t, "b").mailbox.size).toBe(12);
  await t.advance(1_000);
  expect([cell(t, "a").mutedBy, cell(t, "a").mailbox.size]).toEqual([0, 0]);
  expect([await read(t, "a"), await read(t, "b")]).toEqual([1, 12]);
  expect(t.of("dead_letter")).toEqual([]);
});

test("mute: at twice the bound even a resting sender is refused", async () => {
  const t = await nodes({ a: {}, b: { mailboxMax: 10 } });
  await t.tell("b", "wait", 1_000);
  await t.tell("a", "flood", { to: "b", times: 50 });
  expect(cell(t, "b").mailbox.size).toBe(20);
  expect(t.of("dead_letter")).toHaveLength(30);
});

test("mute: senders from outside cannot rest, they are refused", async () => {
  const t = await nodes({ b: { mailboxMax: 3 } });
  await t.tell("b", "wait", 1_000);
  for (let i = 0; i < 5; i++) post(t, "b", "note", i);
  expect(t.of("dead_letter")).toHaveLength(2);
  expect(told(await t.ask("b", "count", null))).toBe("overloaded");
});

test("the end of the full one, or of the resting one, leaves nobody behind", async () => {
  const t = await nodes({ a: {}, b: { mailboxMax: 4 }, c: {} });
  await t.tell("b", "wait", 60_000);
  await t.tell("a", "flood", { to: "b", times: 6 });
  await t.tell("c", "flood", { to: "b", times: 1 });
  expect([cell(t, "a").mutedBy, cell(t, "c").mutedBy]).toEqual([1, 1]);
  await t.kill("c");
  await t.kill("b");
  expect(cell(t, "a").mutedBy).toBe(0);
  expect(t.of("dead_letter").map(({ reason }) => reason)).toEqual(Array(7).fill("actor_exited"));
  await t.tell("a", "note", 1);
  expect(await read(t, "a")).toBe(1);
});

test("a resting sender can be asked, and looked at, and stopped", async () => {
  const t = await nodes({ a: {}, b: { mailboxMax: 4 } });
  const rest = async () => {
    await t.tell("b", "wait", 60_000);
    await t.tell("a", "flood", { to: "b", times: 6 });
    expect(cell(t, "a").mutedBy).toBe(1);
  };
  await rest();
  expect(told(await t.ask("a", "count", null))).toBe(0);
  expect(await read(t, "a")).toBe(0);
  expect(cell(t, "a").mutedBy).toBe(1);
  expect(await t.admin({ op: "terminate_child", id: "a" })).toEqual({ ok: null });
  expect([t.now, t.down("a")]).toEqual([0, "shutdown"]);
});

test("a full one that waits for its resting sender gets its answer", async () => {
  const t = await nodes({ a: {}, b: { mailboxMax: 4 }, c: {} });
  post(t, "a", "flood", { to: "b", times: 6 });
  post(t, "b", "waitFor", "a");
  await t.advance(0);
  expect([t.now, ((await t.state("b")) as { got: unknown }).got]).toEqual([0, 0]);
  // The same over a third one: b waits for c, c waits for the resting a.
  post(t, "b", "waitFor", "c");
  post(t, "c", "waitFor", "a");
  post(t, "a", "flood", { to: "b", times: 6 });
  await t.settle();
  expect(t.now).toBe(0);
  expect(await read(t, "b")).toBe(12);
});

test("a full one that waits for a put-off answer of its resting sender gets it", async () => {
  const t = await nodes({ a: {}, b: { mailboxMax: 4 } });
  await t.tell("b", "waitForPromise", "a");
  await t.tell("a", "flood", { to: "b", times: 6 });
  expect(cell(t, "a").mutedBy).toBe(1);
  await t.tell("a", "keep", null);
  expect([t.now, ((await t.state("b")) as { got: unknown }).got]).toEqual([0, 42]);
});

test("an actor that floods itself goes on", async () => {
  const t = await nodes({ a: { mailboxMax: 5 } });
  await t.tell("a", "flood", { to: "a", times: 20 });
  expect(t.of("muted")).toEqual([]);
  // Up to twice the bound: an actor cannot rest from itself.
  expect(await read(t, "a")).toBe(10);
});

test("mail on its way through the store counts as waiting", async () => {
  const t = await nodes({ a: {}, b: { mailboxMax: 10, overflow: "drop", durable: true } });
  await t.tell("a", "flood", { to: "b", times: 25 });
  expect(t.of("dead_letter")).toHaveLength(15);
  expect(await read(t, "b")).toBe(10);
});

/** Actors with tiny mailboxes that flood each other at random: everything is accounted for. */
async function storm(seed: number, options = {}): Promise<void> {
  const random = seeded(seed);
  const ids = ["a", "b", "c", "d"];
  const mailboxMax = 1 + Math.floor(random() * 6);
  const t = await nodes(Object.fromEntries(ids.map((id) => [id, { mailboxMax }])), options);
  const pick = () => ids[Math.floor(random() * ids.length)] as string;
  notes = 0;
  for (let i = 0; i < 40; i++) {
    const [from, to] = [pick(), pick()];
    if (random() < 0.2) post(t, from, "pass", { to, hops: 8 });
    else post(t, from, "flood", { to, times: Math.floor(random() * 6) });
    if (random() < 0.3) for (let n = 0; n < 3; n++) t.world.step();
  }
  await t.settle();
  const cells = ids.map((id) => cell(t, id));
  expect(cells.map((each) => [each.mutedBy, each.mailbox.size])).toEqual(ids.map(() => [0, 0]));
  const lost = t.of("dead_letter").filter(({ message }) => message === "note").length;
  const all = await Promise.all(ids.map((id) => read(t, id)));
  expect(all.reduce((sum, each) => sum + each) + lost).toBe(notes);
}

test("a storm among small mailboxes comes to rest, every message read or a dead letter", async () => {
  for (let seed = 1; seed <= 200; seed++) await storm(seed);
});

/* ---- several threads: a lies on the first, b on the second ---- */

const APART = { threads: 2 };

test("the same among threads, with lines that hold little", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    await storm(seed, { threads: 1 + (seed % 3), seed, lineMax: 2 + (seed % 7) });
  }
});

test("mute: a sender on another thread rests until half is read, nothing is lost", async () => {
  const t = await nodes({ a: {}, b: { mailboxMax: 10 } }, APART);
  expect(t.world.threadOf("/s/a")).not.toBe(t.world.threadOf("/s/b"));
  await t.tell("b", "wait", 1_000);
  await t.tell("a", "flood", { to: "b", times: 12 });
  expect(t.of("muted")).toMatchObject([{ path: "/s/a", by: "/s/b" }]);
  await t.tell("a", "note", 1);
  expect([cell(t, "a").mutedBy, cell(t, "a").mailbox.size]).toEqual([1, 1]);
  expect(cell(t, "b").mailbox.size).toBe(12);
  await t.advance(1_000);
  expect([cell(t, "a").mutedBy, cell(t, "a").mailbox.size]).toEqual([0, 0]);
  expect([await read(t, "a"), await read(t, "b")]).toEqual([1, 12]);
  expect(t.of("dead_letter")).toEqual([]);
});

test("at twice the bound a sender on another thread is refused too", async () => {
  const t = await nodes({ a: {}, b: { mailboxMax: 10 } }, APART);
  await t.tell("b", "wait", 1_000);
  await t.tell("a", "flood", { to: "b", times: 50 });
  expect(cell(t, "b").mailbox.size).toBe(20);
  expect(t.of("dead_letter")).toHaveLength(30);
});

test("the end of a full mailbox on another thread lets its senders go on", async () => {
  const t = await nodes({ a: {}, b: { mailboxMax: 4 } }, APART);
  const fill = async () => {
    await t.tell("b", "wait", 60_000);
    await t.tell("a", "flood", { to: "b", times: 6 });
    expect(cell(t, "a").mutedBy).toBe(1);
  };
  await fill();
  await t.kill("b");
  expect(cell(t, "a").mutedBy).toBe(0);
  await fill();
  expect(t.world.loseThread(t.world.threadOf("/s/b"))).toBe(true);
  await t.settle();
  expect(cell(t, "a").mutedBy).toBe(0);
});

test("a sender that comes back from a lost thread can be told to rest again", async () => {
  const t = await nodes({ a: {}, b: { mailboxMax: 4 } }, APART);
  await t.tell("b", "wait", 60_000);
  await t.tell("a", "flood", { to: "b", times: 5 });
  expect(t.world.loseThread(t.world.threadOf("/s/a"))).toBe(true);
  await t.settle();
  expect(cell(t, "a").mutedBy).toBe(0);
  await t.tell("a", "flood", { to: "b", times: 1 });
  expect(cell(t, "a").mutedBy).toBe(1);
});

test("senders rest while a line is crowded, and go on when it is not or its thread is lost", async () => {
  const t = await nodes({ a: {}, b: {} }, { ...APART, lineMax: 4 });
  const [near, far] = [t.world.threadOf("/s/a"), t.world.threadOf("/s/b")];
  const crowd = async () => {
    t.world.stall("link", near, 1_000);
    await t.tell("a", "flood", { to: "b", times: 6 });
    await t.tell("a", "note", 1);
    expect([cell(t, "a").mutedBy, cell(t, "a").mailbox.size]).toEqual([1, 1]);
  };
  await crowd();
  expect(t.of("muted")).toMatchObject([{ path: "/s/a", by: `~${far}` }]);
  await t.advance(1_000);
  expect([cell(t, "a").mutedBy, cell(t, "a").mailbox.size]).toEqual([0, 0]);
  expect(await read(t, "b")).toBe(6);
  await crowd();
  t.world.loseThread(far);
  await t.settle();
  expect([cell(t, "a").mutedBy, cell(t, "a").mailbox.size]).toEqual([0, 0]);
});
