// Elixir's task_test: what a waiting caller sees of an ask, and what is left of a task afterwards.
import { describe, expect, test } from "vitest";
import type { AnyContext } from "../../src/actor/context.ts";
import { type ExitReason, formatReason } from "../../src/actor/exit.ts";
import { detail } from "../../src/kernel/inspect.ts";
import {
  Bench,
  err,
  NORMAL,
  type Run,
  shut,
  sleep,
  terminate,
  type WorkerOptions,
} from "./harness.ts";
import { inside, outcome } from "./server-harness.ts";

/** A caller and three temporary tasks. */
async function tasks(options: WorkerOptions = {}): Promise<Bench> {
  const t = new Bench();
  const of = { restart: "temporary", ...options } as const;
  await t.sup({ intensity: 5 }, [t.w("caller"), t.w("t1", of), t.w("t2", of), t.w("t3", of)]);
  return t;
}

const delayed =
  (ms: number, value: unknown): Run =>
  (own) =>
    sleep(own, ms).then(() => value);
const quiet = async (t: Bench) => {
  await t.advance(10_000);
  const caller = detail(t.world.control, "/s/caller");
  expect(caller).toMatchObject({ mail: 0, asks: 0, status: "idle" });
  expect([t.notices, t.of("dead_letter")]).toEqual([[], []]);
};

describe("ignore", () => {
  test("EXK-001 discards on time replies: nobody waits, nothing arrives", async () => {
    const t = await tasks();
    await inside(t, "caller", async (ctx) => {
      const reply = ctx.ask(t.ref("t1"), "eval", () => "on time");
      void reply.catch(() => {});
      await sleep(ctx, 10);
    });
    await quiet(t);
  });

  test("EXK-002 discards late replies", async () => {
    const t = await tasks();
    await inside(t, "caller", (ctx) => {
      void ctx.ask(t.ref("t1"), "eval", delayed(100, "late")).catch(() => {});
    });
    expect(t.now).toBe(0);
    await quiet(t);
    expect(t.alive("t1")).toBe(true);
  });
});

describe("await", () => {
  test("EXK-006 exits on timeout: uncaught it ends the caller", async () => {
    const t = await tasks();
    await t.run("caller", (ctx) =>
      ctx.ask(t.ref("t1"), "eval", delayed(500, "late"), { timeout: 100 }),
    );
    await t.advance(100);
    expect(t.down("caller")).toMatch(/^error ActorError: .*no answer arrived in time/);
    await t.advance(1_000);
    expect([t.alive("t1"), t.downs("caller").length]).toEqual([true, 1]);
  });

  test("EXK-007 exits on normal exit: a task that ends without an answer fails its caller", async () => {
    const t = await tasks();
    const ask = (body: Run) =>
      inside(t, "caller", (ctx) => outcome(ctx.ask(t.ref("t1"), "eval", body)));
    expect(await ask((own) => own.exit())).toBe("exited: normal");
    expect(t.now).toBe(0);
    expect(t.down("t1")).toBe("normal");
  });

  const all = (t: Bench, ctx: AnyContext, timeout = 5_000) => {
    const ask = (id: string, ms: number) =>
      ctx.ask(t.ref(id), "eval", delayed(ms, id), { timeout });
    return [ask("t1", 30), ask("t2", 10), ask("t3", 20)];
  };

  test("EXK-009 await_many: returns replies in input order ignoring response order", async () => {
    const t = await tasks();
    const got = await inside(t, "caller", (ctx) => Promise.all(all(t, ctx)));
    expect([got, t.now]).toEqual([["t1", "t2", "t3"], 30]);
  });

  test("EXK-011 await_many: exits on timeout: the first that is late fails all", async () => {
    const t = await tasks();
    const got = await inside(t, "caller", (ctx) => outcome(Promise.all(all(t, ctx, 25))));
    expect([got, t.now]).toEqual(["timeout", 25]);
    await quiet(t);
  });
});

describe("yield", () => {
  test("EXK-012 returns nil on timeout, and the task can still be waited for", async () => {
    const t = await tasks();
    const got = await inside(t, "caller", async (ctx) => {
      const reply = ctx.ask(t.ref("t1"), "eval", delayed(100, "value"));
      const early = await Promise.race([reply, sleep(ctx, 10)]);
      return [early, await reply];
    });
    expect([got, t.now]).toEqual([[undefined, "value"], 100]);
  });

  test("EXK-013 return exit on normal exit", async () => {
    const t = await tasks();
    const got = await inside(t, "caller", async (ctx) => {
      const reply = outcome(
        ctx.ask(t.ref("t1"), "eval", (own) => sleep(own, 5).then(() => own.exit(NORMAL))),
      );
      return Promise.race([reply, sleep(ctx, 50)]);
    });
    expect([got, t.now]).toEqual(["exited: normal", 5]);
  });

  test("EXK-014 yield_many: shuts down on timeout when configured", async () => {
    const t = await tasks();
    const late = await inside(t, "caller", async (ctx) => {
      const asks = ["t1", "t2", "t3"].map((id, i) =>
        outcome(ctx.ask(t.ref(id), "eval", delayed(i * 100, id), { timeout: 50 })),
      );
      return Promise.all(asks);
    });
    expect(late).toEqual(["t1", "timeout", "timeout"]);
    for (const id of ["t2", "t3"]) await t.admin(terminate(id));
    expect([t.alive("t1"), t.alive("t2"), t.alive("t3")]).toEqual([true, false, false]);
    await quiet(t);
  });
});

describe("shutdown", () => {
  /** What the caller learns when the task has ended in some way before, and is then stopped. */
  const ended = async (end: (t: Bench) => Promise<void>, options: WorkerOptions = {}) => {
    const t = await tasks(options);
    await t.run("caller", (ctx) => void ctx.watch(t.ref("t1")));
    // The caller is busy: the down waits in its mailbox.
    await t.suspend("caller");
    await end(t);
    expect(t.notices).toEqual([]);
    const result = await t.admin(terminate("t1"));
    await t.resume("caller");
    return { result, notices: t.notices, t };
  };
  const seen = (reason: ExitReason) => [`caller down /s/t1 ${formatReason(reason)}`];
  const gone = { error: "not_found" };

  test("EXK-017 returns exit on abnormal down in message queue", async () => {
    const { result, notices } = await ended((t) => t.die("t1", err("abnormal")));
    expect([result, notices]).toEqual([gone, seen(err("abnormal"))]);
  });

  test("EXK-018 returns nil on shutdown down in message queue", async () => {
    const { result, notices } = await ended((t) => t.die("t1", shut()));
    expect([result, notices]).toEqual([gone, seen(shut())]);
  });

  test("EXK-019 returns exit on killed down in message queue", async () => {
    const { result, notices } = await ended((t) => t.kill("t1"));
    expect([result, notices]).toEqual([gone, seen({ tag: "killed", by: "operator" })]);
  });

  const brutal = { shutdown: "brutal_kill" } as const;

  test("EXK-022 brutal: returns nil on killed down in message queue", async () => {
    const { result, notices } = await ended((t) => t.kill("t1"), brutal);
    expect([result, notices]).toEqual([gone, seen({ tag: "killed", by: "operator" })]);
  });

  test("EXK-023 brutal: returns exit on shutdown down in message queue", async () => {
    const { result, notices } = await ended((t) => t.die("t1", shut()), brutal);
    expect([result, notices]).toEqual([gone, seen(shut())]);
  });

  test("EXK-024 brutal: returns exit on killing task after shutdown timeout", async () => {
    const options = { trap: true, stop: "stuck", shutdown: 500 } as const;
    const { result, notices, t } = await ended(async () => {}, options);
    expect([result, t.now]).toEqual([{ ok: null }, 500]);
    expect(notices).toEqual(seen({ tag: "killed", by: "supervisor" }));
  });
});
