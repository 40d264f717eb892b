// What the bench makes of its figures: quantiles, the size of fib, and which targets are met.
import { expect, test } from "vitest";
import { PROGRAMS } from "../../../bench/lib/catalogue.ts";
import { inMicroseconds, quantile } from "../../../bench/lib/quantile.ts";
import { type Kept, staying } from "../../../bench/lib/results.ts";
import { fibCalls, fibOf } from "../../../bench/lib/sizes.ts";
import { short } from "../../../bench/lib/table.ts";
import { TARGETS } from "../../../bench/lib/targets.ts";
import { verdict } from "../../../bench/report.ts";

const taken = { date: "2026-01-01", commit: "abc", asked: 5, unit: "message", n: 10, seconds: 1 };
const line = (
  bench: string,
  peer: "coppice" | "raw" | "beam1",
  opsPerS: number,
  more = {},
): Kept => ({
  ...taken,
  bench,
  peer,
  opsPerS,
  runs: 5,
  opsPerSMin: opsPerS,
  opsPerSMax: opsPerS,
  ...more,
});
const results = (...lines: Kept[]) => ({ machine: "test", lines });

test("a quantile is the nearest rank, whatever the order of the samples", () => {
  const samples = Float64Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(quantile(samples, 0.5)).toBe(50);
  expect(quantile(samples, 0.99)).toBe(99);
  expect(quantile(samples, 1)).toBe(100);
  expect(quantile(Float64Array.of(7), 0.5)).toBe(7);
  expect(inMicroseconds(Float64Array.of(0.5, 0.25, 1))).toEqual({ p50Us: 500, p99Us: 1_000 });
});

test("fib has as many actors as calls", () => {
  expect([0, 1, 2, 3, 4, 5].map(fibCalls)).toEqual([1, 1, 3, 5, 9, 15]);
  expect(fibOf(15)).toBe(5);
  expect(fibOf(16)).toBe(6);
  const program = PROGRAMS.find(({ name }) => name === "fib");
  expect(fibCalls(fibOf(program?.n ?? 0))).toBe(program?.n);
});

test("a target against a peer is met, missed or not measured", () => {
  const target = { bench: "pingpong", peer: "beam1", times: 5 } as const;
  const ours = line("pingpong", "coppice", 500);
  const beam = (coppiceTimes: number) => line("pingpong", "beam1", 100, { coppiceTimes });
  const of = (...lines: Kept[]) => verdict(target, results(...lines));
  expect(of(ours, beam(5))).toMatchObject({ met: true, is: "5.00×" });
  expect(of(ours, beam(4.99))).toMatchObject({ met: false });
  expect(of(beam(5))).toMatchObject({ met: null });
  expect(of(ours)).toMatchObject({ met: null });
  const apart = of(ours, line("pingpong", "beam1", 100));
  expect(apart).toMatchObject({ met: null, is: "not measured together" });
});

test("a new figure of coppice takes the old ratios to it away, and no others", () => {
  const old = [
    line("pingpong", "coppice", 500),
    line("pingpong", "beam1", 100, { coppiceTimes: 5 }),
    line("big", "beam1", 100, { coppiceTimes: 4 }),
  ];
  const stay = staying(old, [line("pingpong", "coppice", 700)]);
  expect(stay.map(({ bench, peer }) => [bench, peer])).toEqual([
    ["pingpong", "beam1"],
    ["big", "beam1"],
  ]);
  expect(stay[0]).not.toHaveProperty("coppiceTimes");
  expect(stay[1]).toHaveProperty("coppiceTimes", 4);
});

test("a target for a figure is met, missed or not measured; a failed run is not measured", () => {
  const below = { bench: "ask2", figure: "p50Us", below: 25 } as const;
  const rate = { bench: "bang2", figure: "opsPerS", atLeast: 4e6 } as const;
  const p50 = (p50Us: number) => results(line("ask2", "coppice", 1, { p50Us }));
  expect(verdict(below, p50(24.9)).met).toBe(true);
  expect(verdict(below, p50(25)).met).toBe(false);
  expect(verdict(below, results(line("ask2", "coppice", 1))).met).toBe(null);
  expect(verdict(rate, results(line("bang2", "coppice", 4e6))).met).toBe(true);
  expect(verdict(rate, results(line("bang2", "coppice", 3.9e6))).met).toBe(false);
  const failed: Kept = { ...taken, bench: "bang2", peer: "coppice", failed: "exit code 1" };
  expect(verdict(rate, results(failed)).met).toBe(null);
});

test("every target is for a program and a peer there is", () => {
  for (const target of TARGETS) {
    const program = PROGRAMS.find(({ name }) => name === target.bench);
    expect(program, target.bench).toBeDefined();
    if ("times" in target) expect(program?.peers, target.bench).toContain(target.peer);
  }
});

test("numbers are short", () => {
  expect([0.0123, 5, 99.94, 120, 1_234, 1.5e6, 2e9].map(short)).toEqual([
    "0.0123",
    "5.00",
    "99.9",
    "120",
    "1.23k",
    "1.50M",
    "2.00G",
  ]);
});
