// Specs: the full product of the options of children, supervisors and dynamic supervisors, each
// with valid and wrong values; what is wrong is named by code and field (SEMANTICS 1 and 2).
import { expect, test } from "vitest";
import { z } from "zod";
import { type AnyBehaviour, actor } from "../../src/actor/actor.ts";
import { ActorError, type ErrorCode } from "../../src/actor/errors.ts";
import { type ChildSpec, child, dynamic, supervisor } from "../../src/actor/spec.ts";

const nothing = { state: z.null(), messages: {}, init: () => null, on: {} };
const Work = actor("work", nothing);

/** Field → valid values (undefined = the default), wrong values, the code of a wrong one. */
type Field = { name: string; valid: unknown[]; wrong: unknown[]; code: ErrorCode | ErrorCode[] };

const CHILD: Field[] = [
  {
    name: "restart",
    valid: [undefined, "permanent", "transient", "temporary"],
    wrong: ["always", "", null, 5],
    code: "E_SPEC_STRATEGY",
  },
  {
    name: "shutdown",
    valid: [undefined, "brutal_kill", "infinity", 0, 1, "2s", "1.5m"],
    wrong: [-1, Number.NaN, Number.POSITIVE_INFINITY, "soon", "5 apples", "-5s", null, {}],
    code: "E_UNITS",
  },
  {
    name: "significant",
    valid: [undefined, false, true],
    wrong: ["yes", 1, null],
    code: "E_SPEC_STRATEGY",
  },
];
const ACTOR: Field[] = [
  { name: "durable", valid: [undefined, true, false], wrong: ["yes", 0], code: "E_SPEC_STRATEGY" },
  {
    name: "mailboxMax",
    valid: [undefined, 1, 10_000_000],
    wrong: [0, 10_000_001, 1.5],
    code: "E_SPEC_RANGE",
  },
  {
    name: "overflow",
    valid: [undefined, "mute", "reject", "drop"],
    wrong: ["block"],
    code: "E_SPEC_STRATEGY",
  },
  {
    name: "maxDeliveries",
    valid: [undefined, 1, 1_000],
    wrong: [0, 1_001, "3"],
    code: "E_SPEC_RANGE",
  },
  {
    name: "startTimeout",
    valid: [undefined, "infinity", 1, "5s"],
    wrong: [0, "never", "366d"],
    code: ["E_SPEC_RANGE", "E_UNITS"],
  },
  {
    name: "validate",
    valid: [undefined, "edges", "always"],
    wrong: ["never"],
    code: "E_SPEC_STRATEGY",
  },
];
const INTENSITY: Field[] = [
  {
    name: "intensity",
    valid: [undefined, 0, 1, 1_000_000],
    wrong: [-1, 1_000_001, 0.5, Number.POSITIVE_INFINITY, Number.NaN, "1", null],
    code: "E_SPEC_RANGE",
  },
  {
    name: "period",
    valid: [undefined, 1, "5s", "365d"],
    wrong: [0, -1, "0s", "366d", "soon", Number.POSITIVE_INFINITY, null],
    code: ["E_SPEC_RANGE", "E_UNITS"],
  },
];
const SUPERVISOR: Field[] = [
  {
    name: "strategy",
    valid: [undefined, "one_for_one", "one_for_all", "rest_for_one"],
    wrong: ["none", "simple_one_for_one", null],
    code: "E_SPEC_STRATEGY",
  },
  ...INTENSITY,
  {
    name: "autoShutdown",
    valid: [undefined, "never", "any_significant", "all_significant"],
    wrong: ["sometimes", true],
    code: "E_SPEC_STRATEGY",
  },
];
const DYNAMIC: Field[] = [
  ...INTENSITY,
  {
    name: "maxChildren",
    valid: [undefined, 0, 1, 1e9],
    wrong: [-1, 1e9 + 1, 0.5, Number.POSITIVE_INFINITY],
    code: "E_SPEC_RANGE",
  },
];

/** All products of all values. A field that is undefined is left out. */
function* product(fields: readonly Field[]): Generator<[Record<string, unknown>, Field[]]> {
  const [first, ...rest] = fields;
  if (first === undefined) {
    yield [{}, []];
    return;
  }
  for (const [others, wrong] of product(rest)) {
    for (const value of first.valid) {
      yield [value === undefined ? others : { ...others, [first.name]: value }, wrong];
    }
    for (const value of first.wrong) yield [{ ...others, [first.name]: value }, [...wrong, first]];
  }
}

function errorOf(build: () => unknown): ActorError | null {
  try {
    build();
    return null;
  } catch (error) {
    if (error instanceof ActorError) return error;
    throw error;
  }
}

/** One of the wrong fields is named, with its code; none if nothing is wrong. */
function check(build: () => unknown, wrong: readonly Field[], label: string): void {
  const error = errorOf(build);
  if (wrong.length === 0 || error === null) {
    expect(error, label).toBe(null);
    expect(wrong, label).toEqual([]);
    return;
  }
  const named = wrong.find(({ name, code }) => {
    const text = `${error.message} ${error.at}`;
    return [code].flat().includes(error.code) && new RegExp(`\\b${name}\\b`).test(text);
  });
  expect(named, `${label} → ${error.describe()}`).toBeDefined();
  expect(error.fix, label).toBeTruthy();
}

/** How many combinations of these fields there are. */
function checkAll(fields: readonly Field[], build: (options: Record<string, unknown>) => unknown) {
  let combinations = 0;
  for (const [options, wrong] of product(fields)) {
    const label = Object.entries(options)
      .map(([name, value]) => `${name}: ${String(value)}`)
      .join(", ");
    check(() => build(options), wrong, label);
    combinations++;
  }
  return combinations;
}

test("child options: every combination is accepted or its wrong field is named", () => {
  expect(checkAll(CHILD, (options) => child("c", Work, options))).toBe(8 * 15 * 6);
  expect(checkAll(CHILD, (options) => supervisor("c", options, []))).toBe(8 * 15 * 6);
  const template = { ...CHILD[2], valid: [undefined, false] } as Field;
  const fields = [...CHILD.slice(0, 2), template];
  expect(checkAll(fields, (options) => dynamic("d", {}, Work, options))).toBe(8 * 15 * 5);
});

test("actor options: every combination is accepted or its wrong field is named", () => {
  expect(checkAll(ACTOR, (options) => child("c", Work, options))).toBe(5 * 6 * 5 * 6 * 7 * 4);
});

test("flags: every combination is accepted or its wrong field is named", () => {
  expect(checkAll(SUPERVISOR, (flags) => supervisor("s", flags, []))).toBe(7 * 11 * 11 * 6);
  expect(checkAll(DYNAMIC, (flags) => dynamic("d", flags, Work))).toBe(11 * 11 * 8);
});

test("a significant child needs a supervisor and a restart type that go with it", () => {
  let refused = 0;
  for (const autoShutdown of ["never", "any_significant", "all_significant"] as const) {
    for (const restart of ["permanent", "transient", "temporary"] as const) {
      for (const significant of [true, false]) {
        for (const spec of [
          child("c", Work, { restart, significant }),
          supervisor("c", { restart, significant }, []),
          dynamic("c", { restart, significant }, Work),
        ]) {
          const error = errorOf(() => supervisor("s", { autoShutdown }, [spec]));
          const bad = significant && (autoShutdown === "never" || restart === "permanent");
          expect(error?.code ?? "ok").toBe(bad ? "E_SPEC_COMBINATION" : "ok");
          if (bad) refused++;
        }
      }
    }
  }
  expect(refused).toBe(3 * (3 + 1 + 1));
});

test("no child of a dynamic supervisor is significant", () => {
  for (const restart of ["permanent", "transient", "temporary"] as const) {
    const settings = { restart, significant: true };
    const sub = supervisor("sub", settings, []);
    expect(errorOf(() => dynamic("d", {}, Work, settings))?.code).toBe("E_SPEC_COMBINATION");
    expect(errorOf(() => dynamic("d", {}, sub))?.code).toBe("E_SPEC_COMBINATION");
  }
});

const GOOD_IDS = ["a", "A9", "_x", "@me", "#1", "a.b:c+d-e", "x".repeat(128)];
const BAD_IDS = ["", "a b", "a/b", "/a", "-a", ".a", "ä", "a\n", "x".repeat(129), 1, null, {}];

test("ids and names must be fit for a path", () => {
  const makers: ((id: string) => unknown)[] = [
    (id) => child(id, Work),
    (id) => supervisor(id, {}, []),
    (id) => dynamic(id, {}, Work),
    (id) => actor(id, nothing),
  ];
  for (const make of makers) {
    for (const id of GOOD_IDS)
      expect(
        errorOf(() => make(id)),
        id,
      ).toBe(null);
    for (const id of BAD_IDS) {
      expect(errorOf(() => make(id as string))?.code, String(id)).toBe("E_SPEC_ID");
    }
  }
});

test("what is no spec is refused where it would become a child", () => {
  const things = [undefined, null, 5, "x", {}, [], Work, () => null, { kind: "worker", id: "x" }];
  for (const thing of things) {
    const error = errorOf(() => supervisor("s", {}, [thing as ChildSpec]));
    expect(error?.code, String(thing)).toBe("E_SPEC_CHILD");
    if (thing === Work) continue;
    expect(errorOf(() => child("c", thing as AnyBehaviour))?.code).toBe("E_SPEC_CHILD");
    expect(errorOf(() => dynamic("d", {}, thing as AnyBehaviour))?.code).toBe("E_SPEC_CHILD");
  }
  const two = [child("c", Work), supervisor("c", {}, [])];
  expect(errorOf(() => supervisor("s", {}, two))?.code).toBe("E_SPEC_DUPLICATE_ID");
});

test("defaults are OTP's", () => {
  expect(child("c", Work)).toMatchObject({
    restart: "permanent",
    shutdown: 5_000,
    significant: false,
    startTimeoutMs: "infinity",
  });
  expect(supervisor("s", {}, [])).toMatchObject({
    strategy: "one_for_one",
    intensity: 1,
    periodMs: 5_000,
    autoShutdown: "never",
    restart: "permanent",
    shutdown: "infinity",
    significant: false,
  });
  expect(dynamic("d", {}, Work)).toMatchObject({
    intensity: 1,
    periodMs: 5_000,
    shutdown: "infinity",
    template: { restart: "permanent", shutdown: 5_000 },
  });
});
