// The checker itself: what it must accept and what it must refuse.

import { expect, test } from "vitest";
import { isLinearizable, type Operation } from "./checker.ts";
import { counter, name, queue } from "./models.ts";

/** [called, answered, operation, answer]; without an answer nobody knows the outcome. */
type Row<O, R> = readonly [number, number, O, R] | readonly [number, O];
const history = <O, R>(...rows: Row<O, R>[]): Operation<O, R>[] =>
  rows.map((row) =>
    row.length === 2
      ? { calledAt: row[0], answeredAt: Number.POSITIVE_INFINITY, op: row[1] }
      : { calledAt: row[0], answeredAt: row[1], op: row[2], answer: row[3] },
  );

test("one after the other", () => {
  const fine = history<"add" | "read", number>(
    [0, 1, "add", 1],
    [2, 3, "add", 2],
    [4, 5, "read", 2],
  );
  expect(isLinearizable(counter, fine)).toBe(true);
  const lost = history<"add" | "read", number>([0, 1, "add", 1], [2, 3, "read", 0]);
  expect(isLinearizable(counter, lost)).toBe(false);
  const doubled = history<"add" | "read", number>([0, 1, "add", 1], [2, 3, "read", 2]);
  expect(isLinearizable(counter, doubled)).toBe(false);
});

test("at the same time, in either order, but in one", () => {
  const either = history<"add" | "read", number>([0, 9, "add", 2], [1, 8, "add", 1]);
  expect(isLinearizable(counter, either)).toBe(true);
  const both = history<"add" | "read", number>([0, 9, "add", 1], [1, 8, "add", 1]);
  expect(isLinearizable(counter, both)).toBe(false);
  // The first had answered before the second was called: they did not overlap.
  const late = history<"add" | "read", number>([0, 1, "add", 2], [2, 3, "add", 1]);
  expect(isLinearizable(counter, late)).toBe(false);
});

test("an unknown outcome: at once, later, or never, but not twice", () => {
  for (const [seen, fits] of [
    [[0, 0], true],
    [[0, 1], true],
    [[1, 1], true],
    [[1, 0], false],
    [[0, 2], false],
  ] as const) {
    const [a, b] = seen;
    const rows = history<"add" | "read", number>([0, "add"], [2, 3, "read", a], [4, 5, "read", b]);
    expect(isLinearizable(counter, rows), String(seen)).toBe(fits);
  }
  // Nothing takes effect before it was called.
  const early = history<"add" | "read", number>([0, 1, "read", 1], [2, "add"]);
  expect(isLinearizable(counter, early)).toBe(false);
});

test("a queue gives each item once, the oldest first", () => {
  type Op = { put: number } | "take";
  const row = history<Op, number | null>;
  const puts = row([0, 1, { put: 1 }, null], [2, 3, { put: 2 }, null]);
  expect(isLinearizable(queue, [...puts, ...row([4, 5, "take", 1], [4, 5, "take", 2])])).toBe(true);
  expect(isLinearizable(queue, [...puts, ...row([4, 5, "take", 2])])).toBe(false);
  expect(isLinearizable(queue, [...puts, ...row([4, 5, "take", 1], [6, 7, "take", 1])])).toBe(
    false,
  );
});

test("a name is taken by one at a time", () => {
  type Op = "register" | "unregister" | "find";
  const row = history<Op, boolean>;
  const two = row([0, 9, "register", true], [0, 9, "register", false]);
  expect(isLinearizable(name, two)).toBe(true);
  expect(isLinearizable(name, row([0, 9, "register", true], [0, 9, "register", true]))).toBe(false);
  expect(isLinearizable(name, [...two, ...row([10, 11, "find", false])])).toBe(false);
});

test("the search stays short where much overlaps and much is unknown", () => {
  const overlapping = Array.from({ length: 12 }, (_, n) => [0, 100, "add", n + 1] as const);
  const unknown = Array.from({ length: 12 }, (_, n) => [n, "add"] as const);
  const rows = history<"add" | "read", number>(...overlapping, ...unknown);
  expect(isLinearizable(counter, rows)).toBe(true);
  const last = history<"add" | "read", number>([200, 201, "read", 25]);
  expect(isLinearizable(counter, [...rows, ...last])).toBe(false);
});
