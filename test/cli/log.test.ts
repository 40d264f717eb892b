// The log: which fact has which level, what a line holds, and that it reaches stderr at any exit.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { STACK_LEFT_OUT } from "../../src/actor/exit.ts";
import { root } from "./stage.ts";

const EVIL = "\u001b]0;x\u0007\u009b31m\u202e\u2028\r\n";

/** Facts of all kinds, as a program that logs them and then ends in some way. */
function logged(level: string, options: { pretty?: boolean; events?: string; end?: string } = {}) {
  const file = JSON.stringify(join(root, "src", "observe", "log.ts"));
  const { pretty = false, events = FACTS, end = "" } = options;
  const script = `
    const { createLog } = await import(${file});
    const EVIL = ${JSON.stringify(EVIL)};
    const log = createLog(${JSON.stringify(level)}, ${pretty});
    for (const event of ${events}) log({ path: "/desk/a", thread: 2, atMs: 5, ...event });
    ${end}`;
  const result = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    maxBuffer: 64 * 1_048_576,
  });
  expect(result.stdout).toBe("");
  return { ...result, lines: result.stderr.split("\n").filter((line) => line !== "") };
}

const error =
  '{ tag: "error", name: "TypeError", message: "no", stack: "TypeError: no\\n    at f" }';
const FACTS = `[
  { type: "restart_intensity", child: "a", intensity: 3, periodMs: 5_000 },
  { type: "start_error", reason: ${error} },
  { type: "thread_lost", path: "", lost: 1, why: "out of memory" },
  { type: "child_terminated", life: 4, reason: ${error} },
  { type: "shutdown_error", reason: { tag: "killed", by: "supervisor" } },
  { type: "dead_letter", message: "m", from: "", reason: "no_actor" },
  { type: "child_started", life: 5, cause: "restart" },
  { type: "child_started", life: 5, cause: "init" },
  { type: "fenced", life: 4, verb: "tell" },
  { type: "muted", by: "/desk/b" },
  { type: "dropped_notice", notice: "down" },
  { type: "exited", life: 4, incarnation: 2, reason: { tag: "normal" } },
  { type: "handled", life: 4, message: "m", from: "", seq: 1 },
  { type: "committed", life: 4, acks: 1, mails: 0 },
  { type: "log", level: "debug", message: "one", fields: {} },
  { type: "log", level: "info", message: "two", fields: { user: 7 } },
  { type: "log", level: "warn", message: "three", fields: undefined },
  { type: "log", level: "error", message: "four", fields: null },
]`;

test.each([
  ["error", ["restart_intensity", "start_error", "thread_lost", "log"]],
  ["warn", ["child_terminated", "shutdown_error", "dead_letter", "log"]],
  ["info", ["child_started", "log"]],
  ["debug", ["child_started", "fenced", "muted", "dropped_notice", "exited", "log"]],
])("facts of level %s", (level, types) => {
  const records = logged(level).lines.map((line) => JSON.parse(line));
  const own = records.filter((each) => each.level === level);
  expect(own.map((each) => each.type)).toEqual(types);
});

test("silent says nothing", () => {
  expect(logged("silent").stderr).toBe("");
});

test("a record has path, life and reason; an actor's own fields stand apart", () => {
  const records = logged("info").lines.map((line) => JSON.parse(line));
  expect(records.find((each) => each.type === "child_terminated")).toEqual({
    level: "warn",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    pid: expect.any(Number),
    path: "/desk/a",
    thread: 2,
    type: "child_terminated",
    atMs: 5,
    life: 4,
    reason: { tag: "error", name: "TypeError", message: "no", stack: expect.any(String) },
    msg: "child terminated: error TypeError: no",
  });
  const own = records.find((each) => each.msg === "two");
  expect(own).toMatchObject({ type: "log", path: "/desk/a", fields: { user: 7 } });
  expect(records.find((each) => each.msg === "three")).not.toHaveProperty("fields");
});

const HOSTILE = `[
  { type: "log", level: "info", message: EVIL, fields: { [EVIL]: EVIL, level: "x", path: "/y" } },
  { type: "child_terminated", life: 1, reason: { tag: "error", name: EVIL, message: EVIL, stack: EVIL } },
  { type: "dead_letter", message: EVIL, from: EVIL, reason: EVIL },
]`;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e]/;

test.each([false, true])("nothing steers a terminal (pretty: %s)", (pretty) => {
  const { stderr, lines } = logged("debug", { pretty, events: HOSTILE });
  expect(stderr).not.toMatch(CONTROL);
  expect(lines).toHaveLength(3);
  if (pretty) return;
  const [first] = lines.map((line) => JSON.parse(line));
  expect(first).toMatchObject({ msg: EVIL, level: "info", path: "/desk/a" });
  expect(first.fields[EVIL]).toBe(EVIL);
});

test("for people: time, level, path, message, the first lines of the stack", () => {
  const { lines } = logged("warn", { pretty: true });
  const at = lines.findIndex((line) => line.includes("child terminated"));
  expect(lines[at]).toMatch(/^\d\d:\d\d:\d\d WARN {2}\/desk\/a {2}child terminated: error TypeErr/);
  expect(lines[at + 1]).toBe("    at f");
  expect(lines.some((line) => line.includes("ERROR thread 2  thread 1 lost: out of mem"))).toBe(
    true,
  );
});

test("a stack that was left out is said to be", () => {
  const stack = JSON.stringify(STACK_LEFT_OUT);
  const reason = `{ tag: "error", name: "E", message: "m", stack: ${stack} }`;
  const events = `[{ type: "child_terminated", life: 1, reason: ${reason} }]`;
  expect(logged("warn", { pretty: true, events }).lines[1]).toBe(`    ${STACK_LEFT_OUT}`);
});

test("fields of any size and kind are cut, or said to be none", () => {
  const events = `[
    { type: "log", level: "info", message: "x".repeat(1e6), fields: { big: "y".repeat(1e6) } },
    { type: "log", level: "info", message: "round", fields: (() => { const a = {}; a.a = a; return a; })() },
    { type: "log", level: "info", message: "large", fields: { n: 10n ** 20n } },
  ]`;
  const [long = "", round, large] = logged("info", { events }).lines;
  expect(long.length).toBeLessThan(20_000);
  expect(JSON.parse(round ?? "").fields).toBe("(cannot be shown)");
  expect(JSON.parse(large ?? "").fields).toEqual({ n: "100000000000000000000n" });
});

test.each([
  ["process.exit()", "process.exit(3)", 3],
  ["an uncaught error", "throw new Error('end')", 1],
  ["an empty event loop", "", 0],
])("every line is written before %s", (_what, end, status) => {
  const events = `Array.from({ length: 5_000 }, (_, n) => ({ type: "muted", by: "/a" + n }))`;
  const result = logged("debug", { events, end });
  expect(result.status).toBe(status);
  expect(result.lines.filter((line) => line.includes('"muted"'))).toHaveLength(5_000);
});
