// Erlang's signal suites: exit signals, links and monitors. A monitor is ctx.watch, a kill comes from
// outside; a linked end arrives as { tag: "linked", to, reason }: the reason with its origin.
import { describe, expect, test } from "vitest";
import type { AnyContext } from "../../src/actor/context.ts";
import { type ExitReason, formatReason } from "../../src/actor/exit.ts";
import { dynamic } from "../../src/actor/spec.ts";
import { Bench, err, make, NORMAL, races, shut } from "./harness.ts";
import { inside } from "./server-harness.ts";

const TEMPORARY = { restart: "temporary" } as const;
const KILLED: ExitReason = { tag: "killed", by: "operator" };

/** Temporary workers c0 … cn and, if asked for, "x" that traps exits. */
async function workers(n: number, bench = new Bench()): Promise<Bench> {
  const ids = Array.from({ length: n }, (_, i) => `c${i}`);
  const specs = ids.map((id) => bench.w(id, TEMPORARY));
  await bench.sup({ intensity: 1_000 }, [...specs, bench.w("x", { ...TEMPORARY, exit: true })]);
  return bench;
}

/** c0 – c1 – … – c(n-1) – x */
async function chain(n: number): Promise<Bench> {
  const t = await workers(n);
  for (let i = 0; i < n; i++) {
    const to = i + 1 < n ? `c${i + 1}` : "x";
    await t.run(`c${i}`, (ctx) => void ctx.link(t.ref(to)));
  }
  return t;
}

describe("signals", () => {
  test("SIG-002 kill2killed: a kill cannot be trapped and is seen as killed over any chain", async () => {
    for (const length of [1, 2, 9, 10]) {
      const t = await chain(length);
      await t.kill("c0");
      expect(t.down("c0")).toBe("killed by operator");
      const last = length === 1 ? "killed by operator" : "linked to /s/c0: killed by operator";
      expect(t.notices).toEqual([`x exit /s/c${length - 1} ${last}`]);
      await t.kill("x");
      expect(t.down("x")).toBe("killed by operator");
    }
  });

  test("SIG-002 kill2killed: an own exit with reason killed is passed on, and can be trapped", async () => {
    for (const length of [1, 2, 9, 10]) {
      const t = await chain(length);
      await t.die("c0", KILLED);
      expect(t.alive("x")).toBe(true);
      expect(t.notices).toHaveLength(1);
      expect(t.notices[0]).toContain("killed by operator");
    }
  });

  test("SIG-004 t_exit_2_other: any reason but normal ends the other, its link sees it", async () => {
    for (const reason of [err("any"), shut(), shut("x"), KILLED, { tag: "fenced", token: 1 }]) {
      const t = await chain(1);
      await t.exit("c0", reason as ExitReason);
      expect(t.reason("c0")).toEqual(reason);
      expect(t.notices).toEqual([`x exit /s/c0 ${formatReason(reason as ExitReason)}`]);
    }
    const t = await chain(1);
    await t.exit("c0", NORMAL);
    expect([t.alive("c0"), t.notices]).toEqual([true, []]);
  });

  test("SIG-006 self_exit: a trapping actor can trap an exit signal it gets from itself", async () => {
    const t = await workers(1);
    const from = "/s/x";
    await t.send({ kind: "exit", to: from, from, reason: err("self"), linked: false });
    expect(t.notices).toEqual(["x exit /s/x error Test: self"]);
    expect(t.alive("x")).toBe(true);
  });

  test("SIG-007 normal_suicide_exit: exit(normal) of oneself ends with normal", async () => {
    const t = await workers(1);
    await t.run("c0", (ctx) => ctx.exit());
    expect(t.down("c0")).toBe("normal");
    await t.run("x", (ctx) => ctx.exit({ tag: "normal" }));
    expect(t.down("x")).toBe("normal");
  });

  test("SIG-008 abnormal_suicide_exit: with the reason", async () => {
    const t = await workers(1);
    await t.run("c0", (ctx) => ctx.exit(err("on purpose")));
    expect(t.down("c0")).toBe("error Test: on purpose");
  });

  test("SIG-009 t_exit_2_catch: neither try nor catch keeps an exit off", async () => {
    const t = await workers(2);
    await t.run("c0", (ctx) => {
      try {
        ctx.exit(err("die"));
      } catch {
        return "caught";
      }
    });
    expect(t.down("c0")).toBe("error Test: die");
    const caught: unknown[] = [];
    await t.run("c1", async (ctx) => {
      try {
        await ctx.step("wait", () => new Promise(() => {}));
      } catch (error) {
        caught.push(error);
      }
    });
    await t.exit("c1", err("from outside"));
    expect([t.down("c1"), caught]).toEqual(["error Test: from outside", []]);
  });

  test("SIG-010 exit_twice: the first signal decides", async () => {
    const t = await workers(1);
    const signal = (reason: ExitReason) =>
      ({ kind: "exit", to: "/s/c0", from: "", reason, linked: false }) as const;
    t.world.send(signal(err("first")));
    t.world.send(signal(err("second")));
    t.world.send({ kind: "kill", to: "/s/c0", life: 0, by: "operator" });
    await t.settle();
    expect(t.downs("c0")).toEqual(["error Test: first"]);
  });

  test("SIG-011 spawn_request_link_parent_exit: a starting child never outlives its supervisor", () =>
    races(200, async (t, seed) => {
      const d = dynamic("d", { restart: "temporary" }, t.behaviour(TEMPORARY), TEMPORARY);
      await t.sup({}, [d, t.w("a")]);
      t.post(make(undefined, "one"), "d");
      t.post(make(undefined, "two"), "d");
      for (let i = seed % 12; i > 0; i--) t.world.step();
      await t.kill("d");
      const left = t.world.hosts.flatMap(({ kernel }) => [...kernel.members.keys()]);
      expect(left.sort()).toEqual(["/s", "/s/a"]);
    }));
});

describe("links", () => {
  test("SIG-013 otp_5772_link: after unlink no exit of that actor arrives", () =>
    races(200, async (t) => {
      await workers(2, t);
      let ended = false;
      const links = (ctx: AnyContext) => {
        const link = ctx.link(t.ref("c0"));
        ctx.after(0, "run", () => {
          link.unlink();
          ended = t.notices.length > 0;
        });
      };
      t.world.send(t.world.control.mail("/s/x", "run", links, "", 0));
      for (let i = 0; i < 8; i++) t.world.step();
      t.world.send({ kind: "kill", to: "/s/c0", life: 0, by: "operator" });
      await t.settle();
      // It came before the unlink, or never.
      expect(t.notices).toHaveLength(ended ? 1 : 0);
    }));

  test("SIG-013 otp_5772_link: an exit that is under way at the unlink does nothing", () =>
    races(200, async (t, seed) => {
      await workers(2, t);
      let unlinked = false;
      await t.run("c1", (ctx) => {
        const link = ctx.link(t.ref("c0"));
        ctx.after(1, "run", () => {
          link.unlink();
          unlinked = true;
        });
      });
      t.world.send({ kind: "kill", to: "/s/c0", life: 0, by: "operator" });
      for (let i = seed % 6; i > 0; i--) t.world.step();
      t.world.advance(t.now + 1);
      await t.settle();
      expect(t.alive("c1")).toBe(unlinked);
    }));

  test("SIG-013 otp_5772_link: a non-trapping one survives after unlink", () =>
    races(200, async (t) => {
      await workers(2, t);
      await t.run("c1", (ctx) => ctx.link(t.ref("c0")).unlink());
      await t.run("c1", (ctx) => {
        const { unlink } = ctx.link(t.ref("c0"));
        ctx.link(t.ref("c0"));
        unlink();
      });
      await t.kill("c0");
      expect(t.alive("c1")).toBe(true);
    }));
});

describe("monitors", () => {
  test("SIG-014 mon_1: the down has the reason; of the dead or unknown at once no_actor", async () => {
    const t = await workers(4);
    const watch = (id: string) => inside(t, "x", (ctx) => void ctx.watch(t.ref(id)));
    await watch("c0");
    await t.die("c0", NORMAL);
    await watch("c1");
    await t.die("c1", err("frop"));
    await watch("c1");
    await watch("never");
    await t.settle();
    expect(t.notices).toEqual([
      "x down /s/c0 normal",
      "x down /s/c1 error Test: frop",
      "x down /s/c1 no actor /s/c1",
      "x down /s/never no actor /s/never",
    ]);
  });

  test("SIG-015 demon_1: cancelling what is not there is no error", async () => {
    const t = await workers(2);
    await t.send({ kind: "unwatch", to: "/s/c0", from: "/s/x", id: 12_345 });
    await t.send({ kind: "unwatch", to: "/s/never", from: "/s/x", id: 1 });
    await t.send({ kind: "unlink", to: "/s/c0", from: "/s/never" });
    expect([t.alive("c0"), t.events.some((each) => each.type === "fenced")]).toEqual([true, false]);
  });

  test("SIG-016 demon_2: cancelled before the death: nothing; twice is fine; oneself: nothing", async () => {
    const t = await workers(2);
    await t.run("x", (ctx) => {
      const { cancel } = ctx.watch(t.ref("c0"));
      cancel();
      cancel();
      ctx.watch(ctx.self);
      ctx.link(ctx.self);
    });
    await t.kill("c0");
    expect(t.notices).toEqual([]);
    await t.kill("x");
    expect(t.notices).toEqual([]);
    expect(t.of("dropped_notice")).toEqual([]);
  });

  test("SIG-017 demonitor_flush: cancel takes a down back that waits already; others stay", async () => {
    const t = await workers(1);
    await t.run("x", async (ctx) => {
      const watches = [1, 2, 3, 4].map(() => ctx.watch(t.ref("c0")));
      ctx.tell(t.ref("c0"), "exit", NORMAL);
      // The downs are in the mailbox when this is over.
      await ctx.step("wait", () => new Promise(() => {}), { timeout: 10 }).catch(() => {});
      watches[1]?.cancel();
      watches[3]?.cancel();
    });
    await t.advance(10);
    expect(t.notices).toEqual(["x down /s/c0 normal", "x down /s/c0 normal"]);
  });

  test("SIG-019 process_monitors: each watch is its own, and only its owner can end it", async () => {
    const t = await workers(3);
    const cancels: { cancel(): void }[] = [];
    await t.run("x", (ctx) => {
      for (let i = 0; i < 5; i++) cancels.push(ctx.watch(t.ref("c0")));
    });
    await t.run("c1", (ctx) => void ctx.watch(t.ref("c0")));
    // Somebody else's number or path changes nothing.
    await t.send({ kind: "unwatch", to: "/s/c0", from: "/s/c2", id: 1 });
    cancels[2]?.cancel();
    await t.kill("c0");
    const downs = (id: string) => t.notices.filter((each) => each.startsWith(`${id} down`)).length;
    expect([downs("x"), downs("c1")]).toEqual([4, 1]);
  });
});
