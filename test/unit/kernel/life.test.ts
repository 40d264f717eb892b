// One actor's life: signals before mail, the budget of a turn, suspension, what its end leaves.
import { expect, test } from "vitest";
import type { AnyContext } from "../../../src/actor/context.ts";
import type { Cell } from "../../../src/kernel/cell.ts";
import { mayBecome, type Status } from "../../../src/kernel/life.ts";
import { TURN_MESSAGES } from "../../../src/kernel/scheduler.ts";
import { Bench, shut } from "../../conformance/harness.ts";
import { told } from "../../conformance/server-harness.ts";

const cell = (t: Bench, id: string) => t.world.control.members.get(t.path(id)) as Cell;
const post = (t: Bench, id: string, body: (ctx: AnyContext) => unknown) =>
  t.world.send(t.world.control.mail(t.path(id), "run", body, "", 0));

async function started(trap = false): Promise<Bench> {
  const t = new Bench();
  expect(await t.sup({ intensity: 20 }, [t.w("a", { trap }), t.w("b", { trap })])).toBe("ok");
  return t;
}

test("from an end there is no way back, and a stop can only end", () => {
  const all: Status[] = [
    "starting",
    "idle",
    "running",
    "parked",
    "committing",
    "stopping",
    "exited",
  ];
  for (const to of all) {
    expect(mayBecome("exited", to)).toBe(false);
    expect(mayBecome("stopping", to)).toBe(to === "exited" || to === "stopping");
  }
  for (const from of all) if (from !== "exited") expect(mayBecome(from, "exited")).toBe(true);
});

test("signals go before mail that was there first", async () => {
  const t = await started();
  const seen: string[] = [];
  post(t, "a", () => void seen.push("mail"));
  await t.kill("a");
  expect(seen).toEqual([]);
  expect(t.of("dead_letter")).toMatchObject([{ path: "/s/a", reason: "actor_exited" }]);
});

test("a turn ends after its share of messages, so that others are served between", async () => {
  const t = await started();
  const order: string[] = [];
  for (let i = 0; i < 2.5 * TURN_MESSAGES; i++) post(t, "a", () => void order.push("a"));
  for (let i = 0; i < TURN_MESSAGES; i++) post(t, "b", () => void order.push("b"));
  await t.settle();
  const runs = order
    .join("")
    .match(/a+|b+/g)
    ?.map((each) => each.length);
  expect(runs).toEqual([TURN_MESSAGES, TURN_MESSAGES, 1.5 * TURN_MESSAGES]);
});

test("a turn ends early when a handler does much", async () => {
  const t = await started();
  const order: string[] = [];
  for (let i = 0; i < 3; i++) {
    post(t, "a", (ctx) => {
      order.push("a");
      for (let n = 0; n < 3_000; n++) ctx.link(t.ref("b"));
    });
  }
  post(t, "b", () => void order.push("b"));
  await t.settle();
  expect(order).toEqual(["a", "a", "b", "a"]);
});

test("whoever links in the last moment is told, whatever is queued before", async () => {
  const t = await started();
  // The kill is on its way already, but not served.
  post(t, "b", (ctx) => {
    ctx.watch(t.ref("a"));
    ctx.link(t.ref("a"));
  });
  t.world.send({ kind: "kill", to: "/s/a", life: 0, by: "operator" });
  await t.settle();
  expect(t.notices).toEqual([]);
  expect(t.down("b")).toBe("linked to /s/a: killed by operator");
});

test("the same for a watch alone: exactly one down", async () => {
  const t = await started();
  post(t, "b", (ctx) => void ctx.watch(t.ref("a")));
  t.world.send({ kind: "kill", to: "/s/a", life: 0, by: "operator" });
  await t.settle();
  expect(t.notices).toEqual(["b down /s/a killed by operator"]);
});

test("suspended: a stop is obeyed, whether it came before, after or in a handler", async () => {
  for (const when of ["before", "after", "parked"]) {
    const t = await started(true);
    const gate = Promise.withResolvers<void>();
    const seen: string[] = [];
    const stop = { kind: "shutdown", to: "/s/a", life: 0, reason: shut() } as const;
    if (when === "parked") {
      post(t, "a", () => gate.promise);
      await t.settle();
    }
    post(t, "a", () => void seen.push("mail"));
    if (when === "before") t.world.send(stop);
    await t.suspend("a");
    if (when !== "before") await t.send(stop);
    gate.resolve();
    await t.world.drain();
    await t.settle();
    expect([when, t.downs("a"), seen]).toEqual([when, ["shutdown"], []]);
    expect(t.log.filter((each) => each.startsWith("terminate"))).toEqual(["terminate a shutdown"]);
  }
});

test("suspended: get_state is answered, asked before or after, and the mail keeps its order", async () => {
  const t = await started();
  const seen: number[] = [];
  const states: unknown[] = [];
  const ask = () =>
    t.world.control.call("/s/a", "get_state", 5_000, (answer) => states.push(told(answer)));
  post(t, "a", () => void seen.push(1));
  ask();
  t.world.send({ kind: "suspend", to: "/s/a" });
  post(t, "a", () => void seen.push(2));
  ask();
  await t.settle();
  expect([seen, states]).toEqual([[], [null, null]]);
  post(t, "a", () => void seen.push(3));
  await t.resume("a");
  expect(seen).toEqual([1, 2, 3]);
});

test("an idle timeout is not lost because somebody looks at the state", async () => {
  const t = await started();
  await t.run("a", (ctx) => void ctx.after(100, "crash", "idle", { when: "idle" }));
  await t.advance(50);
  expect(await t.state("a")).toBeNull();
  t.world.control.call("/s/a", "get_state", 5_000, () => {});
  t.world.advance(t.now + 50);
  await t.settle();
  expect(t.down("a")).toBe("error Thrown: idle");
});

test("an idle timeout that is due gives way to mail that is there already", async () => {
  const t = await started();
  const seen: string[] = [];
  await t.run("a", (ctx) => {
    ctx.after(100, "run", () => void seen.push("idle"), { when: "idle" });
  });
  post(t, "a", () => void seen.push("mail"));
  t.world.advance(t.now + 100);
  await t.advance(500);
  expect(seen).toEqual(["mail"]);
});

test("timers that were cancelled or have fired are not kept", async () => {
  const t = await started();
  await t.run("a", (ctx) => {
    for (let i = 0; i < 500; i++) ctx.after(1_000, "run", () => {}).cancel();
    for (let i = 0; i < 10; i++) ctx.after(1, "run", () => {});
  });
  expect(cell(t, "a").more.timers.size).toBe(10);
  await t.advance(5);
  expect(cell(t, "a").more.timers.size).toBe(0);
});

test("a start that takes too long is killed, and nothing of it is left", async () => {
  const t = new Bench();
  const slow = t.w("a", { script: ["hang"], startTimeout: 100 });
  await t.sup({}, [slow]);
  await t.advance(99);
  expect(t.world.rootSignals).toEqual([]);
  await t.advance(1);
  expect(t.down("a")).toBe("killed by deadline");
  expect(t.world.control.members.size).toBe(0);
  expect(t.world.nextTimer()).toBeNull();
});

test("ctx.exit ends the actor also when the handler catches everything", async () => {
  const t = await started();
  await t.run("a", (ctx) => {
    try {
      ctx.exit(shut("enough"));
    } catch {
      return "caught";
    }
  });
  expect(t.down("a")).toBe('shutdown "enough"');
});

test("an exit instead of an answer tells the asker why", async () => {
  const t = await started();
  const answer = await t.ask("a", "eval", (ctx: AnyContext) => ctx.exit(shut("full")));
  expect(told(answer)).toBe('exited: shutdown "full"');
});

test("two lives of one path are a broken invariant, not a second actor", async () => {
  const t = await started();
  const { spec } = cell(t, "a");
  const start = { kind: "start", to: "/s/a", life: 99, incarnation: 1, spec, args: null } as const;
  expect(() => t.world.send({ ...start, parent: "/s" })).not.toThrow();
  expect(() => t.world.control.deliver({ ...start, parent: "/s" })).toThrow(/two lives of \/s\/a/);
});
