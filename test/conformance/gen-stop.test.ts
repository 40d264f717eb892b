// gen_server_SUITE: stopping and crashing. A stop is terminate_child, a shutdown or ctx.exit.
import { describe, expect, test } from "vitest";
import { type ExitReason, formatReason } from "../../src/actor/exit.ts";
import { detail } from "../../src/kernel/inspect.ts";
import { Bench, err, NORMAL, restart, shut, terminate } from "./harness.ts";
import { told, withStarter } from "./server-harness.ts";

const dead = async (t: Bench, id: string) => told(await t.ask(id, "eval", () => "alive"));

describe("stop", () => {
  test("GEN-005 stop1: stop waits for the end; afterwards nobody is there", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c", { trap: true, stop: 200 })]);
    const stopping = t.post(terminate("c"));
    await t.advance(199);
    expect([stopping.result, t.alive("c")]).toEqual([null, true]);
    await t.advance(1);
    expect([stopping.result, t.alive("c")]).toEqual([{ ok: null }, false]);
    expect(await dead(t, "c")).toBe("no_actor");
    // Stopping the stopped is no error of a static child, whose spec is still there (12).
    expect(await t.admin(terminate("c"))).toEqual({ ok: null });
    expect(await t.admin(terminate("never"))).toEqual({ error: "not_found" });
  });

  test("GEN-006 stop2: with a reason of one's own", async () => {
    const t = new Bench();
    await t.sup({ intensity: 5 }, [t.w("c", { restart: "temporary" }), t.w("d"), t.w("e")]);
    await t.die("c", shut("enough"));
    await t.stop("d", shut({ why: "drained" }));
    await t.exit("e", err("crashed by hand"));
    expect([t.down("c"), t.down("d"), t.down("e")]).toEqual([
      'shutdown "enough"',
      'shutdown {"why":"drained"}',
      "error Test: crashed by hand",
    ]);
  });

  test("GEN-008 stop4: by name; the name is free at once", async () => {
    const t = await withStarter();
    const at = { op: "start_child", id: "name", args: "ok" } as const;
    for (let i = 1; i <= 3; i++) {
      expect(await t.admin(at, "d")).toEqual({ ok: "name" });
      await t.stop("d/name");
      expect(t.alive("d/name")).toBe(false);
    }
    expect(t.n("d/name")).toBe(3);
  });

  test("GEN-010 stop6: by a path that is good on every thread of the node", async () => {
    const t = new Bench({ threads: 2, seed: 3 });
    await t.sup({}, [t.w("a"), t.w("b"), t.w("c"), t.w("d")]);
    const threads = new Set(["a", "b", "c", "d"].map((id) => t.world.threadOf(t.path(id))));
    expect(threads.size).toBe(2);
    for (const id of ["a", "b", "c", "d"]) {
      expect(await t.admin(terminate(id))).toEqual({ ok: null });
      expect(await dead(t, id)).toBe("no_actor");
    }
  });
});

describe("crash", () => {
  test("GEN-015 crash: shutdowns make no report, other ends do, with path and reason", async () => {
    const t = new Bench();
    await t.sup({ intensity: 9 }, [t.w("c", { restart: "transient" })]);
    for (const reason of [NORMAL, shut(), shut("x")]) {
      await t.die("c", reason);
      await t.admin(restart("c"));
    }
    expect(t.of("child_terminated")).toEqual([]);
    await t.die("c", err("deliberate"));
    await t.tell("c", "crash", new RangeError("thrown"));
    const reports = t.of("child_terminated");
    expect(reports.map(({ path, reason }) => `${path} ${formatReason(reason)}`)).toEqual([
      "/s/c error Test: deliberate",
      "/s/c error RangeError: thrown",
    ]);
    expect(reports[1]?.reason).toHaveProperty(
      "stack",
      expect.stringMatching(/^RangeError: thrown\n/),
    );
    expect(t.of("exited")).toHaveLength(5);
  });

  test("GEN-015 crash: with tracing on, the messages before the crash are known", async () => {
    const t = new Bench({ trace: true });
    await t.sup({}, [t.w("c")]);
    await t.run("c", () => {});
    await t.tell("c", "crash", "now");
    const seen = t.events.flatMap((each) =>
      each.type === "handled" ? [each.message] : each.type === "exited" ? ["exited"] : [],
    );
    expect(seen).toEqual(["run", "exited"]);
  });

  test("GEN-055 terminate_crash_format: a crash in terminate is the reason of the end", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c", { trap: true, stop: err("in terminate") })]);
    expect(await t.admin(terminate("c"))).toEqual({ ok: null });
    expect(t.down("c")).toBe("error Test: in terminate");
    expect(t.of("shutdown_error")).toMatchObject([{ path: "/s/c", reason: { name: "Test" } }]);
  });
});

describe("undef", () => {
  test("GEN-061 undef_handle_call: the caller learns why; the server lives on", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c")]);
    const answer = await t.ask("c", "no such question", 1);
    expect(told(answer)).toBe("E_MESSAGE_TYPE");
    expect(t.now).toBe(0);
    expect(t.downs("c")).toEqual([]);
  });

  test("GEN-062 undef_handle_cast: a dead letter, kept with its reason; the server lives on", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("a"), t.w("c")]);
    await t.run("a", (ctx) => ctx.tell(t.ref("c"), "no such thing" as never, 1 as never));
    const letter = { message: "no such thing", from: "/s/a", reason: "unknown_type" };
    expect(t.of("dead_letter")).toMatchObject([letter]);
    expect(t.downs("c")).toEqual([]);
  });

  test("GEN-064 undef_handle_info: a message from outside is dropped with a warning", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c")]);
    await t.tell("c", "no such thing", 1);
    expect(t.of("dead_letter")).toMatchObject([{ path: "/s/c", reason: "unknown_type" }]);
    expect(t.world.control.dead.list()).toMatchObject([{ to: "/s/c", message: 1 }]);
    expect(await dead(t, "c")).toBe("alive");
  });

  test("GEN-064 undef_handle_info: news without a handler is dropped with a warning", async () => {
    const t = new Bench();
    const { down: _, ...deaf } = t.behaviour();
    const spec = { ...t.w("c"), behaviour: deaf } as ReturnType<Bench["w"]>;
    await t.sup({ intensity: 3 }, [spec, t.w("other")]);
    await t.run("c", (ctx) => void ctx.watch(t.ref("other")));
    await t.kill("other");
    expect(t.of("dropped_notice")).toMatchObject([{ path: "/s/c", notice: "down" }]);
    expect(await dead(t, "c")).toBe("alive");
  });

  const endsWithoutTerminate = async (reason: ExitReason) => {
    const t = new Bench();
    const { terminate: _, ...without } = t.behaviour();
    const spec = { ...t.w("c", { restart: "temporary" }), behaviour: without };
    await t.sup({}, [spec as ReturnType<Bench["w"]>]);
    await t.die("c", reason);
    expect(t.down("c")).toBe(formatReason(reason));
  };

  test("GEN-067 undef_terminate1: a normal end needs no terminate", () =>
    endsWithoutTerminate(NORMAL));

  test("GEN-068 undef_terminate2: another end neither", () => endsWithoutTerminate(err("other")));
});

describe("status", () => {
  const status = (t: Bench, id: string) => detail(t.world.control, t.path(id))?.state;

  test("GEN-053 call_format_status: inspection shows the view a behaviour chooses", async () => {
    const t = new Bench();
    const view = (state: unknown) => ({ masked: typeof state });
    await t.sup({}, [t.w("c", { state: "secret", view }), t.w("plain", { state: { n: 1 } })]);
    expect(status(t, "c")).toBe('{"masked":"string"}');
    expect(status(t, "plain")).toBe('{"n":1}');
    // get_state is for programs and gives the state itself.
    expect(await t.state("c")).toBe("secret");
  });

  const failingView = async (thrown: unknown) => {
    const t = new Bench();
    const view = () => {
      throw thrown;
    };
    await t.sup({}, [t.w("c", { view })]);
    expect(status(t, "c")).toBe("(the behaviour's view failed)");
    expect(await dead(t, "c")).toBe("alive");
  };

  test("GEN-056 crash_in_format_status: a view that crashes does no harm", () =>
    failingView(new Error("crash in the view")));

  test("GEN-057 throw_in_format_status: nor one that throws a value", () => failingView("thrown"));
});
