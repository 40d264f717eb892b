// When a thread looks out for mail, when it stops, and that it never does for long.
import { expect, test } from "vitest";
import { Lookout } from "../../../src/node/lookout.ts";

/** A lookout in virtual time: each look at the clock takes a step of it. */
function stage(limitMs = 0.05) {
  const at = { nowMs: 1_000, mailAtMs: Number.POSITIVE_INFINITY, peeks: 0, stepMs: 0.01 };
  const lookout = new Lookout({
    limitMs,
    mail: () => {
      at.peeks++;
      return at.nowMs >= at.mailAtMs;
    },
    now: () => {
      at.nowMs += at.stepMs;
      return at.nowMs;
    },
  });
  /** Mail of another thread, which takes so long to answer. */
  const trip = (afterMs: number) => {
    lookout.stir();
    at.mailAtMs = at.nowMs + afterMs;
    const looked = lookout.look();
    at.nowMs = Math.max(at.nowMs, at.mailAtMs);
    at.mailAtMs = Number.POSITIVE_INFINITY;
    return looked;
  };
  return { at, lookout, trip };
}

test("a thread that nothing stirs, or that may not, does not look", () => {
  const quiet = stage();
  expect(quiet.lookout.look()).toBe(true);
  const never = stage(0);
  never.trip(0.02);
  expect([quiet.at.peeks, never.at.peeks]).toEqual([0, 0]);
});

test("mail that is there already ends it before it has begun", () => {
  const { lookout, trip } = stage();
  for (let i = 0; i < 100; i++) trip(0);
  expect([lookout.looks, lookout.spentMs]).toEqual([0, 0]);
});

test("one look for each thing that stirs, no longer than its limit", () => {
  const { at, lookout } = stage();
  lookout.stir();
  const before = at.nowMs;
  lookout.look();
  lookout.look();
  expect([lookout.looks, lookout.misses]).toEqual([1, 1]);
  expect(at.nowMs - before).toBeLessThan(0.08);
  expect(lookout.spentMs).toBeGreaterThan(0.04);
});

test("as long as answers come in time it goes on, with a turn of the event loop each millisecond", () => {
  const { at, lookout, trip } = stage();
  let [turns, before] = [0, at.nowMs];
  for (let i = 0; i < 1_000; i++) {
    if (trip(0.03)) continue;
    expect(at.nowMs - before).toBeLessThan(1.2);
    turns++;
    lookout.turned();
    before = at.nowMs;
  }
  expect(turns).toBeGreaterThan(20);
  expect([lookout.looks + turns, lookout.misses]).toEqual([1_000, 0]);
});

test("what comes too late was not worth it: after some it stops, and tries again ever more rarely", () => {
  const { at, lookout, trip } = stage();
  for (let i = 0; i < 5; i++) trip(0.2);
  expect(lookout.looks).toBe(5);
  trip(0.2);
  expect(lookout.looks).toBe(5);
  // A minute of a message each 200 µs, all answered late: one trial a second in the end.
  while (at.nowMs < 61_000) trip(0.2);
  expect(lookout.misses).toBe(lookout.looks);
  expect(lookout.looks).toBeLessThan(5 * 75);
  expect(lookout.spentMs).toBeLessThan(61_000 / 1_000);
});

test("found, but only after the thread itself was not running: in vain", () => {
  const { at, lookout, trip } = stage();
  at.stepMs = 4;
  for (let i = 0; i < 5; i++) trip(2);
  expect([lookout.looks, lookout.misses]).toEqual([5, 5]);
});

test("when answers come in time again it looks as before", () => {
  const { at, lookout, trip } = stage();
  for (let i = 0; i < 100; i++) trip(0.2);
  at.nowMs += 2_000;
  const before = lookout.misses;
  let looked = lookout.looks;
  for (let i = 0; i < 100; i++) if (!trip(0.03)) lookout.turned();
  looked = lookout.looks - looked;
  expect([looked > 90, lookout.misses - before]).toEqual([true, 0]);
  // … and the next time it stops, it is for a millisecond only.
  for (let i = 0; i < 5; i++) trip(0.2);
  at.nowMs += 1.1;
  looked = lookout.looks;
  trip(0.03);
  expect(lookout.looks).toBe(looked + 1);
});
