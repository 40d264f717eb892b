// Elixir's task/supervisor_test: a task is a temporary child of a dynamic supervisor that is asked
// once; async is start + link + watch + ask, async_nolink the same without the link.
import { describe, expect, test } from "vitest";
import type { AnyContext } from "../../src/actor/context.ts";
import { dynamic } from "../../src/actor/spec.ts";
import { detail } from "../../src/kernel/inspect.ts";
import { Bench, err, make, NORMAL, type Run, shut, sleep, terminate } from "./harness.ts";
import { D, inside, outcome, withStarter } from "./server-harness.ts";

/** Runs `body` in a task: its value is the answer, and the task ends. */
const task = async (ctx: AnyContext, body: Run, timeout = 5_000): Promise<unknown> => {
  const ref = await ctx.start(D, { args: null });
  const work: Run = async (own, state) => {
    const value = await body(own, state);
    own.after(0, "exit", NORMAL, { when: "next" });
    return value;
  };
  return ctx.ask(ref, "eval", work, { timeout });
};

/** One task for each input, at most `most` at a time; results in the order of the input. */
const map = async (ctx: AnyContext, inputs: number[], most: number, body: (n: number) => Run) => {
  const results: unknown[] = [];
  let next = 0;
  const lane = async () => {
    for (let at = next++; at < inputs.length; at = next++) {
      results[at] = await outcome(task(ctx, body(inputs[at] as number), 1_000));
    }
  };
  await Promise.all(Array.from({ length: most }, lane));
  return results;
};

const links = (t: Bench, id: string) => detail(t.world.control, t.path(id))?.links;

describe("supervision", () => {
  test("EXT-001 can be supervised directly: under its name", async () => {
    const t = await withStarter();
    expect(await t.kids()).toEqual(["d:up", "starter:up"]);
    expect(await t.admin(make(null), "d")).toEqual({ ok: "#1" });
    await t.kill("d");
    expect([await t.kids(), await t.kids("d")]).toEqual([["d:up", "starter:up"], []]);
  });

  test("EXT-003 multiple supervisors can be supervised, each with an id of its own", async () => {
    const t = new Bench();
    const of = (id: string) => dynamic(id, {}, t.behaviour());
    await t.sup({}, [of("one"), of("two")]);
    await t.admin(make(null, "x"), "one");
    expect([await t.kids("one"), await t.kids("two")]).toEqual([["x:up"], []]);
    expect(() => dynamic("s", {}, of("x"))).not.toThrow();
    await expect((async () => t.sup({}, [of("one"), of("one")]))()).rejects.toThrow(/called "one"/);
  });
});

describe("async", () => {
  test("EXT-005 spawns tasks under the supervisor, linked and watched: reply, then normal down", async () => {
    const t = await withStarter();
    const seen: unknown[] = [];
    await inside(t, "starter", async (ctx) => {
      const ref = await ctx.start(D, { id: "t", args: null });
      ctx.link(ref);
      ctx.watch(ref);
      const reply = ctx.ask(ref, "eval", (own) => sleep(own, 10).then(() => own.self.path));
      ctx.tell(ref, "exit", NORMAL);
      seen.push(await reply);
    });
    await t.settle();
    expect(seen).toEqual(["/s/d/t"]);
    expect(t.notices.toSorted()).toEqual([
      "starter down /s/d/t normal",
      "starter exit /s/d/t normal",
    ]);
    expect([await t.kids("d"), links(t, "starter")]).toEqual([[], []]);
  });

  test("EXT-005 a crash of a linked task ends a caller that does not trap exits", async () => {
    const t = await withStarter();
    await t.admin(make(null, "caller"), "d");
    await inside(t, "d/caller", async (ctx) => {
      const ref = await ctx.start(D, { id: "t", args: null });
      ctx.link(ref);
      ctx.tell(ref, "exit", err("task"));
    });
    await t.settle();
    expect(t.down("d/caller")).toBe("linked to /s/d/t: error Test: task");
  });

  test("EXT-007 raises when maxChildren is reached", async () => {
    const t = await withStarter({}, { maxChildren: 2 });
    const got = await inside(t, "starter", async (ctx) => {
      const starts = [1, 2, 3].map(() => outcome(ctx.start(D, { args: null })));
      return (await Promise.all(starts)).map((each) => (each === "refused" ? each : "ok"));
    });
    expect(got).toEqual(["ok", "ok", "refused"]);
    expect(await t.count("d")).toBe("1/2/0/2");
  });
});

describe("async_nolink and start_child", () => {
  test("EXT-010 a task without a link cannot end the caller", async () => {
    const t = await withStarter();
    await t.admin(make(null, "caller"), "d");
    const got = await inside(t, "d/caller", (ctx) =>
      outcome(task(ctx, () => Promise.reject(new Error("in the task")))),
    );
    expect([got, links(t, "d/caller")]).toEqual(["exited: error Error: in the task", []]);
    expect([t.downs("d/caller"), t.down("d/#1")]).toEqual([[], "error Error: in the task"]);
  });

  const killedOnStop = async () => {
    const t = await withStarter({ shutdown: "brutal_kill", trap: true });
    await inside(t, "starter", async (ctx) => {
      ctx.watch(await ctx.start(D, { id: "t", args: null }));
    });
    await t.admin(terminate("t"), "d");
    expect(t.notices).toEqual(["starter down /s/d/t killed by supervisor"]);
    expect(t.log.filter((each) => each.startsWith("terminate"))).toEqual([]);
  };

  test("EXT-011 with custom shutdown: brutal_kill is seen as killed", killedOnStop);
  test("EXT-016 start_child/1 with custom shutdown", killedOnStop);

  test("EXT-017 start_child/1 with custom restart: a permanent task runs again", async () => {
    const t = await withStarter({ restart: "permanent" });
    await t.admin(make(null, "t"), "d");
    await t.die("d/t", shut());
    expect([t.n("d/t"), t.alive("d/t")]).toEqual([2, true]);
  });
});

describe("await", () => {
  test("EXT-020 after a timeout neither the reply nor the end reaches the caller", async () => {
    const t = await withStarter();
    const got = await inside(t, "starter", (ctx) =>
      outcome(task(ctx, (own) => sleep(own, 200).then(() => "late"), 100)),
    );
    expect([got, t.now]).toEqual(["timeout", 100]);
    await t.advance(1_000);
    expect([t.down("d/#1"), t.notices, t.of("dead_letter")]).toEqual(["normal", [], []]);
    expect(detail(t.world.control, "/s/starter")).toMatchObject({ mail: 0, asks: 0, watching: [] });
  });

  const failing = async (thrown: unknown, expected: object) => {
    const t = await withStarter();
    await t.run("starter", (ctx) =>
      task(ctx, () => {
        throw thrown;
      }),
    );
    // Uncaught it ends the caller, and the cause says what happened in the task, and where.
    expect(t.reason("starter")).toMatchObject({
      tag: "error",
      name: "ActorError",
      cause: { tag: "error", ...expected },
    });
  };

  test("EXT-021 exits on task throw", () =>
    failing("thrown", { name: "Thrown", message: "thrown" }));

  test("EXT-022 exits on task error, with its stack", () =>
    failing(new RangeError("bad"), {
      name: "RangeError",
      message: "bad",
      stack: expect.stringContaining("RangeError: bad"),
    }));
});

describe("stream: many at once, with Promise.all", () => {
  /** Streams 1, 2, 3, 4; each works 10 times its number in ms. */
  const streamed = async (inputs: number[], most: number, body: (n: number) => Run) => {
    const t = await withStarter();
    const results = await inside(t, "starter", (ctx) => map(ctx, inputs, most, body));
    return { t, results };
  };
  const work =
    (n: number): Run =>
    (own) =>
      sleep(own, 10 * n).then(() => n);
  const crash =
    (n: number): Run =>
    () =>
      Promise.reject(new Error(`${n}`));
  const exits = [1, 2, 3, 4].map((n) => `exited: error Error: ${n}`);

  test("EXT-024 streams an enumerable with fun: in order, and never more than allowed", async () => {
    let [now, most] = [0, 0];
    const counted =
      (n: number): Run =>
      async (own) => {
        most = Math.max(most, ++now);
        await sleep(own, 10);
        now--;
        return n;
      };
    const { t, results } = await streamed([1, 2, 3, 4], 2, counted);
    expect([results, most, t.now]).toEqual([[1, 2, 3, 4], 2, 20]);
  });

  test("EXT-027 streams an enumerable with slowest first: the order is that of the input", async () => {
    const { t, results } = await streamed([4, 3, 2, 1], 4, work);
    expect([results, t.now]).toEqual([[4, 3, 2, 1], 40]);
  });

  test("EXT-028 streams an enumerable with exits: failures are values, links arrive as news", async () => {
    const { t, results } = await streamed([1, 2, 3, 4], 4, crash);
    expect([results, t.downs("starter")]).toEqual([exits, []]);
  });

  const unused = async () => {
    const t = await withStarter();
    const first = await inside(t, "starter", async (ctx) => {
      const refs = await Promise.all([1, 2, 3, 4].map(() => ctx.start(D, { args: null })));
      const asks = refs.map((ref, i) => ctx.ask(ref, "eval", work(i + 1)));
      const value = await Promise.race(asks);
      for (const ref of refs) ctx.tell(ref, "exit", shut());
      return value;
    });
    await t.advance(1_000);
    return { t, first };
  };

  test("EXT-029 shuts down unused tasks", async () => {
    const { t, first } = await unused();
    expect([first, await t.kids("d"), links(t, "starter")]).toEqual([1, [], []]);
  });

  test("EXT-030 shuts down unused tasks without leaking messages", async () => {
    const { t } = await unused();
    expect(detail(t.world.control, "/s/starter")).toMatchObject({ mail: 0, asks: 0 });
    expect([t.notices, t.of("dead_letter"), t.world.control.timers.size]).toEqual([[], [], 0]);
  });

  test("EXT-034 with timeout: each timeout stands in the place of its input", async () => {
    const { results } = await streamed([1, 101, 2], 3, work);
    expect(results).toEqual([1, "timeout", 2]);
  });

  test("EXT-036 does not allow streaming with invalid shutdown", () => {
    const t = new Bench();
    for (const shutdown of [-1, "soon", Number.NaN, {}]) {
      expect(() => dynamic("d", {}, t.behaviour(), { shutdown: shutdown as never })).toThrow();
    }
  });

  test("EXT-037 nolink: streams an enumerable with fun", async () => {
    const { t, results } = await streamed([1, 2, 3, 4], 4, work);
    expect([results, links(t, "starter")]).toEqual([[1, 2, 3, 4], []]);
  });

  test("EXT-039 nolink: streams an enumerable without leaking tasks", async () => {
    const { t } = await streamed([1, 2, 3, 4], 3, work);
    await t.settle();
    expect(await t.kids("d")).toEqual([]);
    expect(t.world.control.members.size).toBe(3);
  });

  test("EXT-040 nolink: streams an enumerable with slowest first", async () => {
    const { results } = await streamed([4, 1, 3, 2], 4, work);
    expect(results).toEqual([4, 1, 3, 2]);
  });

  test("EXT-041 nolink: streams an enumerable with exits: values, without trapping", async () => {
    const t = await withStarter();
    await t.admin(make(null, "caller"), "d");
    const results = await inside(t, "d/caller", (ctx) => map(ctx, [1, 2, 3, 4], 2, crash));
    expect([results, t.downs("d/caller")]).toEqual([exits, []]);
  });
});
