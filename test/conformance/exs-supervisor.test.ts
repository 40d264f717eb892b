// Elixir's supervisor_test: specs, defaults, names, the life cycle of one child.
import { expect, test } from "vitest";
import type { AnyBehaviour } from "../../src/actor/actor.ts";
import type { ActorError } from "../../src/actor/errors.ts";
import { type ChildSpec, child, supervisor } from "../../src/actor/spec.ts";
import { Bench, NORMAL, remove, restart, shut, start, terminate, which } from "./harness.ts";

const work = new Bench().behaviour({});

function thrown(build: () => unknown): string {
  try {
    build();
  } catch (error) {
    return (error as ActorError).describe();
  }
  throw new Error("nothing was thrown");
}

test("EXS-002 options are merged over the defaults; what is no spec is refused", () => {
  const plain = child("c1", work, { args: undefined });
  expect(plain).toMatchObject({
    kind: "actor",
    id: "c1",
    restart: "permanent",
    shutdown: 5_000,
    significant: false,
  });
  const merged = child("c1", work, { args: undefined, restart: "temporary", shutdown: "1s" });
  expect(merged).toEqual({ ...plain, restart: "temporary", shutdown: 1_000 });
  expect(thrown(() => child("c1", class {} as unknown as AnyBehaviour))).toBe(
    "E_SPEC_CHILD: the second argument is no behaviour (at child c1)\n" +
      "  remedy: pass what actor() made",
  );
  expect(thrown(() => supervisor("s", {}, [5 as unknown as ChildSpec]))).toBe(
    "E_SPEC_CHILD: a child is not a child spec (at supervisor s)\n" +
      "  remedy: use child() or supervisor()",
  );
  expect(thrown(() => supervisor("s", {}, [work as unknown as ChildSpec]))).toMatch(
    /^E_SPEC_CHILD: a child is not a child spec/,
  );
});

test("EXS-003 flags become the spec; the defaults are OTP's, not Elixir's", () => {
  expect(supervisor("s", {}, [])).toEqual({
    kind: "supervisor",
    id: "s",
    strategy: "one_for_one",
    intensity: 1,
    periodMs: 5_000,
    autoShutdown: "never",
    restart: "permanent",
    shutdown: "infinity",
    significant: false,
    placement: "spread",
    threadHeapBytes: null,
    children: [],
    template: null,
    maxChildren: 0,
    quota: null,
  });
  const flags = { strategy: "rest_for_one", intensity: 7, period: "2s" } as const;
  expect(supervisor("s", { ...flags, autoShutdown: "all_significant" }, [])).toMatchObject({
    strategy: "rest_for_one",
    intensity: 7,
    periodMs: 2_000,
    autoShutdown: "all_significant",
  });
  expect(() => supervisor("s", { strategy: "unknown" as "one_for_one" }, [])).toThrow(/strategy/);
  expect(() => supervisor("s", undefined as never, [])).toThrow();
});

test("EXS-006 a supervisor is reached by its path from the whole node", async () => {
  const t = new Bench({ threads: 2, seed: 6 });
  await t.sup({}, [supervisor("a", {}, []), t.w("c1")]);
  expect(await t.kids("/s/a")).toEqual([]);
  expect(await t.kids("/s")).toEqual(["c1:up", "a:up"]);
  expect(await t.admin({ op: "which_children" }, "/nowhere")).toEqual({ error: "no_actor" });
});

test("EXS-008 a child comes back under its name with fresh state", async () => {
  const t = new Bench({ threads: 2, seed: 8 });
  await t.sup({}, [t.w("stack", { state: ["hello"] })]);
  const pop = async () => {
    const top = await t.eval("stack", (_ctx, state) => (state as string[])[0]);
    await t.run("stack", (_ctx, state) => (state as string[]).slice(1));
    return top;
  };
  expect(await pop()).toBe("hello");
  expect(await pop()).toBe(undefined);
  await t.die("stack", NORMAL);
  expect(await pop()).toBe("hello");
  expect(t.n("stack")).toBe(2);
  for (const name of ["", "my app", "a/b", "/a", "x".repeat(129), 5, null, undefined]) {
    expect(() => supervisor(name as string, {}, []), String(name)).toThrow(/is not allowed/);
    expect(() => child(name as string, work, { args: undefined })).toThrow(/is not allowed/);
  }
});

test("EXS-012 a child spec is started by hand", async () => {
  const t = new Bench();
  await t.sup({}, []);
  const spec = t.w("c1", { restart: "temporary" });
  expect(await t.admin(start(spec))).toEqual({ ok: "c1" });
  expect(await t.admin(start(spec))).toEqual({ error: "already_started" });
  expect(await t.eval("c1", () => "here")).toBe("here");
});

test("EXS-015 shutdown 0 and 1 are valid", async () => {
  const t = new Bench();
  await t.sup({}, []);
  expect(await t.admin(start(t.w("c0", { shutdown: 0 })))).toEqual({ ok: "c0" });
  expect(await t.admin(start(t.w("c1", { shutdown: 1, trap: true, stop: "stuck" })))).toEqual({
    ok: "c1",
  });
  await t.admin(terminate("c0"));
  expect([t.down("c0"), t.now]).toEqual(["shutdown", 0]);
  await t.admin(terminate("c1"));
  expect([t.down("c1"), t.now]).toEqual(["killed by supervisor", 1]);
});

test("EXS-016 the life cycle of a child", async () => {
  const t = new Bench();
  await t.sup({}, []);
  const spec = t.w("c1");
  expect(await t.admin(start(spec))).toEqual({ ok: "c1" });
  expect(await t.kids()).toEqual(["c1:up"]);
  expect(await t.admin(which("c1"))).toEqual({ ok: (await t.views())[0] });
  expect(await t.admin({ op: "count_children" })).toEqual({
    ok: { specs: 1, active: 1, supervisors: 0, workers: 1 },
  });
  expect(await t.admin(remove("c1"))).toEqual({ error: "running" });
  expect(await t.admin(restart("c1"))).toEqual({ error: "running" });
  expect(await t.admin(terminate("c1"))).toEqual({ ok: null });
  expect(t.down("c1")).toBe("shutdown");
  expect(await t.count()).toBe("1/0/0/1");
  expect(await t.admin(start(spec))).toEqual({ error: "already_present" });
  expect(await t.admin(restart("c1"))).toEqual({ ok: "c1" });
  expect(await t.kids()).toEqual(["c1:up"]);
  expect(t.n("c1")).toBe(2);
  expect(await t.admin(terminate("c1"))).toEqual({ ok: null });
  expect(await t.admin(terminate("c1"))).toEqual({ ok: null });
  expect(await t.admin(remove("c1"))).toEqual({ ok: null });
  for (const call of [remove("c1"), restart("c1"), terminate("c1"), which("c1")]) {
    expect(await t.admin(call)).toEqual({ error: "not_found" });
  }
  expect(await t.count()).toBe("0/0/0/0");
  await t.stop("s", shut());
  expect(await t.admin(start(spec))).toEqual({ error: "no_actor" });
});
