/**
 * The reference model against the recordings of Erlang/OTP, and the recordings against broken
 * models: a rule that can be broken unnoticed is a rule the recordings do not hold.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { randomOps, randomTree } from "../../src/sim/generate.ts";
import { createModel, otpRules, type Rules } from "../../src/sim/model.ts";
import { seeded } from "../../src/sim/random.ts";
import type * as T from "../../src/sim/trace.ts";
import { firstDifference, readTraces } from "../../src/sim/trace.ts";

const FILE = "otp-traces.jsonl.gz";
const zipped = readFileSync(join(import.meta.dirname, FILE));
const traces = readTraces(zipped, FILE);

/** Null when the model, with some rules broken or none, does what OTP did. */
function contradiction(trace: T.Trace, broken: Partial<Rules> = {}): string | null {
  const model = createModel(trace.tree, broken);
  for (const [index, step] of trace.steps.entries()) {
    const actual = index === 0 ? model.start() : model.apply(step.op);
    const difference = firstDifference(step, actual);
    if (difference !== null) return `seed ${trace.seed}, step ${index}: ${difference}`;
  }
  return null;
}

test("the model reproduces every recorded trace", () => {
  expect(traces).toHaveLength(2000);
  const contradictions = traces.map((trace) => contradiction(trace));
  expect(contradictions.filter((each) => each !== null)).toEqual([]);
});

type Strategy = T.Strategy;
type Reach = Rules["reach"];
const { restarts, reach } = otpRules;
/** Like OTP, but `instead` decides for one strategy, perhaps on retries only. */
const reaching = (strategy: Strategy, instead: Reach, retriesOnly = false): Partial<Rules> => ({
  reach: (flags, at, end, isRetry) =>
    (flags.strategy === strategy && (isRetry || !retriesOnly) ? instead : reach)(
      flags,
      at,
      end,
      isRetry,
    ),
});
const alone: Reach = (_flags, at) => [at, at + 1];
const fromThere: Reach = (_flags, at, end) => [at, end];
const everybody: Reach = (_flags, _at, end) => [0, end];
/** Like OTP, but also restarts after the ends that `also` names, or not after those of `not`. */
const also = (yes: (restart: T.Restart, reason: T.Reason) => boolean): Partial<Rules> => ({
  restarts: (restart, reason) => yes(restart, reason) || restarts(restart, reason),
});
const not = (no: (restart: T.Restart, reason: T.Reason) => boolean): Partial<Rules> => ({
  restarts: (restart, reason) => !no(restart, reason) && restarts(restart, reason),
});
const staysAfter = (place: string): Partial<Rules> => ({
  temporaryLeaves: (after) => after !== place,
});
const endsAfter = (place: string): Partial<Rules> => ({
  mayShutDown: (after) => after === "exit" || after === place,
});

/** The numbers are rules of SEMANTICS.md. */
const sabotages: [name: string, broken: Partial<Rules>][] = [
  ["5 a permanent child that ended normally stays down", not((_, reason) => reason === "normal")],
  [
    "5 a transient child returns after normal",
    also((r, end) => r === "transient" && end === "normal"),
  ],
  ["5 … after shutdown", also((r, end) => r === "transient" && end === "shutdown")],
  ["5 … after {shutdown, X}", also((r, end) => r === "transient" && Array.isArray(end))],
  ["5 a killed transient child stays down", not((r, end) => r === "transient" && end === "killed")],
  ["5 a crashed temporary child returns", also((r, end) => r === "temporary" && end === "boom")],
  ["5 the spec of an ended temporary child stays", staysAfter("exit")],
  ["6.7 exits of former processes matter", { concerns: () => true }],
  ["7.3 intensity 1 forbids the first restart", { admits: (recent, limit) => recent < limit }],
  ["7.3 one restart more than allowed", { admits: (recent, limit) => recent <= limit + 1 }],
  ["6.9 a group restart counts each member", { weight: (_isRetry, members) => members }],
  ["8.2 retries do not count", { weight: (isRetry) => (isRetry ? 0 : 1) }],
  ["6.1 one_for_one takes later siblings along", reaching("one_for_one", fromThere)],
  ["6.2 one_for_all spares earlier siblings", reaching("one_for_all", fromThere)],
  ["6.3 rest_for_one spares later siblings", reaching("rest_for_one", alone)],
  ["6.3 rest_for_one takes earlier siblings along", reaching("rest_for_one", everybody)],
  ["8.6 one_for_all resumes at the failed child", reaching("one_for_all", fromThere, true)],
  ["8.7 rest_for_one retries the failed child only", reaching("rest_for_one", alone, true)],
  ["9.1 children are stopped in start order", { stopOrder: (children) => children }],
  ["9.3 terminate runs without trapping", { terminates: (w) => w.shutdown !== "brutal_kill" }],
  ["9.2 terminate runs at a brutal kill", { terminates: (worker) => worker.trap }],
  ["8.1 a retry comes first", { retry: (queue, retry) => queue.unshift({ retry }) }],
  [
    "8.8 the culprit is retried, not who failed",
    {
      retry: (queue, failed, culprit) => {
        failed.process = "undefined";
        culprit.process = "restarting";
        return queue.push({ retry: culprit });
      },
    },
  ],
  ["4.3 a temporary child that ignored its start stays", staysAfter("ignore")],
  ["6.5 temporary siblings stay in a group restart", staysAfter("group")],
  ["12.1 a terminated temporary child stays", staysAfter("call")],
  ["11.3 ignoring a start may end the supervisor", endsAfter("ignore")],
  ["11.4 terminate_child may end the supervisor", endsAfter("call")],
  ["11.6 a group restart may end the supervisor", endsAfter("group")],
  ["11.2 no automatic shutdown at all", { mayShutDown: () => false }],
  ["11.2 any means all", { autoShutdown: (flag, others) => flag !== "never" && !others }],
  ["11.2 all means any", { autoShutdown: (flag) => flag !== "never" }],
  ["11.5 a finished significant child is active", { isActive: () => true }],
  [
    "13.4 a dead child is not active before its exit is handled",
    { isActive: ({ process }) => typeof process === "object" && process.alive },
  ],
  ["15.1 a supervisor ends abnormally", { endReason: "reached_max_restart_intensity" }],
  ["3.5 a failed start leaves the others running", { failedStartStopsOthers: false }],
  ["6.4 a group restart skips who was not running", { groupStartsIdle: false }],
  ["12.2 start_child stores what failed", { failedCallStoresNothing: false }],
];

test.each(sabotages)("the recordings notice: %s", (_name, broken) => {
  const noticed = traces.some((trace) => {
    try {
      return contradiction(trace, broken) !== null;
    } catch {
      // An operation had no target any more: as good as a difference.
      return true;
    }
  });
  expect(noticed).toBe(true);
});

function worker(id: string, over: Partial<T.TraceWorker> = {}): T.TraceWorker {
  const fields = { restart: "permanent", significant: false, shutdown: 5000 } as const;
  return { id, kind: "worker", ...fields, script: [], trap: false, stuck: false, ...over };
}

function tree(over: Partial<T.Flags>, ...children: T.TraceChild[]): T.TraceSupervisor {
  const flags = { strategy: "one_for_one", auto_shutdown: "never" } as const;
  return { flags: { ...flags, intensity: 1, period: 5, ...over }, children };
}

// The recordings have one window only. Here the period is 5 and the intensity 1: whole seconds
// decide, so 5.85 s may be within the window and 5.2 s outside.
test.each([
  [0, 5, "over"],
  [0.05, 5.9, "over"],
  [0.9, 6.1, "up"],
  [0, 6, "up"],
] as const)("restarts at %d s and %d s leave the supervisor %s (7.4)", (first, second, end) => {
  const model = createModel(tree({}, worker("a")));
  model.start();
  model.apply(["kill", "/a"], first);
  const { tree: after } = model.apply(["kill", "/a"], second);
  expect(after).toEqual(
    end === "over" ? ["dead", "shutdown"] : { children: [["a", "up", 3]], counts: [1, 1, 0, 1] },
  );
});

test("a dynamic child that ignores its restart is dropped (4.6)", () => {
  const template = worker("a", { script: ["ok", "ignore"] });
  const pool: T.TraceChild = {
    ...{ id: "pool", kind: "supervisor", restart: "permanent", significant: false },
    ...{ shutdown: "infinity", sub: tree({ strategy: "simple_one_for_one" }, template) },
  };
  const model = createModel(tree({}, pool));
  model.start();
  expect(model.apply(["start_child", "/pool", "#1"]).result).toEqual(["ok", "pid"]);
  expect(model.apply(["delete_child", "/pool", "#1"]).result).toEqual([
    "error",
    "simple_one_for_one",
  ]);
  const { bag, tree: after } = model.apply(["kill", "/pool/#1"]);
  expect(bag).toEqual([["start", "/pool/#1", "ignore"]]);
  const empty = { children: [], counts: [1, 0, 0, 0] };
  expect(after).toEqual({ children: [["pool", "up", empty]], counts: [1, 1, 1, 0] });
});

test("an operation without a target is refused", () => {
  const model = createModel(tree({}, worker("a", { script: ["ignore"] })));
  model.start();
  expect(() => model.apply(["kill", "/a"])).toThrow("there is nothing running at /a");
  expect(() => model.apply(["kill", "/b/c"])).toThrow("there is nothing running at /b/c");
  model.apply(["stop"]);
  expect(() => model.apply(["stop"])).toThrow("the root is dead");
});

const STEPS_MAX = 14;

function play(seed: number): T.Trace {
  const random = seeded(seed);
  const drawn = randomTree(random);
  const ops = randomOps(random, drawn);
  const model = createModel(drawn);
  const steps = [model.start()];
  while (steps.length < STEPS_MAX) {
    const op = ops.next((steps.at(-1) as T.Step).tree);
    if (op === null) break;
    steps.push(model.apply(op));
  }
  return { seed, tree: drawn, start: "ok", steps };
}

function idsIn(view: T.TreeState): string[][] {
  if (view === "dead" || Array.isArray(view)) return [];
  const nested = view.children.map(([, , detail]) => detail);
  const views = nested.filter((detail) => typeof detail === "object" && detail !== null);
  return [view.children.map(([id]) => id), ...views.flatMap(idsIn)];
}

const scenarios = Array.from({ length: 300 }, (_, index) => play(index + 1));

test("the same numbers draw the same scenario, others another one", () => {
  expect(scenarios.map(({ seed }) => play(seed))).toEqual(scenarios);
  expect(new Set(scenarios.map((each) => JSON.stringify(each.tree))).size).toBeGreaterThan(290);
});

test("drawn scenarios are legal and leave no two children of one id", () => {
  const lines = scenarios.map((each) => JSON.stringify(each)).join("\n");
  expect(readTraces(lines, "drawn")).toEqual(scenarios);
  const doubles = scenarios.flatMap(({ seed, steps }) =>
    steps.flatMap((step) => idsIn(step.tree).map((ids) => ({ seed, ids }))),
  );
  expect(doubles.filter(({ ids }) => new Set(ids).size < ids.length)).toEqual([]);
});

/** What can be told apart in traces: the kinds of operations, results, events and flags. */
function variety(of: T.Trace[]): string[] {
  const words = JSON.stringify(of.map((each) => [each.tree, each.steps])).match(/"[a-z_]{2,}"/g);
  const answers = of.flatMap(({ steps }) =>
    steps.map(({ op, result }) => {
      const [kind, what] = Array.isArray(result) ? result : [result];
      return `${op === "start" ? op : op[0]} → ${kind} ${typeof what === "string" ? what : ""}`;
    }),
  );
  return [...new Set([...(words ?? []), ...answers])].sort();
}

test("drawn scenarios have all the variety of the recorded ones", () => {
  const drawn = Array.from({ length: 2000 }, (_, index) => play(index + 1));
  expect(variety(drawn)).toEqual(expect.arrayContaining(variety(traces)));
});

const STEP: T.Step = {
  op: ["kill", "/a"],
  result: ["down", "killed"],
  events: [
    ["start", "/a", "error"],
    ["start", "/a", "ok"],
  ],
  bag: [],
  tree: { children: [["a", "up", 3]], counts: [1, 1, 0, 1] },
};

test("a difference is told with its place and both sides", () => {
  expect(firstDifference(STEP, structuredClone(STEP))).toBeNull();
  const [first] = STEP.events as [T.TraceEvent];
  expect(firstDifference(STEP, { ...STEP, events: [first, ["terminate", "/b", "shutdown"]] })).toBe(
    [
      'events[1][0] differs after ["kill","/a"]',
      '             ["start","/a","error"]',
      '  - expected ["start","/a","ok"]',
      '  + actual   ["terminate","/b","shutdown"]',
    ].join("\n"),
  );
  const other: T.TreeView = { children: [["a", "undefined", 3]], counts: [1, 0, 0, 1] };
  expect(firstDifference(STEP, { ...STEP, tree: other })).toBe(
    [
      'tree.children[0][1] differs after ["kill","/a"]',
      '  - expected "up"',
      '  + actual   "undefined"',
    ].join("\n"),
  );
  const both: T.Step = { ...STEP, result: "ok", tree: other };
  expect(firstDifference(STEP, both)).toMatch(/^result differs/);
  expect(firstDifference(STEP, { ...STEP, events: [...STEP.events, first] })).toMatch(
    /^events diff/,
  );
});

const LINE = JSON.stringify({ seed: 1, tree: tree({}, worker("a")), start: "ok", steps: [STEP] });

test.each([
  ["{", /^f\.jsonl:2: .*JSON/],
  ["[]", /^f\.jsonl:2: trace must be an object, but is \[\]$/],
  [LINE.replace("one_for_one", "one"), /:2: trace\.tree\.flags\.strategy must be "one_for_one" or/],
  [LINE.replace('"trap":false', '"trap":0'), /children\[0\]\.trap must be true or false, but is 0/],
  [LINE.replace('"kill"', '"hug"'), /steps\[0\]\.op\[0\] must be "exit" or .*, but is "hug"$/],
  [LINE.replace('"kill"', '"exit"'), /steps\[0\]\.op must be exit with 2 operands/],
  [LINE.replace('"result"', '"answer"'), /steps\[0\]\.result must be present, but is missing$/],
])("a bad line is refused with its place: %s", (bad, message) => {
  expect(() => readTraces(`${LINE}\n${bad}\n`, "f.jsonl")).toThrow(message);
});

test("a file that is no trace file at all is refused by name", () => {
  expect(readTraces(new TextEncoder().encode(LINE), "f")).toEqual(readTraces(LINE, "f"));
  expect(() => readTraces(zipped.subarray(0, 100), "f.gz")).toThrow("f.gz: cannot be unzipped");
  expect(() => readTraces(Uint8Array.of(0xff), "f")).toThrow("f: cannot be read as UTF-8");
});
