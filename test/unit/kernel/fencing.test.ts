// What is left of a dead incarnation, or of a finished message, can do nothing (SEMANTICS 30.2).
import { expect, test } from "vitest";
import type { AnyContext } from "../../../src/actor/context.ts";
import { ActorError } from "../../../src/actor/errors.ts";
import { Bench } from "../../conformance/harness.ts";

/** Each verb, as left-over code would call it. */
const VERBS: Record<string, (ctx: AnyContext, t: Bench) => unknown> = {
  tell: (ctx, t) => ctx.tell(t.ref("b"), "exit", { tag: "normal" }),
  ask: (ctx, t) => ctx.ask(t.ref("b"), "eval", () => "asked"),
  use: (ctx) => ctx.use({ name: "none" } as never, null),
  step: (ctx) => ctx.step("late", () => "stepped"),
  after: (ctx) => ctx.after(1, "exit", { tag: "normal" }),
  start: (ctx) => ctx.start({ path: "/s", dynamic: "worker" }, { args: null }),
  watch: (ctx, t) => ctx.watch(t.ref("b")),
  link: (ctx, t) => ctx.link(t.ref("b")),
  reply: (ctx) => ctx.reply("late" as never),
  defer: (ctx) => ctx.defer(),
  exit: (ctx) => ctx.exit(),
};

/** What a verb ends with: a code, or "done". */
async function call(verb: (ctx: AnyContext, t: Bench) => unknown, ctx: AnyContext, t: Bench) {
  try {
    await verb(ctx, t);
    return "done";
  } catch (error) {
    return error instanceof ActorError ? error.code : `thrown ${String(error)}`;
  }
}

async function started(): Promise<Bench> {
  const t = new Bench();
  expect(await t.sup({ intensity: 20 }, [t.w("a"), t.w("b", { trap: true })])).toBe("ok");
  return t;
}

/** Calls every verb on a context that is over, and checks that nothing came of it. */
async function allRefused(t: Bench, ctx: AnyContext): Promise<void> {
  for (const [name, verb] of Object.entries(VERBS)) {
    expect(`${name} ${await call(verb, ctx, t)}`).toBe(`${name} E_CTX_CLOSED`);
  }
  await t.advance(100);
  expect(t.of("fenced").map(({ verb }) => verb)).toEqual(Object.keys(VERBS));
  expect(t.world.control.fencedCalls).toBe(Object.keys(VERBS).length);
  expect(t.downs("b")).toEqual([]);
  expect(t.of("dead_letter")).toEqual([]);
}

test("after the actor's end every verb is refused and counted", async () => {
  const t = await started();
  let ctx: AnyContext | null = null;
  await t.run("a", (now) => {
    ctx = now;
    return new Promise(() => {});
  });
  await t.kill("a");
  expect(t.n("a")).toBe(2);
  await allRefused(t, ctx as unknown as AnyContext);
  expect(t.of("fenced")[0]).toMatchObject({ path: "/s/a" });
});

test("after the message is finished too, also while the next one is handled", async () => {
  const t = await started();
  let ctx: AnyContext | null = null;
  await t.run("a", (now) => {
    ctx = now;
  });
  await t.run("a", () => new Promise(() => {}));
  await allRefused(t, ctx as unknown as AnyContext);
  expect(t.downs("a")).toEqual([]);
});

test("code that goes on after a kill acts for nobody: not for the next incarnation", async () => {
  const t = await started();
  const gate = Promise.withResolvers<void>();
  const codes: string[] = [];
  await t.run("a", async (ctx) => {
    await gate.promise;
    codes.push(await call(VERBS.tell as never, ctx, t));
    codes.push(await call(VERBS.exit as never, ctx, t));
  });
  await t.kill("a");
  gate.resolve();
  await t.world.drain();
  await t.settle();
  expect(codes).toEqual(["E_CTX_CLOSED", "E_CTX_CLOSED"]);
  expect(t.downs("a")).toEqual(["killed by operator"]);
  expect(t.downs("b")).toEqual([]);
});

test("the abort signal fires at the end, and has fired for whoever looks later", async () => {
  const t = await started();
  let early: AbortSignal | null = null;
  let ctx: AnyContext | null = null;
  await t.run("a", (now) => {
    early = now.signal;
    ctx = now;
  });
  expect((early as unknown as AbortSignal).aborted).toBe(false);
  await t.kill("a");
  expect((early as unknown as AbortSignal).aborted).toBe(true);
  let unused: AnyContext | null = null;
  await t.run("b", (now) => {
    unused = now;
  });
  await t.kill("b");
  expect((unused as unknown as AnyContext).signal.aborted).toBe(true);
  expect((ctx as unknown as AnyContext).signal).toBe(early);
});

test("timers of the dead do not fire and cannot be cancelled", async () => {
  const t = await started();
  let timer = { cancel: () => true };
  await t.run("a", (ctx) => {
    timer = ctx.after(50, "crash", "from the dead");
  });
  await t.kill("a");
  await t.advance(100);
  expect(timer.cancel()).toBe(false);
  expect(t.downs("a")).toEqual(["killed by operator"]);
});

test("a step that ends late is dropped, an answer that comes late too", async () => {
  const t = await started();
  const slow = Promise.withResolvers<string>();
  const seen: unknown[] = [];
  await t.run("a", async (ctx) => {
    seen.push(await ctx.step("slow", () => slow.promise));
  });
  await t.kill("a");
  slow.resolve("late");
  await t.world.drain();
  await t.settle();
  expect(seen).toEqual([]);
  expect(t.downs("a")).toHaveLength(1);
});

test("unlink and unwatch of a dead incarnation leave those of the next one alone", async () => {
  const t = await started();
  const left: { link?: { unlink(): void }; watch?: { cancel(): void } } = {};
  const tie = (ctx: AnyContext) => ({ link: ctx.link(t.ref("b")), watch: ctx.watch(t.ref("b")) });
  await t.run("a", (ctx) => void Object.assign(left, tie(ctx)));
  await t.run("a", (ctx) => void ctx.exit({ tag: "normal" }));
  await t.run("a", (ctx) => void tie(ctx));
  left.link?.unlink();
  left.watch?.cancel();
  await t.settle();
  expect(t.of("fenced").map(({ verb }) => verb)).toEqual(["unlink", "unwatch"]);
  await t.kill("b");
  expect(t.down("a")).toBe("linked to /s/b: killed by operator");
});

test("a deferred reply is good once, and not after the end", async () => {
  const t = await started();
  let put: { reply(value: never): void } | null = null;
  const answers: unknown[] = [];
  const { control } = t.world;
  const keep = (ctx: AnyContext) => {
    put = ctx.defer();
  };
  control.request("/s/a", "run", keep, 5_000, (answer) => answers.push(answer));
  await t.settle();
  await t.run("a", () => put?.reply("one" as never));
  await t.run("a", () => put?.reply("two" as never));
  expect(answers).toEqual([{ ok: true, value: "one" }]);
  control.request("/s/a", "run", keep, 5_000, (answer) => answers.push(answer));
  await t.settle();
  await t.kill("a");
  put = put as unknown as { reply(value: never): void };
  put.reply("three" as never);
  await t.settle();
  expect(answers[1]).toMatchObject({ ok: false, code: "exited", reason: { tag: "killed" } });
  expect(t.of("fenced").map(({ verb }) => verb)).toEqual(["defer.reply", "defer.reply"]);
});
