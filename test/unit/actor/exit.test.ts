// Exit reasons: whatever is thrown becomes plain, bounded data; clean or not; one line for people.
import { describe, expect, test } from "vitest";
import { ActorError } from "../../../src/actor/errors.ts";
import {
  type ExitReason,
  ExitThrown,
  formatReason,
  fromThrown,
  isClean,
  NORMAL,
  SHUTDOWN,
  STACK_LEFT_OUT,
} from "../../../src/actor/exit.ts";

/** Is it what JSON can carry, and nothing else? */
const isPlain = (reason: ExitReason) =>
  expect(structuredClone(JSON.parse(JSON.stringify(reason)))).toEqual(reason);

/** Depth of the chain of causes. */
const depthOf = (reason: ExitReason): number =>
  reason.tag === "error" && reason.cause ? 1 + depthOf(reason.cause) : 0;

describe("fromThrown", () => {
  test("an error: name, message, stack", () => {
    const reason = fromThrown(new TypeError("bad"));
    expect(reason).toMatchObject({ tag: "error", name: "TypeError", message: "bad" });
    expect((reason as { stack: string }).stack).toContain("exit.test.ts");
    isPlain(reason);
  });

  test("a stack that is not to be kept says so, also of a cause", () => {
    const error = new RangeError("outer", { cause: new TypeError("inner") });
    const asked: string[] = [];
    const reason = fromThrown(error, (name, message) => asked.push(`${name} ${message}`) > 1);
    expect(asked).toEqual(["RangeError outer", "TypeError inner"]);
    expect(reason).toMatchObject({ stack: STACK_LEFT_OUT, message: "outer" });
    expect((reason as { cause: { stack: string } }).cause.stack).toContain("exit.test.ts");
    isPlain(reason);
  });

  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  test.each<[string, unknown, string]>([
    ["null", null, "null"],
    ["undefined", undefined, "undefined"],
    ["a string", "no", "no"],
    ["the empty string", "", ""],
    ["a number", -0, "0"],
    ["a bigint", 10n, "10"],
    ["a symbol", Symbol("x"), "Symbol(x)"],
    ["a function", () => 1, "() => 1"],
    ["a plain object", { code: 5 }, "[object Object]"],
    ["an object that looks like an error", { name: "E", message: "m" }, "[object Object]"],
    ["an object without a prototype", Object.create(null), "a value that cannot be printed"],
    ["a revoked proxy", revoked.proxy, "a value that cannot be printed"],
    [
      "an object whose toString throws",
      {
        toString() {
          throw new Error("no");
        },
      },
      "a value that cannot be printed",
    ],
  ])("%s", (_what, thrown, message) => {
    const reason = fromThrown(thrown);
    expect(reason).toEqual({ tag: "error", name: "Thrown", message });
    isPlain(reason);
  });

  test("a frozen error, and one of a class", () => {
    class Broken extends Error {
      override name = "Broken";
    }
    expect(fromThrown(Object.freeze(new Error("cold")))).toMatchObject({ message: "cold" });
    expect(fromThrown(new Broken("b"))).toMatchObject({ name: "Broken", message: "b" });
  });

  test.each(["name", "message", "stack", "cause"])("an error whose %s throws", (field) => {
    const error = new Error("outer");
    Object.defineProperty(error, field, {
      get() {
        throw new Error("hostile");
      },
    });
    const reason = fromThrown(error);
    expect(reason.tag).toBe("error");
    isPlain(reason);
  });

  test.each([
    ["name", 5],
    ["message", { a: 1 }],
    ["stack", 5],
    ["message", null],
  ])("an error whose %s is no text", (field, value) => {
    const error = new Error("outer");
    Object.defineProperty(error, field, { value });
    isPlain(fromThrown(error));
  });

  test("huge texts are cut", () => {
    const error = new Error("x".repeat(1e6));
    error.name = "N".repeat(1e6);
    error.stack = "s".repeat(1e6);
    expect(JSON.stringify(fromThrown(error)).length).toBeLessThan(13_000);
    expect(JSON.stringify(fromThrown("x".repeat(1e6))).length).toBeLessThan(5_000);
    const far = new ActorError("exited", "x".repeat(1e6), { reason: NORMAL });
    expect(JSON.stringify(fromThrown(far)).length).toBeLessThan(5_000);
  });

  test("causes are followed, but not for ever", () => {
    const inner = new RangeError("inner");
    const reason = fromThrown(new Error("outer", { cause: inner }));
    expect(reason).toMatchObject({ cause: { tag: "error", name: "RangeError", message: "inner" } });
    expect(fromThrown(new Error("outer", { cause: "text" }))).toMatchObject({
      cause: { name: "Thrown", message: "text" },
    });

    const cyclic: Error & { cause?: unknown } = new Error("cyclic");
    cyclic.cause = cyclic;
    expect(depthOf(fromThrown(cyclic))).toBe(4);
    isPlain(fromThrown(cyclic));

    let deep = new Error("0");
    for (let i = 1; i < 100; i++) deep = new Error(String(i), { cause: deep });
    expect(depthOf(fromThrown(deep))).toBe(4);
    expect(fromThrown(new Error("none", { cause: undefined }))).not.toHaveProperty("cause");
  });

  test("the end of somebody asked is the cause", () => {
    const why: ExitReason = { tag: "killed", by: "operator" };
    const error = new ActorError("exited", "/b ended", { reason: why });
    expect(fromThrown(error)).toEqual({
      tag: "error",
      name: "ActorError",
      message: "/b ended",
      cause: why,
    });
  });

  test("what ctx.exit() throws is the reason itself", () => {
    const reason: ExitReason = { tag: "shutdown", detail: ["done", 1] };
    expect(fromThrown(new ExitThrown(reason))).toBe(reason);
  });
});

const ERROR: ExitReason = { tag: "error", name: "E", message: "first\nsecond", stack: "…" };
const linked = (reason: ExitReason): ExitReason => ({ tag: "linked", to: "/a", reason });

describe("isClean", () => {
  test.each<[ExitReason, boolean]>([
    [NORMAL, true],
    [SHUTDOWN, true],
    [{ tag: "shutdown", detail: { why: "done" } }, true],
    [linked(NORMAL), true],
    [linked(linked(SHUTDOWN)), true],
    [ERROR, false],
    [linked(ERROR), false],
    [{ tag: "killed", by: "supervisor" }, false],
    [{ tag: "aborted", sliceMs: 100 }, false],
    [{ tag: "quota", resource: "microUsd", limit: 1, used: 2 }, false],
    [{ tag: "thread_lost", thread: 1 }, false],
    [{ tag: "fenced", token: 3 }, false],
    [{ tag: "bad_start", code: "E_ARGS_SCHEMA", message: "m" }, false],
    [{ tag: "no_actor", path: "/x" }, false],
    [{ tag: "nondeterminism", step: 2 }, false],
  ])("%j: %s", (reason, clean) => {
    expect(isClean(reason)).toBe(clean);
  });
});

describe("formatReason", () => {
  test.each<[ExitReason, string]>([
    [NORMAL, "normal"],
    [SHUTDOWN, "shutdown"],
    [{ tag: "shutdown", detail: { why: "done" } }, 'shutdown {"why":"done"}'],
    [{ tag: "shutdown", detail: null }, "shutdown null"],
    [ERROR, "error E: first"],
    [linked(ERROR), "linked to /a: error E: first"],
    [{ tag: "killed", by: "deadline" }, "killed by deadline"],
    [{ tag: "aborted", sliceMs: 104 }, "aborted after 104ms"],
    [{ tag: "quota", resource: "microUsd", limit: 1, used: 2 }, "quota microUsd: 2 of 1"],
    [{ tag: "thread_lost", thread: 1 }, "thread 1 lost"],
    [{ tag: "fenced", token: 3 }, "fenced (token 3)"],
    [{ tag: "bad_start", code: "E_UNITS", message: "m" }, "bad start E_UNITS: m"],
    [{ tag: "no_actor", path: "/x" }, "no actor /x"],
    [{ tag: "nondeterminism", step: 2 }, "nondeterminism at step 2"],
  ])("%j", (reason, text) => {
    expect(formatReason(reason)).toBe(text);
  });
});
