// Apps: what is an app, what it can run, walking a tree.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { app, behavioursOf, isApp, isDurable, visitSpecs } from "../../../src/actor/app.ts";
import { ActorError } from "../../../src/actor/errors.ts";
import { child, dynamic, supervisor } from "../../../src/actor/spec.ts";
import { memory, sqlite } from "../../../src/actor/store.ts";

const named = (name: string) =>
  actor(name, { state: z.null(), messages: {}, init: () => null, on: {} });
const [One, Two, Three] = [named("one"), named("two"), named("three")];
const tree = supervisor("app", {}, [
  child("a", One, { durable: true }),
  supervisor("sub", {}, [child("b", Two), child("c", One)]),
  dynamic("crowd", {}, Two, { durable: true }),
  dynamic("teams", {}, supervisor("team", {}, [child("d", Three)])),
]);

const codeOf = (run: () => unknown) => {
  try {
    run();
    return "no error";
  } catch (error) {
    return error instanceof ActorError ? error.code : error;
  }
};

describe("app()", () => {
  test("defaults, and only a supervisor as root", () => {
    const made = app({ root: tree });
    expect(made.store).toEqual({ kind: "sqlite", folder: null, durability: "flushed" });
    expect(made.behaviours).toEqual([]);
    expect(Object.isFrozen(made)).toBe(true);
    expect(codeOf(() => app({ root: child("a", One) as never }))).toBe("E_SPEC_CHILD");
    expect(codeOf(() => app({} as never))).toBe("E_SPEC_CHILD");
    expect(codeOf(() => app(undefined as never))).toBe("E_SPEC_CHILD");
  });

  test("stores as data", () => {
    expect(memory()).toEqual({ kind: "memory" });
    expect(sqlite("./data", { durability: "committed" })).toEqual({
      kind: "sqlite",
      folder: "./data",
      durability: "committed",
    });
  });

  test.each([null, undefined, 5, "app", {}, { kind: "application" }, () => {}])(
    "%j is no app",
    (value) => {
      expect(isApp(value)).toBe(false);
    },
  );

  test("what app() makes is one", () => {
    expect(isApp(app({ root: tree }))).toBe(true);
  });
});

describe("the tree", () => {
  test("every spec with its path, parents first", () => {
    const seen: string[] = [];
    visitSpecs(tree, (_spec, path) => seen.push(path));
    expect(seen).toEqual([
      "/app",
      "/app/a",
      "/app/sub",
      "/app/sub/b",
      "/app/sub/c",
      "/app/crowd",
      "/app/crowd/*",
      "/app/teams",
      "/app/teams/*",
      "/app/teams/*/d",
    ]);
  });

  test.each([
    ["/app/a", true],
    ["/app/sub/b", false],
    ["/app/sub", false],
    ["/app/crowd/anybody", true],
    ["/app/crowd", false],
    ["/app/teams/#1/d", false],
    ["/app/a/deeper", false],
    ["/other/a", false],
    ["/app/nobody", false],
    ["", false],
  ])("is %s durable: %s", (path, durable) => {
    expect(isDurable(tree, path)).toBe(durable);
  });
});

describe("behavioursOf", () => {
  const names = (root: typeof tree, behaviours = [] as (typeof One)[]) =>
    [...behavioursOf(app({ root, behaviours })).keys()].sort();

  test("all of the tree, templates included, and those named beside it", () => {
    expect(names(tree)).toEqual(["one", "three", "two"]);
    expect(names(supervisor("s", {}, []), [Two])).toEqual(["two"]);
  });

  test("one behaviour at several places is one", () => {
    expect(names(supervisor("s", {}, [child("a", One), child("b", One)]), [One])).toEqual(["one"]);
  });

  test("two behaviours of one name: E_SPEC_DUPLICATE_ID, with the place", () => {
    const twice = app({ root: supervisor("s", {}, [child("a", One), child("b", named("one"))]) });
    expect(codeOf(() => behavioursOf(twice))).toBe("E_SPEC_DUPLICATE_ID");
    expect(() => behavioursOf(twice)).toThrow("two behaviours are called one");
    const beside = app({
      root: supervisor("s", {}, [child("a", One)]),
      behaviours: [named("one")],
    });
    expect(codeOf(() => behavioursOf(beside))).toBe("E_SPEC_DUPLICATE_ID");
  });
});
