/**
 * The trace format: one supervision scenario as recorded from Erlang/OTP, one JSON object a line.
 *
 * Owns: the types of that format, reading it with errors that name the line, and saying in words
 * where two steps differ.
 * Does not own: what a step should be (`model.ts`), how scenarios are drawn (`generate.ts`), or
 * how the production kernel is driven through one.
 */
import { gunzipSync } from "node:zlib";

export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one" | "simple_one_for_one";
export type AutoShutdown = "never" | "any_significant" | "all_significant";
export type Restart = "permanent" | "transient" | "temporary";
export type Shutdown = "brutal_kill" | "infinity" | number;
/** What one start of a worker does. */
export type Outcome = "ok" | "ignore" | "error" | "initfail" | "raise";
/** An Erlang term as JSON: atoms are strings, tuples are lists. */
export type Reason = string | Reason[];

export interface Flags {
  strategy: Strategy;
  intensity: number;
  /** Whole seconds. */
  period: number;
  auto_shutdown: AutoShutdown;
}

interface ChildFields {
  id: string;
  restart: Restart;
  significant: boolean;
  shutdown: Shutdown;
}

export interface TraceWorker extends ChildFields {
  kind: "worker";
  /** What the 1st, 2nd, … start at this path does; past the end: `ok`. */
  script: Outcome[];
  /** Whether it traps exits, so whether its `terminate` runs on a shutdown signal. */
  trap: boolean;
  /** Its `terminate` never returns when somebody else stops it. */
  stuck: boolean;
}

export interface TraceSupervisorChild extends ChildFields {
  kind: "supervisor";
  sub: TraceSupervisor;
}

export type TraceChild = TraceWorker | TraceSupervisorChild;

/** The root, and the `sub` of a supervisor child. */
export interface TraceSupervisor {
  flags: Flags;
  children: TraceChild[];
}

export type Op =
  | "start"
  | ["exit", path: string, reason: Reason]
  | ["kill", path: string]
  | ["kill_many", supervisor: string, paths: string[]]
  | [AdminCall, supervisor: string, id: string]
  | ["start_child", supervisor: string, spec: TraceChild | string]
  | ["stop"];

export type AdminCall = "terminate_child" | "restart_child" | "delete_child" | "get_childspec";

export interface SpecView extends ChildFields {
  type: "worker" | "supervisor";
}

export type Result =
  | "ok"
  | ["ok", "pid" | "undefined" | SpecView]
  | ["error", Reason]
  | ["down", Reason]
  | ["exit", Reason];

export type TraceEvent =
  | ["start", path: string, outcome: Outcome]
  | ["start_failed", path: string]
  | ["terminate", path: string, reason: Reason];

export type ChildState = "up" | "undefined" | "restarting";
/** Workers carry their number of starts, running supervisors their tree, others null. */
export type ChildView = [id: string, state: ChildState, detail: number | TreeView | null];

export interface TreeView {
  children: ChildView[];
  counts: [specs: number, active: number, supervisors: number, workers: number];
}

export type TreeState = TreeView | ["dead", Reason] | "dead";

export interface Step {
  op: Op;
  result: Result;
  events: TraceEvent[];
  /** Events of `#n` children, sorted: their order is not defined. */
  bag: TraceEvent[];
  tree: TreeState;
}

export interface Trace {
  seed: number;
  tree: TraceSupervisor;
  start: "ok" | ["error", Reason];
  steps: Step[];
}

/** The reason a start with this outcome fails with. */
export function startError(outcome: Exclude<Outcome, "ok" | "ignore">): Reason {
  if (outcome === "raise") return ["raised", "raised"];
  return outcome === "error" ? "refused" : outcome;
}

/** A spec as `get_childspec` reports it. */
export function specView({ id, restart, shutdown, significant, kind }: TraceChild): SpecView {
  return { id, restart, shutdown, significant, type: kind };
}

/** Takes the events of dynamic children out: they stop all at once, so in no defined order. */
export function splitEvents(log: TraceEvent[]): Pick<Step, "events" | "bag"> {
  const bag = log.filter(([, path]) => path.includes("#"));
  bag.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return { events: log.filter((event) => !bag.includes(event)), bag };
}

/** `views` in start order; the order of dynamic children is not defined. */
export function treeView(views: ChildView[], dynamic: boolean): TreeView {
  const specs = views.length;
  const active = views.filter(([, state]) => state === "up").length;
  const workers = views.filter(([, , detail]) => typeof detail === "number").length;
  if (!dynamic) {
    const children = views.toReversed();
    return { children, counts: [specs, active, specs - workers, workers] };
  }
  const children = views.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { children, counts: [1, active, specs - workers, workers] };
}

/** Reads a trace file, gzipped or not; `name` only serves the error messages. */
export function readTraces(text: Uint8Array | string, name: string): Trace[] {
  const lines = decode(text, name).split("\n");
  return lines.flatMap((line, index) => {
    if (line.trim() === "") return [];
    try {
      const trace: unknown = JSON.parse(line);
      TRACE(trace, "trace");
      return [trace as Trace];
    } catch (cause) {
      const what = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${name}:${index + 1}: ${what}`, { cause });
    }
  });
}

function decode(text: Uint8Array | string, name: string): string {
  if (typeof text === "string") return text;
  const zipped = text[0] === 0x1f && text[1] === 0x8b;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(zipped ? gunzipSync(text) : text);
  } catch (cause) {
    throw new Error(`${name}: cannot be ${zipped ? "unzipped" : "read as UTF-8"}`, { cause });
  }
}

/** Throws, naming the place, when a value is not what the format says. */
type Shape = (value: unknown, at: string) => void;

const is =
  (what: string, fits: (value: unknown) => boolean): Shape =>
  (value, at) => {
    if (!fits(value)) throw new Error(`${at} must be ${what}, but is ${show(value)}`);
  };
const oneOf = (...allowed: unknown[]): Shape =>
  is(allowed.map(show).join(" or "), (value) => allowed.includes(value));
const STRING = is("a string", (value) => typeof value === "string");
const WHOLE = is("a whole number", (value) => Number.isInteger(value));
const FLAG = oneOf(true, false);
const PRESENT = is("present", (value) => value !== undefined);
const LIST = is("a list", Array.isArray);
const listOf =
  (item: Shape): Shape =>
  (value, at) => {
    LIST(value, at);
    for (const [index, each] of (value as unknown[]).entries()) item(each, `${at}[${index}]`);
  };
const fields =
  (shapes: Record<string, Shape>): Shape =>
  (value, at) => {
    const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
    is("an object", () => isRecord)(value, at);
    for (const [key, shape] of Object.entries(shapes)) {
      shape((value as Record<string, unknown>)[key], `${at}.${key}`);
    }
  };

const WORKER = fields({
  script: listOf(oneOf("ok", "ignore", "error", "initfail", "raise")),
  trap: FLAG,
  stuck: FLAG,
});
const CHILD: Shape = (value, at) => {
  fields({
    id: STRING,
    kind: oneOf("worker", "supervisor"),
    restart: oneOf("permanent", "transient", "temporary"),
    significant: FLAG,
    shutdown: (of, where) => (Number.isInteger(of) ? undefined : SHUTDOWN(of, where)),
  })(value, at);
  const isWorker = (value as TraceChild).kind === "worker";
  (isWorker ? WORKER : fields({ sub: SUPERVISOR }))(value, at);
};
const SHUTDOWN = oneOf("brutal_kill", "infinity");
const SUPERVISOR = fields({
  flags: fields({
    strategy: oneOf("one_for_one", "one_for_all", "rest_for_one", "simple_one_for_one"),
    intensity: WHOLE,
    period: WHOLE,
    auto_shutdown: oneOf("never", "any_significant", "all_significant"),
  }),
  children: listOf(CHILD),
});
const OPERANDS: Record<string, Shape[]> = {
  exit: [STRING, PRESENT],
  kill: [STRING],
  kill_many: [STRING, listOf(STRING)],
  terminate_child: [STRING, STRING],
  restart_child: [STRING, STRING],
  delete_child: [STRING, STRING],
  get_childspec: [STRING, STRING],
  start_child: [STRING, (value, at) => (typeof value === "string" ? null : CHILD(value, at))],
  stop: [],
};
const OP: Shape = (value, at) => {
  if (value === "start") return;
  LIST(value, at);
  const [name, ...operands] = value as unknown[];
  oneOf(...Object.keys(OPERANDS))(name, `${at}[0]`);
  const shapes = OPERANDS[String(name)] ?? [];
  is(`${name} with ${shapes.length} operands`, () => operands.length === shapes.length)(value, at);
  for (const [index, shape] of shapes.entries()) shape(operands[index], `${at}[${index + 1}]`);
};
const STEP = fields({ op: OP, result: PRESENT, events: LIST, bag: LIST, tree: PRESENT });
const TRACE = fields({ seed: WHOLE, tree: SUPERVISOR, start: PRESENT, steps: listOf(STEP) });

/** Says where two steps differ, first field first, or null when they are equal. */
export function firstDifference(expected: Step, actual: Step): string | null {
  for (const field of ["result", "events", "bag", "tree"] as const) {
    const found = difference(expected[field], actual[field], field);
    if (found === null) continue;
    const { path, sides } = found;
    const lines =
      field === "events" || field === "bag"
        ? eventLines(expected[field], actual[field])
        : [`  - expected ${show(sides[0])}`, `  + actual   ${show(sides[1])}`];
    return [`${path} differs after ${show(expected.op)}`, ...lines].join("\n");
  }
  return null;
}

type Difference = { path: string; sides: [expected: unknown, actual: unknown] };

/** The innermost place that differs; the order of an object's keys means nothing. */
function difference(expected: unknown, actual: unknown, path: string): Difference | null {
  if (show(expected) === show(actual)) return null;
  const here: Difference = { path, sides: [expected, actual] };
  const inner = [expected, actual].every((side) => typeof side === "object" && side !== null);
  if (!inner || Array.isArray(expected) !== Array.isArray(actual)) return here;
  const [left, right] = [Object.entries(expected as object), actual as Record<string, unknown>];
  for (const [key, value] of left) {
    const at = Array.isArray(expected) ? `${path}[${key}]` : `${path}.${key}`;
    const found = difference(value, right[key], at);
    if (found !== null) return found;
  }
  return left.length === Object.keys(right).length ? null : here;
}

/** The common beginning, then what each side has from there on. */
function eventLines(expected: TraceEvent[], actual: TraceEvent[]): string[] {
  const same = expected.findIndex((event, index) => show(event) !== show(actual[index]));
  const common = same < 0 ? expected.length : same;
  const rest = (mark: string, events: TraceEvent[]): string[] =>
    events.slice(common).map((event) => `  ${mark} ${show(event)}`);
  const before = expected.slice(0, common).map((event) => `             ${show(event)}`);
  return [...before, ...rest("- expected", expected), ...rest("+ actual  ", actual)];
}

function show(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}
