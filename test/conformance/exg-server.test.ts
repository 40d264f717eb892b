// Elixir's gen_server_test: specs, names, calls and stops.
import { describe, expect, test } from "vitest";
import type { AnyContext } from "../../src/actor/context.ts";
import { ActorError } from "../../src/actor/errors.ts";
import { child, dynamic, supervisor } from "../../src/actor/spec.ts";
import { Bench, make, NORMAL, shut, terminate } from "./harness.ts";
import { D, inside, outcome, told, withStarter } from "./server-harness.ts";

test("EXG-001 generates child_spec/1: child() fills in the defaults and takes overrides", () => {
  const behaviour = new Bench().behaviour();
  expect(child("c", behaviour, { args: 1 })).toMatchObject({
    kind: "actor",
    id: "c",
    behaviour,
    args: 1,
    restart: "permanent",
    shutdown: 5_000,
    significant: false,
    durable: false,
    tools: [],
    mailboxMax: 10_000,
    overflow: "mute",
    startTimeoutMs: "infinity",
    validate: "edges",
  });
  const given = { restart: "transient", shutdown: "2s", mailboxMax: 5, overflow: "drop" } as const;
  expect(child("c", behaviour, { args: 1, ...given })).toMatchObject({ ...given, shutdown: 2_000 });
});

test("EXG-002 start_link/3: names that are no names are refused with a text", async () => {
  const t = new Bench();
  for (const id of ["", "a/b", "*", "a b", "~0", 7, undefined, "x".repeat(129)]) {
    let thrown: unknown;
    try {
      t.w(id as string);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ActorError);
    expect((thrown as ActorError).code).toBe("E_SPEC_ID");
    expect((thrown as ActorError).describe()).toMatch(/is not allowed.*\n.*remedy: use 1–128/);
  }
  expect(() => dynamic("", {}, t.behaviour())).toThrow(/is not allowed/);
  expect(() => supervisor("a/b", {}, [])).toThrow(/is not allowed/);
});

test("EXG-002 start_link/3: a dynamic child cannot be given such a name either", async () => {
  const t = await withStarter();
  const got = await inside(t, "starter", (ctx) =>
    outcome((async () => ctx.start(D, { id: "a/b", args: null }))()),
  );
  expect(got).toBe("E_SPEC_ID");
});

test("EXG-003 start_link/3 with via: an actor is reached by its path", async () => {
  const t = await withStarter();
  await t.admin(make(null, "named"), "d");
  const body = (ctx: AnyContext) =>
    ctx.ask({ path: "/s/d/named", behaviour: "worker" }, "eval" as never, (() => "hi") as never);
  expect(await inside(t, "starter", body)).toBe("hi");
});

test("EXG-004 start_link/3 with global: from every thread of the node", async () => {
  const t = new Bench({ threads: 2, seed: 11 });
  const ids = ["a", "b", "c", "d"];
  await t.sup(
    {},
    ids.map((id) => t.w(id)),
  );
  for (const from of ids) {
    for (const to of ids.filter((id) => id !== from)) {
      const body = (ctx: AnyContext) => ctx.ask(t.ref(to), "eval", (other) => other.self.path);
      expect(await inside(t, from, body)).toBe(`/s/${to}`);
    }
  }
});

describe("call/3 exit messages", () => {
  test("EXG-007 each failure has its code, and says which actor was meant", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("a"), t.w("b", { restart: "temporary" })]);
    const ask = (id: string, body: () => unknown = () => new Promise(() => {})) =>
      inside(t, "a", async (ctx) => {
        try {
          return await ctx.ask(t.ref(id), "eval", body, { timeout: 100 });
        } catch (error) {
          const { code, message } = error as ActorError;
          return [code, message.includes(`/s/${id}`)];
        }
      });
    expect(await ask("a")).toEqual(["calling_self", false]);
    expect(await ask("b")).toEqual(["timeout", true]);
    expect(await ask("unknown")).toEqual(["no_actor", true]);
    await t.kill("b");
    expect(await ask("b")).toEqual(["no_actor", true]);
  });

  test("EXG-007 whoever is being answered when the server is stopped is told at once", async () => {
    for (const end of ["stop", "kill", "exit"] as const) {
      for (const trap of [false, true]) {
        const t = new Bench();
        await t.sup({ intensity: 5 }, [t.w("a"), t.w("b", { trap, restart: "temporary" })]);
        const got: unknown[] = [];
        await t.run("a", async (ctx) => {
          const body = () => new Promise(() => {});
          got.push(await outcome(ctx.ask(t.ref("b"), "eval", body, { timeout: "1h" })));
        });
        await t[end]("b", shut("now"));
        // One that traps exits finishes its message first, so a stop ends in a kill.
        if (trap && end === "stop") await t.kill("b");
        if (trap && end === "exit") continue;
        const reason = end === "kill" || trap ? "killed by operator" : 'shutdown "now"';
        expect([got, t.now]).toEqual([[`exited: ${reason}`], 0]);
      }
    }
  });

  test("EXG-007 an uncaught failure ends the caller with it", async () => {
    const t = new Bench();
    await t.sup({}, [t.w("a"), t.w("b", { restart: "temporary" })]);
    await t.run("a", (ctx) => ctx.ask(t.ref("b"), "eval", (other) => other.exit(shut("busy"))));
    expect(t.reason("a")).toMatchObject({
      tag: "error",
      name: "ActorError",
      cause: { tag: "shutdown", detail: "busy" },
    });
  });
});

test("EXG-009 start/2: whoever starts a child is not linked to it", async () => {
  const t = await withStarter();
  await inside(t, "starter", (ctx) => ctx.start(D, { id: "c", args: null }));
  await t.kill("d/c");
  expect([t.downs("starter"), t.notices]).toEqual([[], []]);
  await inside(t, "starter", (ctx) => ctx.start(D, { id: "e", args: null }));
  await t.kill("starter");
  expect(t.alive("d/e")).toBe(true);
});

describe("stop/3", () => {
  test("EXG-013 waits for the end; the dead are gone for callers", async () => {
    const t = await withStarter({ trap: true, stop: 300 });
    await t.admin(make(null, "c"), "d");
    const stop = t.post(terminate("c"), "d");
    await t.advance(299);
    expect([stop.result, t.alive("d/c")]).toEqual([null, true]);
    await t.advance(1);
    expect([stop.result, t.alive("d/c")]).toEqual([{ ok: null }, false]);
    expect(await t.admin(terminate("c"), "d")).toEqual({ error: "not_found" });
    expect(told(await t.ask("d/c", "eval", () => 1))).toBe("no_actor");
  });

  test("EXG-013 a server ends itself with ctx.exit, at once", async () => {
    const t = await withStarter();
    await t.admin(make(null, "c"), "d");
    await t.run("d/c", (ctx) => ctx.exit(NORMAL));
    expect([t.down("d/c"), await t.kids("d")]).toEqual(["normal", []]);
  });
});
