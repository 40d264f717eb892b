// Starting supervisors: what ignores, what fails, what is no spec (supervisor_SUITE, sup_start).
import { expect, test } from "vitest";
import type { AnyBehaviour } from "../../src/actor/actor.ts";
import type { ActorError } from "../../src/actor/errors.ts";
import { type ChildSpec, child, supervisor } from "../../src/actor/spec.ts";
import { Bench, err, make, specOf, start, type WorkerOptions } from "./harness.ts";

const codeOf = (build: () => unknown): string => {
  try {
    build();
    return "ok";
  } catch (error) {
    return (error as ActorError).code;
  }
};

test("SUP-001 an empty supervisor starts, and stops when its parent asks", async () => {
  const t = new Bench();
  expect(await t.sup({ intensity: 2, period: "1h" }, [])).toBe("ok");
  expect(await t.kids()).toEqual([]);
  await t.stop();
  expect(t.down("s")).toBe("shutdown");
  expect(t.alive("s")).toBe(false);
});

test("SUP-003 a permanent child that ignores its start keeps its spec", async () => {
  const t = new Bench();
  expect(await t.sup({}, [])).toBe("ok");
  expect(await t.admin(start(t.w("c1", { script: ["ignore"] })))).toEqual({ ok: null });
  expect(await t.admin(start(t.w("c2")))).toEqual({ ok: "c2" });
  expect(await t.kids()).toEqual(["c2:up", "c1:undefined"]);
  expect(await t.count()).toBe("2/1/0/2");
});

test("SUP-004 a temporary child that ignores its first start leaves no spec", async () => {
  const t = new Bench();
  const c1 = t.w("c1", { script: ["ignore"], restart: "temporary" });
  expect(await t.sup({}, [c1, t.w("c2")])).toBe("ok");
  expect(await t.kids()).toEqual(["c2:up"]);
  expect(await t.count()).toBe("1/1/0/1");
});

test("SUP-005 a temporary child started by hand that ignores leaves no spec", async () => {
  const t = new Bench();
  await t.sup({}, []);
  const c1 = t.w("c1", { script: ["ignore"], restart: "temporary" });
  expect(await t.admin(start(c1))).toEqual({ ok: null });
  await t.admin(start(t.w("c2")));
  expect(await t.kids()).toEqual(["c2:up"]);
  expect(await t.count()).toBe("1/1/0/1");
});

test("SUP-007 an ignoring dynamic child is not recorded, whatever its restart type", async () => {
  for (const restart of ["permanent", "transient", "temporary"] as const) {
    const t = new Bench();
    await t.dyn({}, { restart, script: ["ignore"] });
    expect(await t.admin(make())).toEqual({ ok: null });
    expect(await t.kids()).toEqual([]);
    expect(await t.count()).toBe("1/0/0/0");
    await t.stop();
    expect(t.down("s")).toBe("shutdown");
  }
});

test("SUP-012 an error of a dynamic child's start is passed through and nothing stored", async () => {
  const t = new Bench();
  await t.dyn({}, { script: (_n, args) => (args === "bad" ? err("refused") : "ok") });
  expect(await t.admin(make("bad"))).toEqual({ error: "start_failed", reason: err("refused") });
  expect(await t.kids()).toEqual([]);
  expect(await t.admin(make("good", "x"))).toEqual({ ok: "x" });
  expect(await t.kids()).toEqual(["x:up"]);
  expect(t.alive()).toBe(true);
});

test("SUP-014 specs of dynamic children can be read by id", async () => {
  const t = new Bench();
  await t.dyn({}, { shutdown: 1_000, restart: "transient" });
  for (let i = 0; i < 3; i++) await t.admin(make());
  const specs = await Promise.all(["#1", "#2", "#3"].map((id) => t.admin(specOf(id))));
  for (const each of specs) {
    expect(each).toMatchObject({
      ok: { kind: "actor", restart: "transient", shutdown: 1_000, significant: false },
    });
    expect(each).toEqual(specs[0]);
  }
  expect(await t.admin(specOf("#4"))).toEqual({ error: "not_found" });
  expect(await t.admin(specOf("s"))).toEqual({ error: "not_found" });
});

test("SUP-015 what lacks an id or a behaviour is no spec; unknown keys are ignored", async () => {
  const t = new Bench();
  const options: WorkerOptions = {};
  const work = t.behaviour(options);
  expect(codeOf(() => child(undefined as unknown as string, work))).toBe("E_SPEC_ID");
  expect(codeOf(() => child("c1", undefined as unknown as AnyBehaviour))).toBe("E_SPEC_CHILD");
  expect(codeOf(() => supervisor("s", {}, ["x" as unknown as ChildSpec]))).toBe("E_SPEC_CHILD");
  expect(codeOf(() => supervisor("s", {}, "x" as unknown as ChildSpec[]))).toBe("E_SPEC_CHILD");
  const silly: object = { silly: 1 };
  expect(await t.sup(silly, [child("c1", work, { ...silly, args: undefined })])).toBe("ok");
  expect(await t.kids()).toEqual(["c1:up"]);
  expect(await t.admin(start("x" as unknown as ChildSpec))).toMatchObject({ error: "bad_spec" });
});
