// The one error class: a fact, a place, a remedy, a code.
import { expect, test } from "vitest";
import { ActorError, assert, ERROR_CODES } from "../../../src/actor/errors.ts";

test("an error says what, where and what to do, without its stack", () => {
  const error = new ActorError("E_UNITS", "5x is no duration", { at: "child a", fix: "write 5s" });
  expect(error).toBeInstanceOf(Error);
  expect(error.describe()).toBe("E_UNITS: 5x is no duration (at child a)\n  remedy: write 5s");
  expect(`${error}`).toBe("ActorError: 5x is no duration");
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    code: "E_UNITS",
    message: "5x is no duration",
    at: "child a",
    fix: "write 5s",
  });
});

test("place, remedy, reason and cause may be missing", () => {
  const error = new ActorError("timeout", "too late");
  expect(error.describe()).toBe("timeout: too late");
  expect([error.at, error.fix, error.reason]).toEqual([undefined, undefined, undefined]);
  expect("cause" in error).toBe(false);
  const cause = new Error("why");
  const reason = { tag: "normal" as const };
  expect(new ActorError("exited", "gone", { cause, reason })).toMatchObject({ cause, reason });
});

test("each code has one sentence: no end mark, no line break", () => {
  for (const [code, sentence] of Object.entries(ERROR_CODES)) {
    expect(code).toMatch(/^(E_[A-Z0-9_]+|[a-z_]+)$/);
    expect(sentence).toMatch(/^[a-z'].{9,}[^.!\s]$/i);
  }
});

test("a broken invariant names itself: E_INTERNAL", () => {
  expect(() => assert(true, "K1", "fine")).not.toThrow();
  let error: unknown;
  try {
    assert(false, "K5", "twice in the ready queue");
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(ActorError);
  expect((error as ActorError).describe()).toMatch(
    /^E_INTERNAL: K5 is broken: twice in the ready queue\n {2}remedy: please report/,
  );
});
