// Durable children of a dynamic supervisor that are idle leave the memory, and whoever needs them
// again sees nothing of it: no exit, no restart, the same ref, state, mail, timers and ids.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import type { ExitReason } from "../../../src/actor/exit.ts";
import { ask } from "../../../src/actor/protocol.ts";
import { dynamic, type Restart, supervisor } from "../../../src/actor/spec.ts";
import { submit } from "../../../src/kernel/delivery.ts";
import type {
  AdminRequest,
  AdminResult,
  ChildCounts,
  ChildView,
} from "../../../src/kernel/supervision.ts";
import type { SupervisorCell } from "../../../src/kernel/supervisor-cell.ts";
import { WAKES_MAX } from "../../../src/kernel/waking.ts";
import { encode } from "../../../src/store/codec.ts";
import { MemoryEngine } from "../../../src/store/memory.ts";
import type { Bench } from "../../conformance/harness.ts";
import { reborn, told } from "../../conformance/server-harness.ts";
import { Machine } from "../../table/machine.ts";
import { commit } from "../../tck/store-ops.ts";

const heard: string[] = [];

const Talk = actor("talk", {
  args: z.object({ who: z.string() }),
  state: z.object({ who: z.string(), said: z.array(z.string()) }),
  messages: {
    say: z.string(),
    count: ask(z.null(), z.number()),
    later: ask(z.null(), z.number()),
    answer: z.null(),
    remind: z.object({ ms: z.number(), every: z.boolean(), skip: z.boolean() }),
    idle: z.null(),
    watch: z.string(),
    link: z.string(),
    crash: z.null(),
  },
  init: ({ who }) => ({ who, said: [] }),
  on: {
    say: ({ who, said }, text) => ({ who, said: [...said, text] }),
    count: ({ said }, _message, ctx) => ctx.reply(said.length),
    later: (_state, _message, ctx) => {
      kept = ctx.defer();
    },
    answer: () => kept?.reply(7),
    remind: (_state, { ms, every, skip }, ctx) => {
      const repeat = { every: ms, missed: skip ? ("skip" as const) : ("once" as const) };
      ctx.after(every ? repeat : ms, "say", "ding");
    },
    idle: (_state, _message, ctx) => void ctx.after(5_000, "say", "idle", { when: "idle" }),
    watch: (_state, path, ctx) => void ctx.watch({ path }),
    link: (_state, path, ctx) => void ctx.link({ path }),
    crash: () => {
      throw new Error("crash");
    },
  },
  down: ({ who, said }, { path, reason }) => ({ who, said: [...said, `${path} ${reason.tag}`] }),
  terminate: ({ who }, reason) => void heard.push(`${who} ${reason.tag}`),
});
let kept: { reply(value: number): void } | null = null;

const tree = (flags = {}) =>
  supervisor("s", {}, [
    dynamic("d", { intensity: 3, ...flags }, Talk, { durable: true, hibernateAfter: "1s" }),
  ]);

async function node(engine = new MemoryEngine(), generation = 0, nowMs = 0, flags = {}) {
  heard.length = 0;
  const t = reborn(engine, generation, { nowMs, threads: 2, seed: 5 });
  expect(await t.start(tree(flags))).toBe("ok");
  return t;
}

/** What a call to their supervisor answers. */
async function call(t: Bench, request: AdminRequest): Promise<unknown> {
  const result = await t.admin(request, "d");
  return "error" in result ? result.error : (result.ok ?? "ok");
}
const start = (t: Bench, id?: string) =>
  call(t, { op: "start_child", id, args: { who: id ?? "" } });
const state = async (t: Bench, id: string) => (await t.state(`d/${id}`)) as { said: string[] };
const awake = (t: Bench, id: string) => t.alive(`d/${id}`);
const supervisorOf = (t: Bench) => t.world.control.members.get("/s/d") as SupervisorCell;
const counts = async (t: Bench) => (await call(t, { op: "count_children" })) as ChildCounts;

/** The first commit of one, as a store has it. */
const born = (path: string) => {
  const created = { args: encode({ who: path }) };
  return { behaviour: "talk", created, state: encode({ who: path, said: [] }) };
};

/** One that has said something and is asleep. */
async function asleep(t: Bench, id = "a") {
  await start(t, id);
  await t.tell(`d/${id}`, "say", "one");
  await t.advance(3_000);
  expect([awake(t, id), supervisorOf(t).state.children.has(id)]).toEqual([false, false]);
}

test("idle for long enough, it leaves the memory, and nobody is told but those who look", async () => {
  const t = await node();
  await start(t, "a");
  await t.tell("d/a", "say", "one");
  await t.advance(900);
  expect(awake(t, "a")).toBe(true);
  await t.advance(2_100);
  expect(awake(t, "a")).toBe(false);
  expect(supervisorOf(t).state).toMatchObject({ asleep: 1, work: null });
  expect([supervisorOf(t).state.children.size, supervisorOf(t).state.lives.size]).toEqual([0, 0]);
  const { members, durablePaths } = t.world.kernelOf("/s/d/a");
  expect([members.has("/s/d/a"), durablePaths.has("/s/d/a")]).toEqual([false, false]);
  const types = new Set(t.events.filter(({ path }) => path === "/s/d/a").map(({ type }) => type));
  const shown = ["starting", "started", "child_started", "committed", "hibernated"];
  expect([...types].sort()).toEqual(shown.sort());
  expect(heard).toEqual([]);
});

test("a message brings it back with its state; no start is seen, and none is counted", async () => {
  const t = await node();
  await asleep(t);
  for (let round = 0; round < 10; round++) {
    await t.tell("d/a", "say", "more");
    expect(awake(t, "a")).toBe(true);
    await t.advance(3_000);
    expect(awake(t, "a")).toBe(false);
  }
  expect((await state(t, "a")).said).toHaveLength(11);
  expect([t.of("woken").length, t.of("hibernated").length]).toEqual([11, 11]);
  expect([t.of("exited"), t.of("start_error"), t.of("child_terminated")]).toEqual([[], [], []]);
  expect(t.of("starting").filter(({ path }) => path === "/s/d/a")).toHaveLength(1);
  expect(supervisorOf(t).state.restarts.length).toBe(0);
});

test("an ask, its state, its supervisor's calls, suspend, watch and link find it asleep", async () => {
  const t = await node();
  for (const id of ["a", "b", "c", "d", "e", "f"]) await asleep(t, id);
  expect(told(await t.ask("d/a", "count", null))).toBe(1);
  expect(await state(t, "b")).toEqual({ who: "b", said: ["one"] });
  expect(await call(t, { op: "which_child", id: "c" })).toMatchObject({ status: "up" });
  await t.suspend("d/d");
  await t.tell("d/d", "say", "unread");
  await t.advance(5_000);
  expect(await state(t, "d")).toMatchObject({ said: ["one"] });
  await t.resume("d/d");
  expect(await state(t, "d")).toMatchObject({ said: ["one", "unread"] });
  await t.tell("d/a", "watch", "/s/d/e");
  await t.tell("d/a", "link", "/s/d/f");
  expect([awake(t, "e"), awake(t, "f")]).toEqual([true, true]);
  // As long as somebody holds them they stay, and so does who holds.
  await t.advance(10_000);
  expect([awake(t, "a"), awake(t, "e"), awake(t, "f")]).toEqual([true, true, true]);
  await t.kill("d/e");
  expect((await state(t, "a")).said).toEqual(["one", "/s/d/e killed"]);
});

test("signals to one that comes back keep their order, whenever the next one comes", async () => {
  for (let steps = 0; steps < 60; steps++) {
    const t = await node();
    await asleep(t);
    t.world.send({ kind: "suspend", to: "/s/d/a" });
    for (let step = 0; step < steps; step++) t.world.step();
    t.world.send({ kind: "resume", to: "/s/d/a" });
    await t.tell("d/a", "say", "two");
    expect([steps, (await state(t, "a")).said]).toEqual([steps, ["one", "two"]]);
  }
});

test("who does not exist is not there, and leaves nothing behind", async () => {
  const t = await node();
  await asleep(t);
  expect(await t.state("d/none")).toBe("no_actor");
  expect(told(await t.ask("d/none", "count", null))).toBe("no_actor");
  await t.tell("d/a", "watch", "/s/d/none");
  expect((await state(t, "a")).said).toEqual(["one", "/s/d/none no_actor"]);
  expect(await call(t, { op: "which_child", id: "none" })).toBe("not_found");
  expect(await call(t, { op: "terminate_child", id: "none" })).toBe("not_found");
  expect(t.of("exited").concat(t.of("start_error") as never)).toEqual([]);
  expect(supervisorOf(t).state.children.size).toBe(1);
});

test("terminate_child has it say its last words, and then it is forgotten", async () => {
  const engine = new MemoryEngine();
  const t = await node(engine);
  await asleep(t);
  expect(await call(t, { op: "terminate_child", id: "a" })).toBe("ok");
  expect([heard, engine.paths()]).toEqual([["a shutdown"], []]);
  expect(await counts(t)).toMatchObject({ active: 0, workers: 0 });
});

test("its durable timer brings it back when it is due, again and again", async () => {
  const t = await node();
  await start(t, "a");
  await start(t, "b");
  await t.tell("d/a", "remind", { ms: 60_000, every: false, skip: false });
  await t.tell("d/b", "remind", { ms: 60_000, every: true, skip: true });
  await t.advance(59_000);
  expect([awake(t, "a"), awake(t, "b")]).toEqual([false, false]);
  await t.advance(1_200);
  expect([awake(t, "a"), awake(t, "b")]).toEqual([true, true]);
  await t.advance(180_000);
  expect((await state(t, "a")).said).toEqual(["ding"]);
  // Nobody was away: none of its times was missed.
  expect((await state(t, "b")).said).toEqual(["ding", "ding", "ding", "ding"]);
});

test("times that were missed are left out, and those after them are not, asleep or awake", async () => {
  const engine = new MemoryEngine();
  const one = await node(engine);
  await start(one, "b");
  await one.tell("d/b", "remind", { ms: 60_000, every: true, skip: true });
  await one.advance(5_000);
  const two = await node(engine, 1, 150_000);
  const woken = () => two.events.filter(({ type }) => type === "woken").length;
  await two.advance(5_000);
  expect([awake(two, "b"), woken()]).toEqual([false, 1]);
  // Others who wake do not make it look overdue.
  await start(two, "a");
  await two.tell("d/a", "remind", { ms: 10_000, every: false, skip: false });
  await two.advance(20_000);
  expect([awake(two, "b"), woken()]).toEqual([false, 2]);
  await two.advance(125_000);
  expect((await state(two, "b")).said).toEqual(["ding", "ding", "ding"]);
});

test("what waits keeps it: a deferred answer, a timer for idleness, a timer that is soon due", async () => {
  const t = await node();
  for (const id of ["a", "b", "c"]) await start(t, id);
  const got: unknown[] = [];
  const { control } = t.world;
  control.request("/s/d/a", "later", null, 60_000, (answer) => got.push(told(answer)));
  await t.tell("d/b", "idle");
  await t.tell("d/c", "remind", { ms: 900, every: true, skip: false });
  await t.advance(4_000);
  expect(["a", "b", "c"].map((id) => awake(t, id))).toEqual([true, true, true]);
  await t.tell("d/a", "answer");
  await t.advance(5_000);
  expect(["a", "b", "c"].map((id) => awake(t, id))).toEqual([false, false, true]);
  expect([got, (await state(t, "b")).said]).toEqual([[7], ["idle"]]);
});

test("the clock on the wall is set forward: a timer that is due by it brings its actor back", async () => {
  const t = await node();
  await asleep(t);
  await t.tell("d/a", "remind", { ms: 3_600_000, every: false, skip: false });
  await t.advance(3_000);
  expect(awake(t, "a")).toBe(false);
  for (const { kernel } of t.world.hosts) {
    const { calendar } = kernel;
    const wall = (nowMs: number) => calendar.wall(nowMs) + 3_600_000;
    Object.assign(kernel, { calendar: { ...calendar, wall, next: calendar.next } });
  }
  await t.advance(61_000);
  expect(t.of("woken")).toHaveLength(2);
  expect((await state(t, "a")).said).toEqual(["one", "ding"]);
});

test("timers of those who are awake do not have the store asked for each of them", async () => {
  const engine = new MemoryEngine();
  const t = await node(engine);
  for (const id of ["a", "b", "c"]) await start(t, id);
  await t.tell("d/a", "remind", { ms: 37, every: true, skip: false });
  await t.tell("d/c", "remind", { ms: 41, every: true, skip: false });
  await t.tell("d/b", "remind", { ms: 4_000, every: false, skip: false });
  const looks: number[] = [];
  const execute = engine.execute.bind(engine);
  engine.execute = (ops) => {
    if (ops.some(({ kind }) => kind === "due")) looks.push(t.now);
    return execute(ops);
  };
  await t.advance(10_000);
  expect([awake(t, "a"), (await state(t, "b")).said]).toEqual([true, ["ding"]]);
  expect(looks.length).toBeGreaterThan(20);
  const apart = looks.slice(1).map((at, n) => at - (looks[n] as number));
  expect(Math.min(...apart)).toBe(100);
});

test("they are counted right while some of them come back, more than come at a time", async () => {
  const engine = new MemoryEngine();
  const paths = Array.from({ length: 250 }, (_, n) => `/s/d/k${n}`);
  engine.execute(paths.map((path) => commit(path, 1, born(path))));
  const t = await node(engine, 1);
  const { world } = t;
  const { state } = supervisorOf(t);
  world.stall("store", 0, 1_000);
  for (const thread of [1, 2]) world.stall("store", thread, 2_000);
  const call = t.post({ op: "count_children" }, "d");
  await t.settle();
  await t.suspend("d");
  for (const to of paths.slice(0, 150)) world.send({ kind: "nudge", to });
  await t.settle();
  await t.resume("d");
  await t.advance(1_500);
  const begun = [...state.children.values()].map(({ status }) => status);
  expect([call.result, begun.length, new Set(begun)]).toEqual([
    ...[null, 150, new Set(["starting", "undefined"])],
  ]);
  await t.advance(600);
  expect([call.result, state.asleep]).toMatchObject([{ ok: { active: 250 } }, 100]);
});

test("who waits until they are counted is told when their supervisor ends", async () => {
  const t = await node();
  await asleep(t);
  t.world.stall("store", 0, 60_000);
  const calls = [
    t.post({ op: "count_children" }, "d"),
    t.post({ op: "which_children" }, "d"),
    t.post({ op: "count_children" }, "d"),
  ];
  await t.settle();
  expect(calls.map(({ result }) => result)).toEqual([null, null, null]);
  await t.kill("d");
  expect(calls.map(({ result }) => result)).toMatchObject(calls.map(() => ({ error: "exited" })));
});

test("what comes behind mail that is on its way through the store keeps it", async () => {
  const t = await node();
  await start(t, "a");
  const { world } = t;
  world.stall("store", world.threadOf("/s/d/a"), 4_000);
  world.send(world.control.mail("/s/d/a", "say", "one", "", 0));
  const got: unknown[] = [];
  world.control.call("/s/d/a", "get_state", 60_000, (answer) => got.push(told(answer)));
  await t.advance(3_000);
  expect([awake(t, "a"), got]).toEqual([true, []]);
  await t.advance(6_000);
  expect([awake(t, "a"), got]).toEqual([false, [{ who: "a", said: ["one"] }]]);
});

test("it does not leave for less time than it leaves after", async () => {
  const t = await node();
  for (const id of ["a", "b"]) await start(t, id);
  // Looked at after 1 s and, found idle, after 2 s.
  await t.tell("d/a", "remind", { ms: 2_900, every: false, skip: false });
  await t.tell("d/b", "remind", { ms: 3_500, every: false, skip: false });
  await t.advance(2_500);
  expect([awake(t, "a"), awake(t, "b")]).toEqual([true, false]);
});

test("an id of outside mail is known while it is asleep", async () => {
  const t = await node();
  await asleep(t);
  for (let times = 0; times < 3; times++) {
    const mail = t.world.control.mail("/s/d/a", "say", "once", "", 0);
    submit(t.world.control, mail, "the id", null);
    await t.advance(3_000);
  }
  expect((await state(t, "a")).said).toEqual(["one", "once"]);
});

test("a restarted node starts only those for whom something waits", async () => {
  const engine = new MemoryEngine();
  const one = await node(engine);
  for (const id of ["a", "b", "c", "d", undefined]) await start(one, id);
  await one.tell("d/b", "remind", { ms: 20_000, every: false, skip: false });
  await one.advance(5_000);
  engine.execute([
    {
      kind: "enqueue",
      mail: { to: "/s/d/a", from: "", type: "say", ask: 0, body: encode("late") },
    },
  ]);
  const two = await node(engine, 1, 6_000);
  expect(["a", "b", "c", "d", "#1"].map((id) => awake(two, id))).toEqual([
    ...[true, false, false, false, false],
  ]);
  expect((await state(two, "a")).said).toEqual(["late"]);
  expect(await counts(two)).toMatchObject({ active: 5, workers: 5, specs: 1 });
  await two.advance(15_000);
  expect((await state(two, "b")).said).toEqual(["ding"]);
  // Numbers go on behind those that were handed out, asleep or not.
  expect(await start(two)).toBe("#2");
  const { state: above } = supervisorOf(two);
  const before = above.asleep;
  expect([await start(two, "c"), above.asleep]).toEqual(["already_started", before - 1]);
});

test("more for whom something waits than are asked for at a time: all of them come", async () => {
  const engine = new MemoryEngine();
  const paths = Array.from({ length: 2 * WAKES_MAX + 100 }, (_, n) => `/s/d/k${n}`);
  const said = { type: "say", from: "", ask: 0, body: encode("late") };
  engine.execute(paths.map((path) => commit(path, 1, born(path))));
  engine.execute(paths.map((to) => ({ kind: "enqueue", mail: { ...said, to } })));
  const t = await node(engine, 1);
  await t.settle();
  expect([t.of("woken").length, engine.waiting(paths.at(-1) ?? "")]).toEqual([paths.length, []]);
});

test("a number that was handed out long ago is not handed out again", async () => {
  const t = await node();
  for (let n = 1; n <= 4; n++) await start(t);
  await t.advance(5_000);
  supervisorOf(t).state.handedOut = 1;
  expect(await start(t)).toBe("#5");
  expect(await counts(t)).toMatchObject({ active: 5 });
});

test("all are listed page by page, and maxChildren counts them", async () => {
  const t = await node(new MemoryEngine(), 0, 0, { maxChildren: 5 });
  for (const id of ["e", "a", "d", "b"]) await asleep(t, id);
  await start(t, "c");
  expect(await start(t, "f")).toBe("max_children");
  const seen: string[] = [];
  let after = "";
  do {
    const request = { op: "which_children" as const, after, max: 2 };
    const result = await raw(t, request);
    if ("error" in result) throw new Error(result.error);
    const views = result.ok as ChildView[];
    expect(views.length).toBeLessThanOrEqual(2);
    seen.push(...views.map(({ id, status }) => `${id} ${status}`));
    after = result.next ?? "";
  } while (after !== "");
  expect(seen).toEqual(["e asleep", "a asleep", "d asleep", "b asleep", "c up"]);
  await call(t, { op: "terminate_child", id: "e" });
  // More than there are is never believed: they are counted before somebody is refused.
  supervisorOf(t).state.asleep = 9;
  expect(await start(t, "f")).toBe("f");
});

/** An administrative call with its whole answer. */
function raw(t: Bench, request: { op: "which_children"; after: string; max: number }) {
  return new Promise<AdminResult>((resolve) => {
    t.world.control.call("/s/d", request, 5_000, (answer) => {
      resolve(answer.ok ? (answer.value as AdminResult) : { error: "exited" });
    });
    void t.settle();
  });
}

test("who counts them while one is being forgotten is answered when it is", async () => {
  const t = await node();
  for (const id of ["a", "b", "c"]) await start(t, id);
  const { control } = t.world;
  const found: unknown[] = [];
  for (const request of [{ op: "terminate_child", id: "a" }, { op: "count_children" }] as const) {
    control.call("/s/d", request, 60_000, (answer) => found.push(told(answer)));
  }
  await t.advance(10);
  expect(found).toMatchObject([{ ok: null }, { ok: { active: 2 } }]);
});

test("many that are needed at once come back side by side, each once", async () => {
  const t = await node();
  const ids = Array.from({ length: 40 }, (_, n) => `k${n}`);
  for (const id of ids) await start(t, id);
  await t.advance(5_000);
  for (const id of ids) {
    for (let n = 0; n < 5; n++) {
      t.world.send(t.world.control.mail(`/s/d/${id}`, "say", `${n}`, "", 0));
    }
  }
  await t.settle();
  expect(t.of("woken")).toHaveLength(40);
  for (const id of ids) expect((await state(t, id)).said).toEqual(["0", "1", "2", "3", "4"]);
});

test("their supervisor ends or is killed meanwhile: its next life finds who is needed", async () => {
  for (const end of ["kill", "stop"] as const) {
    const t = await node();
    await asleep(t);
    await (end === "kill" ? t.kill("d") : t.stop("d"));
    await t.tell("d/a", "say", "two");
    expect((await state(t, "a")).said).toEqual(["one", "two"]);
  }
});

test("a crash after it came back is a restart as any other", async () => {
  const t = await node();
  await asleep(t);
  await t.tell("d/a", "crash");
  expect((await state(t, "a")).said).toEqual(["one"]);
  expect(t.of("child_terminated").map(({ path }) => path)).toEqual(["/s/d/a", "/s/d/a", "/s/d/a"]);
  expect(supervisorOf(t).state.restarts.length).toBe(3);
});

test("a need that comes while one leaves is met when it has left", () => {
  for (const [sure, busy] of [
    [false, true],
    [true, true],
    [true, false],
  ] as const) {
    const spec = dynamic("d", {}, Talk, { durable: true, hibernateAfter: "1s" });
    const m = new Machine(spec);
    m.call({ op: "start_child", id: "a", args: { who: "a" } });
    const { life } = m.state.children.get("a") as { life: number };
    m.state.suspended = busy;
    // (Told by a look at the store before the child itself has told that it leaves.)
    if (!busy) m.feed({ type: "wake", id: "a", sure });
    m.feed({ type: "hibernated", life });
    if (busy) m.feed({ type: "wake", id: "a", sure });
    m.state.suspended = false;
    m.feed({ type: "wake", id: "b", sure: false });
    expect(m.did.filter((each) => each === "start a")).toHaveLength(2);
    expect(m.kids).toContain("a:up");
  }
});

/** A supervisor whose only child, "a", is asleep. */
function sleeping(restart: Restart): Machine {
  const spec = dynamic("d", {}, Talk, { durable: true, hibernateAfter: "1s", restart });
  const m = new Machine(spec);
  m.call({ op: "start_child", id: "a", args: { who: "a" } });
  m.feed({ type: "hibernated", life: m.state.children.get("a")?.life ?? 0 });
  return m;
}

const RESTARTS: readonly Restart[] = ["permanent", "transient", "temporary"];
const FAILURES: readonly ExitReason[] = [
  { tag: "thread_lost", thread: 1 },
  { tag: "killed", by: "deadline" },
  { tag: "bad_start", code: "E_STORE_VERSION", message: "no upgrade" },
  { tag: "error", name: "Error", message: "an upgrade throws" },
];

test("who could not come back is not forgotten, and is started again", () => {
  for (const restart of RESTARTS) {
    for (const reason of FAILURES) {
      const m = sleeping(restart);
      m.outcomes.set("a", { error: reason });
      m.feed({ type: "wake", id: "a", sure: false });
      expect([m.forgot, m.kids], `${restart} ${reason.tag}`).toEqual([[], "a:up"]);
    }
  }
});

test("a start by the id of one who is asleep takes nothing away when it fails", () => {
  for (const reason of FAILURES) {
    const m = sleeping("temporary");
    m.outcomes.set("a", { error: reason });
    const answer = m.call({ op: "start_child", id: "a", args: { who: "a" } });
    expect(answer).toMatchObject({ error: "start_failed" });
    expect([m.forgot, m.kids], reason.tag).toEqual([[], ""]);
  }
});

test("who is killed while it comes back has ended", () => {
  const reason: ExitReason = { tag: "killed", by: "operator" };
  for (const restart of RESTARTS) {
    const m = sleeping(restart);
    m.outcomes.set("a", { error: reason });
    m.feed({ type: "wake", id: "a", sure: false });
    const back = restart !== "temporary";
    expect([m.forgot, m.kids], restart).toEqual(back ? [[], "a:up"] : [["a"], ""]);
  }
});

test("renewed, it could not start: tried again, and no record of it stays behind without a life", () => {
  for (const reason of FAILURES) {
    const m = sleeping("permanent");
    m.feed({ type: "wake", id: "a", sure: false });
    m.outcomes.set("a", { error: reason });
    expect(m.call({ op: "renew_child", id: "a" })).toMatchObject({ error: "start_failed" });
    expect([m.forgot, m.kids], reason.tag).toEqual([[], "a:up"]);
  }
  const m = sleeping("permanent");
  m.feed({ type: "wake", id: "a", sure: false });
  m.outcomes.set("a", { error: { tag: "no_actor", path: "/d/a" } });
  m.call({ op: "renew_child", id: "a" });
  expect(m.kids).toBe("");
});

test("renewed, a child that no store has and that may not restart is gone when it cannot start", () => {
  for (const restart of RESTARTS) {
    const m = new Machine(dynamic("d", {}, Talk, { restart }));
    m.call({ op: "start_child", id: "a", args: { who: "a" } });
    m.outcomes.set("a", { error: { tag: "error", name: "Error", message: "no" } });
    m.call({ op: "renew_child", id: "a" });
    expect(m.kids, restart).toBe(restart === "temporary" ? "" : "a:up");
  }
});
