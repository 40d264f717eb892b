// Specs: every default in one place, every wrong setting refused with its code, its place and a
// remedy before anything runs (SEMANTICS 1, 2).
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type AnyBehaviour, actor, checkArgs } from "../../../src/actor/actor.ts";
import { ActorError } from "../../../src/actor/errors.ts";
import { ask } from "../../../src/actor/protocol.ts";
import { type ActorSpec, child, dynamic, supervisor } from "../../../src/actor/spec.ts";
import { tool } from "../../../src/actor/tool.ts";
import { microvm, pool, sandbox } from "../../../src/actor/walls.ts";

const Plain = actor("plain", { state: z.null(), messages: {}, init: () => null, on: {} });
const Desk = actor("desk", {
  args: z.object({ desk: z.string(), seats: z.number().default(2) }),
  state: z.null(),
  messages: {},
  init: () => null,
  on: {},
});
/** child() with settings that no type would let pass. */
const odd = (settings: object) => child("c", Plain, settings as never);
const python = tool("python", { input: z.any(), output: z.any(), run: () => 1 });

/** "E_CODE: fact (at place)", or what else came. */
function refusal(run: () => unknown): string {
  try {
    run();
    return "no error";
  } catch (error) {
    if (!(error instanceof ActorError)) return `foreign: ${error}`;
    expect(error.fix, "a remedy").toBeTruthy();
    return error.describe().split("\n")[0] as string;
  }
}

describe("child()", () => {
  test.each(["with-parent", "own-thread"] as const)("who is %s is not movable", (placement) => {
    expect(child("c", Plain, { movable: true }).movable).toBe(true);
    expect(refusal(() => child("c", Plain, { movable: true, placement }))).toBe(
      `E_SPEC_COMBINATION: movable: true and placement: "${placement}" exclude each other (at child c)`,
    );
    expect(refusal(() => child("c", Plain, { movable: 1 as never }))).toContain("E_SPEC_STRATEGY");
  });

  test("all defaults", () => {
    expect(child("c", Plain)).toEqual({
      kind: "actor",
      id: "c",
      behaviour: Plain,
      args: undefined,
      restart: "permanent",
      shutdown: 5_000,
      significant: false,
      placement: "spread",
      threadHeapBytes: null,
      durable: false,
      movable: false,
      tools: [],
      mailboxMax: 10_000,
      overflow: "mute",
      maxDeliveries: 0,
      maxInterruptions: 10,
      startTimeoutMs: "infinity",
      handlerTimeoutMs: "infinity",
      askTimeoutMs: 5_000,
      sliceMs: 100,
      maxReductions: 100_000_000,
      hibernateAfterMs: null,
      snapshotEvery: 1_024,
      stateMaxBytes: null,
      validate: "edges",
      quota: null,
      runaway: null,
    });
    expect(Object.isFrozen(child("c", Plain))).toBe(true);
  });

  test("all settings", () => {
    const spec = child("c", Plain, {
      restart: "transient",
      shutdown: "2s",
      significant: true,
      durable: true,
      tools: [python],
      mailboxMax: 1,
      overflow: "drop",
      maxDeliveries: 7,
      maxInterruptions: 8,
      startTimeout: "1m",
      validate: "always",
      quota: { reductions: 5, tokens: 20_000, usd: 0.5, wall: "5m", memory: "64mb" },
    });
    expect(spec).toMatchObject({
      restart: "transient",
      shutdown: 2_000,
      significant: true,
      durable: true,
      tools: [python],
      mailboxMax: 1,
      overflow: "drop",
      maxDeliveries: 7,
      maxInterruptions: 8,
      startTimeoutMs: 60_000,
      validate: "always",
      quota: {
        reductions: 5,
        tokens: 20_000,
        microUsd: 500_000,
        wallMs: 300_000,
        memoryBytes: 67_108_864,
        soft: { at: 0.8, tell: "budget" },
      },
    });
  });

  test.each(["brutal_kill", "infinity"] as const)("shutdown may be %s", (shutdown) => {
    expect(child("c", Plain, { shutdown }).shutdown).toBe(shutdown);
    expect(supervisor("s", { shutdown }, []).shutdown).toBe(shutdown);
  });

  test.each<[object, string]>([
    [{ restart: "always" }, 'E_SPEC_STRATEGY: restart: "always" is not one of its words'],
    [{ restart: null }, "E_SPEC_STRATEGY: restart: null is not one of its words"],
    [{ restart: 5n }, "E_SPEC_STRATEGY: restart: 5n is not one of its words"],
    [{ overflow: "block" }, 'E_SPEC_STRATEGY: overflow: "block" is not one of its words'],
    [{ validate: true }, "E_SPEC_STRATEGY: validate: true is not one of its words"],
    [{ durable: "yes" }, 'E_SPEC_STRATEGY: durable: "yes" is not true or false'],
    [{ significant: 1 }, "E_SPEC_STRATEGY: significant: 1 is not true or false"],
    [{ mailboxMax: 0 }, "E_SPEC_RANGE: mailboxMax: 0 is outside its limits"],
    [{ mailboxMax: 1.5 }, "E_SPEC_RANGE: mailboxMax: 1.5 is outside its limits"],
    [{ mailboxMax: "many" }, 'E_SPEC_RANGE: mailboxMax: "many" is outside its limits'],
    [{ mailboxMax: 10_000_001 }, "E_SPEC_RANGE: mailboxMax: 10000001 is outside its limits"],
    [{ mailboxMax: Number.NaN }, "E_SPEC_RANGE: mailboxMax: NaN is outside its limits"],
    [{ maxDeliveries: 0 }, "E_SPEC_RANGE: maxDeliveries: 0 is outside its limits"],
    [{ startTimeout: 0 }, "E_SPEC_RANGE: startTimeout: 0 is outside its limits"],
    [{ startTimeout: "366d" }, 'E_SPEC_RANGE: startTimeout: "366d" is outside its limits'],
    [{ quota: { eur: 1 } }, 'E_SPEC_STRATEGY: quota: "eur" is not one of its words'],
    [{ quota: { toString: 1 } }, 'E_SPEC_STRATEGY: quota: "toString" is not one of its words'],
    [{ quota: { usd: -1 } }, "E_SPEC_RANGE: quota.usd: -1 is outside its limits"],
    [{ quota: { usd: Number.NaN } }, "E_SPEC_RANGE: quota.usd: NaN is outside its limits"],
    [{ quota: { tokens: 0.5 } }, "E_SPEC_RANGE: quota.tokens: 0.5 is outside its limits"],
  ])("%o is refused", (settings, what) => {
    expect(refusal(() => odd(settings))).toBe(`${what} (at child c)`);
  });

  test("durations are read where they stand", () => {
    const shutdown = refusal(() => odd({ shutdown: "soon" }));
    expect(shutdown).toBe('E_UNITS: "soon" is not a duration (at child c, shutdown)');
    const wall = refusal(() => odd({ quota: { wall: "5 min" } }));
    expect(wall).toBe('E_UNITS: "5 min" is not a duration (at child c, quota.wall)');
  });

  test.each([undefined, null, {}, "plain", { kind: "supervisor" }])(
    "%o is no behaviour",
    (behaviour) => {
      expect(refusal(() => child("c", behaviour as never))).toBe(
        "E_SPEC_CHILD: the second argument is no behaviour (at child c)",
      );
    },
  );
});

describe("args", () => {
  test("go through the schema: defaults are filled in, extra fields go", () => {
    const args = { desk: "rates", color: "red" };
    expect(child("c", Desk, { args: args as never }).args).toEqual({ desk: "rates", seats: 2 });
    expect(checkArgs(Desk, { desk: "x", seats: 5 }, "here")).toEqual({ desk: "x", seats: 5 });
  });

  test.each<[unknown, string]>([
    [{ desk: 1 }, "E_ARGS_SCHEMA: args.desk: Invalid input: expected string, received number"],
    [{}, "E_ARGS_SCHEMA: args.desk: Invalid input: expected string, received undefined"],
    [undefined, "E_ARGS_SCHEMA: args: Invalid input: expected object, received undefined"],
  ])("%o is refused", (args, what) => {
    expect(refusal(() => child("c", Desk, { args } as never))).toBe(`${what} (at child c)`);
  });

  test("a behaviour without args takes none", () => {
    expect(refusal(() => odd({ args: 5 }))).toContain("E_ARGS_SCHEMA");
  });
});

describe("ids", () => {
  const ids = ["a", "A", "9", "_", "@x", "#12", "a.b-c:d+e@f#g", "x".repeat(128)];
  test.each(ids)("%s is allowed", (id) => {
    expect(child(id, Plain).id).toBe(id);
    expect(supervisor(id, {}, []).id).toBe(id);
  });

  const bad = ["", " ", "a/b", "..", ".a", "-a", ":a", "~0", "a b", "ä", "a\n", "x".repeat(129)];
  test.each([...bad, "*", null, undefined, 5, 5n, {}, Symbol("a")])("%o is not", (id) => {
    for (const run of [
      () => child(id as never, Plain),
      () => supervisor(id as never, {}, []),
      () => dynamic(id as never, {}, Plain),
      () => actor(id as never, { state: z.null(), messages: {}, init: () => null, on: {} }),
    ]) {
      expect(refusal(run)).toMatch(/^E_SPEC_ID: .* is not allowed/);
    }
  });
});

describe("supervisor()", () => {
  test("all defaults", () => {
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
  });

  test.each<[object, string]>([
    [{ strategy: "simple" }, 'E_SPEC_STRATEGY: strategy: "simple" is not one of its words'],
    [{ autoShutdown: true }, "E_SPEC_STRATEGY: autoShutdown: true is not one of its words"],
    [{ intensity: -1 }, "E_SPEC_RANGE: intensity: -1 is outside its limits"],
    [{ intensity: Number.POSITIVE_INFINITY }, "E_SPEC_RANGE: intensity: Infinity is outside"],
    [{ intensity: 0.5 }, "E_SPEC_RANGE: intensity: 0.5 is outside its limits"],
    [{ period: 0 }, "E_SPEC_RANGE: period: 0 is outside its limits"],
    [{ period: "infinity" }, 'E_UNITS: "infinity" is not a duration'],
  ])("flags %o are refused", (flags, what) => {
    expect(refusal(() => supervisor("s", flags as never, []))).toContain(what);
  });

  test("children: a list, of child specs, with ids of their own", () => {
    expect(refusal(() => supervisor("s", {}, undefined as never))).toContain("E_SPEC_CHILD");
    expect(refusal(() => supervisor("s", {}, [Plain as never]))).toContain("E_SPEC_CHILD");
    expect(refusal(() => supervisor("s", {}, [null as never]))).toContain("E_SPEC_CHILD");
    expect(refusal(() => supervisor("s", {}, [child("a", Plain), supervisor("a", {}, [])]))).toBe(
      'E_SPEC_DUPLICATE_ID: two children are called "a" (at supervisor s)',
    );
  });

  test("the list is a copy, and frozen", () => {
    const children = [child("a", Plain)];
    const spec = supervisor("s", {}, children);
    children.push(child("b", Plain));
    expect(spec.children).toHaveLength(1);
    expect(Object.isFrozen(spec) && Object.isFrozen(spec.children)).toBe(true);
  });

  test("significant children: only with autoShutdown, and never permanent", () => {
    const of = (autoShutdown: "never" | "any_significant", restart: "permanent" | "transient") =>
      refusal(() =>
        supervisor("s", { autoShutdown }, [child("a", Plain, { significant: true, restart })]),
      );
    expect(of("any_significant", "transient")).toBe("no error");
    expect(of("never", "transient")).toContain("E_SPEC_COMBINATION: significant: true and auto");
    expect(of("any_significant", "permanent")).toContain("E_SPEC_COMBINATION: significant: true");
  });
});

describe("maxDeliveries and intensity (SEMANTICS 30.12)", () => {
  const of = (intensity: number, settings: object = {}) => {
    const spec = supervisor("s", { intensity }, [child("a", Plain, settings)]).children[0];
    return spec?.kind === "actor" ? spec.maxDeliveries : -1;
  };

  test("by default 3, or the intensity if that is less, but at least 1", () => {
    expect([0, 1, 2, 3, 10].map((intensity) => of(intensity))).toEqual([1, 1, 2, 3, 3]);
  });

  test("a durable child may not ask for more than the intensity", () => {
    expect(of(5, { durable: true, maxDeliveries: 5 })).toBe(5);
    expect(of(0, { durable: true, maxDeliveries: 1 })).toBe(1);
    expect(refusal(() => of(1, { durable: true, maxDeliveries: 2 }))).toContain(
      "E_SPEC_COMBINATION: maxDeliveries: 2 is more than intensity: 1 (at supervisor s/a)",
    );
    expect(of(1, { maxDeliveries: 9 })).toBe(9);
  });

  test("the same for the children of a dynamic supervisor", () => {
    const { template } = dynamic("d", { intensity: 2 }, Plain, { durable: true });
    expect(template).toMatchObject({ maxDeliveries: 2, durable: true });
    expect(refusal(() => dynamic("d", {}, Plain, { durable: true, maxDeliveries: 2 }))).toContain(
      "E_SPEC_COMBINATION",
    );
  });
});

describe("dynamic()", () => {
  test("a template of a behaviour, whose args come with each start", () => {
    const spec = dynamic("d", {}, Desk, { restart: "temporary" });
    expect(spec).toMatchObject({
      strategy: "one_for_one",
      autoShutdown: "never",
      children: [],
      maxChildren: 1_000_000,
      template: { kind: "actor", behaviour: Desk, args: undefined, restart: "temporary" },
    });
  });

  test("a template of a subtree", () => {
    const team = supervisor("team", {}, [child("a", Plain)]);
    expect(dynamic("d", {}, team).template).toBe(team);
  });

  test("what it refuses", () => {
    expect(refusal(() => dynamic("d", {}, null as never))).toContain("E_SPEC_CHILD");
    expect(refusal(() => dynamic("d", {}, child("a", Plain) as never))).toContain("E_SPEC_CHILD");
    expect(refusal(() => dynamic("d", { maxChildren: -1 }, Plain))).toContain("E_SPEC_RANGE");
    const significant = { significant: true, restart: "transient" as const };
    expect(refusal(() => dynamic("d", {}, Plain, significant))).toContain("E_SPEC_COMBINATION");
  });
});

describe("actor()", () => {
  const handlers = (messages: object, on: object) =>
    refusal(() => actor("a", { state: z.null(), messages, init: () => null, on } as never));

  test("defaults", () => {
    const Made = actor("a", {
      state: z.null(),
      messages: { go: ask(z.null(), z.null()) },
      init: () => null,
      on: { go: () => {} },
    });
    expect(Made).toMatchObject({ kind: "behaviour", name: "a", version: 1, trapExit: false });
    expect(Made.args.safeParse(undefined).success).toBe(true);
    expect(Object.isFrozen(Made)).toBe(true);
  });

  test("exits are trapped with last words or an exit handler, unless said otherwise", () => {
    const trap = (more: object) =>
      (
        actor("a", {
          state: z.null(),
          messages: {},
          init: () => null,
          on: {},
          ...more,
        }) as AnyBehaviour
      ).trapExit;
    expect([
      trap({}),
      trap({ terminate() {} }),
      trap({ exit() {} }),
      trap({ exit() {}, trapExit: false }),
      trap({ trapExit: true }),
    ]).toEqual([false, true, true, false, true]);
  });

  test("messages and handlers match: E_MESSAGE_TYPE", () => {
    const go = z.object({});
    expect(handlers({ go }, { go() {} })).toBe("no error");
    expect(handlers({ go }, {})).toBe(
      'E_MESSAGE_TYPE: message "go" has no handler (at behaviour a)',
    );
    expect(handlers({ go }, { go: "x" })).toContain('message "go" has no handler');
    expect(handlers({}, { go() {} })).toContain('E_MESSAGE_TYPE: handler "go" has no message');
    expect(handlers({}, { toString() {} })).toContain('handler "toString" has no message');
    expect(handlers({ toString: go }, {})).toContain('message "toString" has no handler');
  });
});

describe("tool()", () => {
  const limits = {
    processes: 64,
    vcpus: 1,
    scratchBytes: 67_108_864,
    outputBytes: 1_048_576,
    trafficBytes: 67_108_864,
    witness: false,
  };

  test("inline by default; a microVM in plain units", () => {
    expect(python.sandbox).toEqual({ tier: "inline" });
    expect(microvm({})).toEqual({
      tier: "microvm",
      memoryBytes: 128 * 1_048_576,
      timeoutMs: 10_000,
      network: "none",
      ...limits,
    });
    expect(microvm({ memory: "1gb", timeout: 5, network: ["example.org:443"] })).toEqual({
      tier: "microvm",
      memoryBytes: 1_073_741_824,
      timeoutMs: 5,
      network: ["example.org:443"],
      ...limits,
    });
    expect(refusal(() => microvm({ timeout: "soon" as never }))).toContain("E_UNITS");
  });

  test.each<[string, () => unknown, string]>([
    ["a weak word for a tier", () => sandbox("docker" as never), "E_SPEC_STRATEGY"],
    ["a time over an hour", () => sandbox("process", { timeout: "2h" }), "E_SPEC_RANGE"],
    ["no memory to speak of", () => sandbox("process", { memoryMb: 1 }), "E_SPEC_RANGE"],
    ["no output at all", () => sandbox("process", { output: 0 }), "E_SPEC_RANGE"],
    ["a host that is none", () => microvm({ network: ["a b"] }), "E_SPEC_STRATEGY"],
    ["a list without hosts", () => microvm({ network: [] }), "E_SPEC_STRATEGY"],
    ["no traffic at all", () => microvm({ network: ["a.example"], traffic: 0 }), "E_SPEC_RANGE"],
  ])("refuses a sandbox with %s", (_, make, code) => {
    expect(refusal(make)).toContain(code);
  });

  const schemas = { input: z.unknown(), output: z.unknown() };
  test.each<[string, () => unknown, string]>([
    ["a bad name", () => tool("a b", { ...schemas, run: () => 1 }), "E_SPEC_ID"],
    ["nothing to run", () => tool("t", { ...schemas, run: 7 as never }), "E_SPEC_STRATEGY"],
    ["an empty command", () => tool("t", { ...schemas, run: " " }), "E_SPEC_STRATEGY"],
    [
      "a function in a machine",
      () => tool("t", { ...schemas, run: () => 1, sandbox: microvm() }),
      "E_SPEC_COMBINATION",
    ],
    [
      "a command without a sandbox",
      () => tool("t", { ...schemas, run: "ls" }),
      "E_SPEC_COMBINATION",
    ],
    [
      "a command in the pool",
      () => tool("t", { ...schemas, run: "ls", sandbox: pool() }),
      "E_SPEC_COMBINATION",
    ],
  ])("refuses a tool with %s", (_, make, code) => {
    expect(refusal(make)).toContain(code);
  });
});

describe("what the store alone may keep", () => {
  const of = (options: Parameters<typeof dynamic>[3]) =>
    dynamic("d", {}, Plain, options).template as ActorSpec;

  test("hibernateAfter and snapshotEvery, within their limits", () => {
    const spec = of({ durable: true, hibernateAfter: "5m", snapshotEvery: 10 });
    expect([spec.hibernateAfterMs, spec.snapshotEvery]).toEqual([300_000, 10]);
    expect(child("c", Plain, { durable: true, snapshotEvery: 1 }).snapshotEvery).toBe(1);
    for (const snapshotEvery of [0, 1_025, 1.5]) {
      expect(refusal(() => of({ durable: true, snapshotEvery }))).toContain("E_SPEC_RANGE");
    }
    expect(refusal(() => of({ durable: true, hibernateAfter: 0 }))).toContain("E_SPEC_RANGE");
    expect(refusal(() => of({ durable: true, hibernateAfter: "soon" as never }))).toContain(
      "E_UNITS",
    );
  });

  test("the largest state, within its limits; none unless it is said", () => {
    expect(of({ durable: true, stateMax: "2mb" }).stateMaxBytes).toBe(2_097_152);
    expect(of({ durable: true, stateMax: "infinity" }).stateMaxBytes).toBe(null);
    for (const stateMax of [0, 1_023, "2gb"] as const) {
      const said = refusal(() => of({ durable: true, stateMax }));
      expect(said).toContain("E_SPEC_RANGE: stateMax");
    }
    expect(refusal(() => of({ durable: true, stateMax: "big" as never }))).toContain("E_UNITS");
    expect(refusal(() => of({ stateMax: "2mb" }))).toContain(
      "E_SPEC_COMBINATION: stateMax on an actor that is not durable",
    );
  });

  test("only of durable actors, and only children that are started on demand leave the memory", () => {
    expect(refusal(() => of({ hibernateAfter: "5m" }))).toContain(
      "E_SPEC_COMBINATION: hibernateAfter on an actor that is not durable",
    );
    expect(refusal(() => of({ snapshotEvery: 5 }))).toContain(
      "E_SPEC_COMBINATION: snapshotEvery on an actor that is not durable",
    );
    const fixed = () => child("c", Plain, { durable: true, hibernateAfter: "5m" });
    expect(refusal(fixed)).toContain("E_SPEC_COMBINATION: hibernateAfter on a child that is not");
  });
});
