/** Circles: what repeats is noticed, what makes progress or polls politely is not. */
import { child, tool } from "coppice";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { type Runaway, readRunaway } from "../../../src/actor/runaway.ts";
import { brokerOf } from "../../../src/tool/broker.ts";
import { Circles } from "../../../src/tool/runaway.ts";
import { bareHost, callDefaults } from "./hosts.ts";

const only = (limits: Runaway) => {
  const none = { identical: 0, alternating: 0, errors: 0, stalled: 0 };
  return new Circles(readRunaway({ ...none, ...limits }, "test") as never);
};

/** Makes calls, a letter each; a second apart unless said otherwise. @returns which was denied first */
function denied(circles: Circles, calls: string, pauses: (n: number) => number = () => 1_000) {
  let nowMs = 0;
  for (const [index, call] of [...calls].entries()) {
    nowMs += pauses(index);
    const why = circles.before(call.toUpperCase(), call, nowMs);
    if (why !== null) return { index, why };
    circles.after(call.toUpperCase(), `${index}`);
  }
  return null;
}

describe("identical calls", () => {
  test("the next one after the limit is denied; another call in between begins anew", () => {
    expect(denied(only({ identical: 3 }), "aaaa")).toMatchObject({
      index: 3,
      why: "A was called 3 times in a row with the same input; its answer stands",
    });
    expect(denied(only({ identical: 3 }), "aaabaaabaaa")).toBeNull();
  });

  test("polling with growing pauses, or slowly, is no runaway; with equal ones it is", () => {
    const calls = "a".repeat(30);
    expect(denied(only({ identical: 3 }), calls, (n) => 100 * 1.25 ** n)).toBeNull();
    expect(denied(only({ identical: 3 }), calls, () => 60_000)).toBeNull();
    expect(denied(only({ identical: 3 }), calls, () => 59_000)?.index).toBe(3);
    // Doubling up to a cap of five seconds: what comes after the cap counts.
    const capped = denied(only({ identical: 3 }), calls, (n) => Math.min(100 * 2 ** n, 5_000));
    expect(capped?.index).toBeGreaterThan(6);
  });
});

test("two calls in turn", () => {
  expect(denied(only({ alternating: 3 }), "abababab")).toMatchObject({
    index: 6,
    why: expect.stringContaining("3 times in turn"),
  });
  expect(denied(only({ alternating: 3 }), "ababacabab")).toBeNull();
  expect(denied(only({ alternating: 3 }), "aaaaaaaaa")).toBeNull();
  expect(denied(only({ alternating: 3 }), "xyababab")).toBeNull();
});

test("errors in a row, of one tool; a success forgives them", () => {
  const circles = only({ errors: 2 });
  const fails = (input: string) => {
    const why = circles.before("t", input, 0);
    if (why === null) circles.after("t", null);
    return why;
  };
  expect([fails("1"), fails("2")]).toEqual([null, null]);
  expect(circles.before("other", "x", 0)).toBeNull();
  expect(fails("3")).toMatch(/has failed 2 times in a row/);
  // It may be tried another way now.
  expect(fails("4")).toBeNull();
  circles.after("t", "worked");
  expect([fails("5"), fails("6")]).toEqual([null, null]);
});

test("the same result again and again, whatever is asked", () => {
  const circles = only({ stalled: 3 });
  const ask = (n: number, result: string) => {
    const why = circles.before("t", String(n), n);
    if (why === null) circles.after("t", result);
    return why;
  };
  expect([ask(1, "no"), ask(2, "no"), ask(3, "new"), ask(4, "no"), ask(5, "no")]).toEqual(
    Array(5).fill(null),
  );
  expect(ask(6, "no")).toBeNull();
  expect(ask(7, "no")).toMatch(/the same answer 3 times/);
});

describe("through the broker", () => {
  const Idle = actor("idle", { state: z.null(), messages: {}, init: () => null, on: {} });
  const clock = tool("clock", { input: z.unknown(), output: z.unknown(), run: () => 7 });

  test("not made, with words for the model; the decision is known, a new life is free", async () => {
    const broker = brokerOf(bareHost());
    const spec = child("idle", Idle, { tools: [clock], runaway: { identical: 2 } });
    const said: string[] = [];
    const defaults = { ...callDefaults(), decided: (each: { by: string }) => said.push(each.by) };
    const call = (more = {}) =>
      broker.call({ ...defaults, spec, tool: clock, input: { a: 1 }, ...more });
    await call();
    await call();
    const end = await call();
    expect(end).toMatchObject({ tag: "denied", cause: { code: "E_RUNAWAY", at: "/idle" } });
    expect(said).toEqual(["runaway"]);
    expect((await call({ input: { a: 2 } })).tag).toBe("ok");
    expect((await call({ signal: new AbortController().signal })).tag).toBe("ok");
  });

  test("nobody looks unless asked to", async () => {
    const broker = brokerOf(bareHost());
    const spec = child("idle", Idle, { tools: [clock] });
    const call = { ...callDefaults(), spec, tool: clock, input: 1 };
    for (let n = 0; n < 50; n++) expect((await broker.call(call)).tag).toBe("ok");
  });

  test("limits have limits", () => {
    expect(() => child("c", Idle, { runaway: { identical: -1 } })).toThrow(
      expect.objectContaining({ code: "E_SPEC_RANGE" }),
    );
  });
});
