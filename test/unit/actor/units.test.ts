// Durations and sizes: what people may write, and what it means in integers.
import { describe, expect, test } from "vitest";
import { ActorError } from "../../../src/actor/errors.ts";
import { bytes, type Duration, milliseconds, type Size } from "../../../src/actor/units.ts";

function refusal(run: () => unknown): string {
  try {
    return `no error, but ${run()}`;
  } catch (error) {
    return error instanceof ActorError ? error.describe() : `foreign: ${error}`;
  }
}

describe("durations", () => {
  test.each<[Duration, number]>([
    [0, 0],
    [250, 250],
    [1.4, 1],
    ["0ms", 0],
    ["250ms", 250],
    ["5s", 5_000],
    ["1.5s", 1_500],
    ["10m", 600_000],
    ["2h", 7_200_000],
    ["7d", 604_800_000],
    [" 5S " as Duration, 5_000],
    ["0.0001s", 0],
  ])("%j is %d ms", (value, ms) => {
    expect(milliseconds(value)).toBe(ms);
  });

  test.each([
    "5",
    "s",
    "",
    "5 s",
    "-5s",
    "5sec",
    "5constructor",
    "5s5s",
    ".5s",
    "5.s",
    "1e3s",
    "٥s",
    "constructors",
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    undefined,
    true,
    {},
    [5],
    Object.create(null),
    Symbol("5s"),
    "5s".repeat(1_000),
    5n,
  ])("%o means no duration", (value) => {
    expect(refusal(() => milliseconds(value as never, "child x, shutdown"))).toMatch(
      /^E_UNITS: .* is not a duration \(at child x, shutdown\)\n {2}remedy: .*ms, s, m, h, d$/,
    );
  });
});

describe("sizes", () => {
  test.each<[Size, number]>([
    [0, 0],
    ["12b", 12],
    ["1kb", 1_024],
    ["64mb", 67_108_864],
    ["0.5gb", 536_870_912],
  ])("%j is %d bytes", (value, size) => {
    expect(bytes(value)).toBe(size);
  });

  test.each(["64", "64tb", "64m", "-1kb", Number.NaN])("%j means no size", (value) => {
    expect(refusal(() => bytes(value as never))).toMatch(/^E_UNITS: .* is not a size/);
  });
});
