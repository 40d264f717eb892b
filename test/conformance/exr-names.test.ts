// Elixir's registry tests, as far as paths are names: a path is held by at most one life, is free
// with its death, and nothing in it is a wildcard. Who holds what is asked of the dynamic supervisor.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type AnyBehaviour, actor } from "../../src/actor/actor.ts";
import { ask } from "../../src/actor/protocol.ts";
import { dynamic } from "../../src/actor/spec.ts";
import { Bench, err, make, races, terminate } from "./harness.ts";
import { D, inside, outcome, told, withStarter } from "./server-harness.ts";

const names = async (t: Bench) => (await t.kids("d")).map((each) => each.split(":")[0]).sort();

describe("lifecycle", () => {
  test("EXR-001 clean up registry on process crash: on every thread", () =>
    races(50, async (t) => {
      const of = { restart: "temporary" } as const;
      await t.sup({ intensity: 9 }, [dynamic("d", {}, t.behaviour(of), of)]);
      for (const id of ["a", "b", "c", "d", "e"]) await t.admin(make(null, id), "d");
      await t.kill("d/a");
      await t.die("d/b", err());
      await t.kill("d/c");
      expect(await names(t)).toEqual(["d", "e"]);
      for (const id of ["a", "b", "c"]) {
        expect(t.alive(`d/${id}`)).toBe(false);
        expect(told(await t.ask(`d/${id}`, "eval", () => 1))).toBe("no_actor");
        expect(await t.admin(make(null, id), "d")).toEqual({ ok: id });
      }
    }));

  /** A lock is an actor: who asks first holds it until they release it or die. */
  const Lock: AnyBehaviour = actor("lock", {
    state: z.object({ holder: z.string().nullable() }),
    messages: { lock: ask(z.string(), z.string()), unlock: z.string() },
    init: () => ({ holder: null }),
    on: {
      lock: (state, who, ctx) => {
        ctx.watch({ path: who });
        if (state.holder === null) {
          ctx.reply("yours");
          return { holder: who };
        }
        waiting.push({ who, put: ctx.defer() });
      },
      unlock: () => ({ holder: handOver() }),
    },
    down: (state, { path }) => {
      const at = waiting.findIndex(({ who }) => who === path);
      if (at >= 0) waiting.splice(at, 1);
      return state.holder === path ? { holder: handOver() } : state;
    },
  });
  const waiting: { who: string; put: { reply(value: string): void } }[] = [];
  const handOver = () => {
    const next = waiting.shift();
    next?.put.reply("yours");
    return next?.who ?? null;
  };
  const locked = async () => {
    waiting.length = 0;
    const t = new Bench();
    const of = { restart: "temporary" } as const;
    const lock = { ...t.w("lock"), behaviour: Lock } as ReturnType<Bench["w"]>;
    await t.sup({ intensity: 9 }, [lock, t.w("a", of), t.w("b", of), t.w("c", of)]);
    const order: string[] = [];
    const take = (id: string) =>
      t.run(id, async (ctx) => {
        const to = { path: "/s/lock", behaviour: "lock" };
        await ctx.ask(to, "lock" as never, `/s/${id}` as never, { timeout: "1h" });
        order.push(id);
      });
    return { t, order, take };
  };

  test("EXR-003 locks when using the same key: the second enters after the first leaves", async () => {
    const { t, order, take } = await locked();
    await take("a");
    await take("b");
    expect(order).toEqual(["a"]);
    await t.tell("lock", "unlock", "/s/a");
    expect(order).toEqual(["a", "b"]);
  });

  test("EXR-005 locks when the one holding the lock terminates: it is released", async () => {
    const { t, order, take } = await locked();
    await take("a");
    await take("b");
    await t.kill("a");
    expect(order).toEqual(["a", "b"]);
  });

  test("EXR-006 locks when the one waiting for the lock terminates: it leaves the queue", async () => {
    const { t, order, take } = await locked();
    for (const id of ["a", "b", "c"]) await take(id);
    await t.kill("b");
    await t.kill("a");
    expect(order).toEqual(["a", "c"]);
    await t.kill("c");
    expect(await t.state("lock")).toEqual({ holder: null });
  });
});

describe("unique", () => {
  test("EXR-008 counts 0 keys in an empty registry", async () => {
    const t = await withStarter();
    expect(await t.count("d")).toBe("1/0/0/0");
  });

  test("EXR-010 has unique registrations: a second start of a name changes nothing", async () => {
    const t = await withStarter({ state: "kept" });
    await t.admin(make(null, "hello"), "d");
    for (let i = 0; i < 3; i++) {
      expect(await t.admin(make("new", "hello"), "d")).toEqual({ error: "already_started" });
    }
    expect([await names(t), t.n("d/hello")]).toEqual([["hello"], 1]);
    expect(await t.state("d/hello")).toBe("kept");
  });

  test("EXR-011 has unique registrations across processes: the loser gains nothing", () =>
    races(200, async (t) => {
      const of = { restart: "temporary" } as const;
      await t.sup({}, [t.w("a"), t.w("b"), dynamic("d", {}, t.behaviour(of), of)]);
      const got: unknown[] = [];
      for (const id of ["a", "b"]) {
        const body = async (ctx: Parameters<Parameters<Bench["run"]>[1]>[0]) => {
          got.push(await outcome(ctx.start(D, { id: "hello", args: id })));
        };
        t.world.send(t.world.control.mail(t.path(id), "run", body, "", 0));
      }
      await t.settle();
      expect(got.filter((each) => each === "refused")).toHaveLength(1);
      expect(got).toContainEqual({ path: "/s/d/hello", behaviour: "worker" });
      expect([await names(t), t.n("d/hello")]).toEqual([["hello"], 1]);
    }));

  test("EXR-012 has unique registrations even if partition is delayed", async () => {
    const t = await withStarter();
    await t.admin(make(null, "hello"), "d");
    await t.suspend("d");
    await t.kill("d/hello");
    // The supervisor has not heard of the death yet, but will before it reads this.
    const again = t.post(make(null, "hello"), "d");
    await t.resume("d");
    expect(again.result).toEqual({ ok: "hello" });
    expect(t.n("d/hello")).toBe(2);
  });

  test("EXR-015 supports reserved keys: what may be a name is plain data", async () => {
    const t = await withStarter();
    for (const id of ["_", "#x", "@a", "a.", "__proto__", "constructor"]) {
      expect(await t.admin(make(null, id), "d")).toEqual({ ok: id });
    }
    expect(await t.admin(terminate("_"), "d")).toEqual({ ok: null });
    expect(await names(t)).toEqual(["#x", "@a", "__proto__", "a.", "constructor"]);
    expect(await t.admin(terminate("*"), "d")).toEqual({ error: "not_found" });
  });

  test("EXR-023 unregisters process by key: only that one", async () => {
    const t = await withStarter();
    for (const id of ["hello", "world"]) await t.admin(make(null, id), "d");
    await t.admin(terminate("hello"), "d");
    expect([await names(t), t.alive("d/hello")]).toEqual([["world"], false]);
    await t.admin(terminate("world"), "d");
    expect(await names(t)).toEqual([]);
  });

  test("EXR-024 unregisters with no entries: a value, no failure", async () => {
    const t = await withStarter();
    expect(await t.admin(terminate("never"), "d")).toEqual({ error: "not_found" });
    expect(t.alive("d")).toBe(true);
  });

  test("EXR-025 allows listeners: starts and ends are events, in order", async () => {
    const t = await withStarter();
    const from = t.events.length;
    await t.admin(make(null, "hello"), "d");
    await t.admin(terminate("hello"), "d");
    await t.admin(make(null, "hello"), "d");
    await t.kill("d/hello");
    const seen = t.events.slice(from).flatMap((each) => {
      const heard = each.type === "started" || each.type === "exited";
      return heard ? [`${each.type} ${each.path}`] : [];
    });
    const pair = ["started /s/d/hello", "exited /s/d/hello"];
    expect(seen).toEqual([...pair, ...pair]);
  });

  test("EXR-027 raises on unknown registry name", async () => {
    const t = await withStarter();
    const nowhere = { path: "/s/nowhere", dynamic: "worker" };
    const got = await inside(t, "starter", (ctx) =>
      outcome(ctx.start(nowhere, { id: "x", args: null })),
    );
    expect(got).toBe("no_actor");
    expect(await t.admin({ op: "which_children" }, "nowhere")).toEqual({ error: "no_actor" });
  });

  test("EXR-031 select all: every entry is listed", async () => {
    const t = await withStarter();
    for (const id of ["a", "b", "c"]) await t.admin(make(null, id), "d");
    expect(await t.views("d")).toMatchObject(
      ["c", "b", "a"].map((id) => ({ id, status: "up", kind: "actor", starts: 1 })),
    );
  });

  test("EXR-040 doesn't grow on already_registered: a refusal leaves no residue", async () => {
    const t = await withStarter();
    await t.admin(make(null, "hello"), "d");
    const size = () => [
      t.world.control.members.size,
      t.world.control.timers.size,
      t.world.control.dead.total,
    ];
    const before = size();
    for (let i = 0; i < 100; i++) await t.admin(make({ large: "x".repeat(999) }, "hello"), "d");
    expect([size(), await t.count("d")]).toEqual([before, "1/1/0/1"]);
  });
});
