// Probes of OTP that its suites leave open: stopping, auto-shutdown, the supervisor as a process.
import { describe, expect, test } from "vitest";
import type { ExitReason } from "../../src/actor/exit.ts";
import { Bench, err, make, NORMAL, races, shut, start, terminate } from "./harness.ts";

describe("stopping", () => {
  const slow = { trap: true, stop: 200 } as const;

  test("PRB-017 static children stop one after the other", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c1", slow), t.w("c2", slow), t.w("c3", slow)]);
    await t.stop();
    await t.advance(10_000);
    const ends = t.of("exited").map(({ path, atMs }) => `${path} ${atMs}`);
    expect(ends).toEqual(["/s/c3 200", "/s/c2 400", "/s/c1 600", "/s 600"]);
  });

  test("PRB-018 dynamic children stop at the same time", async () => {
    const t = new Bench();
    await t.dyn({}, slow);
    for (let i = 0; i < 3; i++) await t.admin(make());
    await t.stop();
    await t.advance(10_000);
    expect(t.of("exited").map(({ atMs }) => atMs)).toEqual([200, 200, 200, 200]);
    expect(t.down("s")).toBe("shutdown");
  });

  test("PRB-020 over the intensity the others stop in reverse, the reason is shutdown", async () => {
    const t = new Bench();
    const specs = ["a", "b", "c", "d"].map((id) => t.w(id, { trap: true }));
    await t.sup({ intensity: 0 }, specs);
    t.log.length = 0;
    await t.kill("b");
    expect(t.log).toEqual([
      "exit b killed by operator",
      "terminate d shutdown",
      "exit d shutdown",
      "terminate c shutdown",
      "exit c shutdown",
      "terminate a shutdown",
      "exit a shutdown",
      "exit s shutdown",
    ]);
    expect(t.of("restart_intensity")).toMatchObject([{ path: "/s", child: "b", intensity: 0 }]);
  });
});

const REASONS: [ExitReason, string][] = [
  [NORMAL, "normal"],
  [shut(), "shutdown"],
  [shut("x"), 'shutdown "x"'],
  [err(), "error Test: boom"],
];

describe("exit signals to a supervisor", () => {
  test("PRB-022 those of strangers are ignored", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c1")]);
    for (const [reason] of REASONS) await t.exit("s", reason);
    expect(t.alive()).toBe(true);
    expect(await t.kids()).toEqual(["c1:up"]);
    expect(t.n("c1")).toBe(1);
  });

  test("PRB-022 its parent's end it, whatever the reason", async () => {
    for (const [reason, text] of REASONS) {
      const t = new Bench();
      await t.sup({}, [t.w("c1", { trap: true })]);
      await t.stop("s", reason);
      expect(t.log).toEqual([
        "start c1",
        "terminate c1 shutdown",
        "exit c1 shutdown",
        `exit s ${text}`,
      ]);
    }
  });

  test("PRB-022 also when it is suspended", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c1")]);
    await t.suspend();
    await t.kill("c1");
    expect(t.n("c1")).toBe(1);
    await t.stop();
    expect(t.down("s")).toBe("shutdown");
  });

  test("PRB-022 also when it was suspended while it was at work", async () => {
    for (const first of ["suspend", "stop"] as const) {
      const t = new Bench();
      await t.sup({}, []);
      const starting = t.post(start(t.w("c1", { script: [100] })));
      await t.settle();
      if (first === "stop") await t.stop();
      await t.suspend();
      if (first === "suspend") await t.stop();
      await t.advance(100);
      expect(starting.result).toEqual({ ok: "c1" });
      expect(t.down("c1")).toBe("shutdown");
      expect(t.down("s")).toBe("shutdown");
    }
  });
});

describe("auto-shutdown", () => {
  const significant = { restart: "transient", significant: true } as const;

  test("PRB-025 a significant child stopped by hand is not active", async () => {
    const t = new Bench();
    const specs = [t.w("a", significant), t.w("b", significant), t.w("c")];
    await t.sup({ autoShutdown: "all_significant" }, specs);
    await t.admin(terminate("a"));
    expect(t.alive()).toBe(true);
    await t.die("b", NORMAL);
    expect(t.down("s")).toBe("shutdown");
  });

  test("PRB-025 stopping the last one by hand ends nothing", async () => {
    for (const autoShutdown of ["any_significant", "all_significant"] as const) {
      const t = new Bench();
      await t.sup({ autoShutdown }, [t.w("a", significant), t.w("b")]);
      await t.admin(terminate("a"));
      expect(await t.kids()).toEqual(["b:up", "a:undefined"]);
    }
  });

  test("PRB-026 one_for_all revives a finished significant child", async () => {
    const t = new Bench();
    const flags = { strategy: "one_for_all", autoShutdown: "all_significant" } as const;
    await t.sup(flags, [t.w("a", significant), t.w("b", significant)]);
    await t.die("a", NORMAL);
    expect(await t.kids()).toEqual(["b:up", "a:undefined"]);
    await t.die("b");
    expect(await t.kids()).toEqual(["b:up", "a:up"]);
    await t.die("b", NORMAL);
    expect(t.alive()).toBe(true);
  });
});

describe("the supervisor as a process", () => {
  test("PRB-035 it serves nothing else while it stops or starts a child", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c1", { trap: true, stop: 100 })]);
    const stopping = t.post(terminate("c1"));
    const listing = t.post({ op: "which_children" });
    await t.advance(99);
    expect([stopping.result, listing.result]).toEqual([null, null]);
    await t.advance(1);
    expect(stopping.result).toEqual({ ok: null });
    expect(listing.result).toMatchObject({ ok: [{ id: "c1", status: "undefined" }] });

    const starting = t.post(start(t.w("c2", { script: [100] })));
    const counting = t.post({ op: "count_children" });
    await t.advance(99);
    expect([starting.result, counting.result]).toEqual([null, null]);
    await t.advance(1);
    expect(starting.result).toEqual({ ok: "c2" });
    expect(counting.result).toMatchObject({ ok: { specs: 2, active: 1 } });
  });

  test("PRB-035 a child whose exit is not yet handled is listed but not active", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c1", { trap: true, stop: 100 }), t.w("c2")]);
    t.post(terminate("c1"));
    const listing = t.post({ op: "which_children" });
    const counting = t.post({ op: "count_children" });
    await t.kill("c2");
    await t.advance(100);
    expect(listing.result).toMatchObject({ ok: [{ id: "c2", status: "up" }, { id: "c1" }] });
    expect(counting.result).toMatchObject({ ok: { specs: 2, active: 0 } });
    expect(await t.kids()).toEqual(["c2:up", "c1:undefined"]);
    expect(t.n("c2")).toBe(2);
  });

  test("PRB-035 every call is answered, even if the supervisor ends before it serves it", async () => {
    await races(100, async (t, seed) => {
      await t.sup({}, [t.w("c1", { trap: true, stop: 10 })]);
      const posted = [];
      for (let i = 0; i < 6; i++) {
        posted.push(t.post({ op: "count_children" }), t.post(start(t.w(`x${i}`))));
        if (i === 3) t.world.send({ kind: "shutdown", to: "/s", life: 0, reason: shut() });
        if (i === 4 && seed % 2) t.world.send({ kind: "kill", to: "/s", life: 0, by: "operator" });
        await t.steps(seed % (7 + i));
      }
      await t.advance(100);
      expect(t.alive()).toBe(false);
      expect(posted.filter(({ result }) => result === null)).toEqual([]);
    });
  });

  test("PRB-036 a child is supervised whatever links it makes or removes", async () => {
    await races(100, async (t) => {
      await t.sup({ intensity: 9 }, [t.w("c1"), t.w("c2")]);
      await t.run("c1", (ctx) => {
        const link = ctx.link(t.ref("c2"));
        ctx.link(t.ref("s")).unlink();
        link.unlink();
      });
      await t.die("c1");
      expect([t.n("c1"), t.n("c2")]).toEqual([2, 1]);
      expect(await t.kids()).toEqual(["c2:up", "c1:up"]);
    });
  });

  test("PRB-037 a message or question it does not know is refused and does no harm", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("c1")]);
    expect(await t.ask("s", "anything")).toMatchObject({ ok: false, code: "no_actor" });
    await t.tell("s", "anything");
    expect(t.of("dead_letter")).toHaveLength(2);
    expect(await t.state("s")).toBe("refused");
    expect(await t.kids()).toEqual(["c1:up"]);
    expect(t.n("c1")).toBe(1);
  });
});
