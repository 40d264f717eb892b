/** Who should move where, from loads alone; and what may move at all. */
import { expect, test } from "vitest";
import { Address } from "../../../src/actor/protocol.ts";
import { isData } from "../../../src/kernel/data.ts";
import type { Load } from "../../../src/kernel/moving.ts";
import { Places } from "../../../src/kernel/placement.ts";
import { advise, type History, type Rebalancing } from "../../../src/kernel/rebalance.ts";

const SETTINGS: Rebalancing = {
  threads: 4,
  everyMs: 1_000,
  busy: 0.8,
  idle: 0.3,
  moves: 4,
  restMs: 10_000,
};
const history = (given: Partial<History> = {}): History => ({
  busy: new Set([1, 2, 3, 4]),
  changed: new Set(),
  resting: new Set(),
  ...given,
});
const load = (thread: number, busy: number, shares: Record<string, number> = {}, actors = 60) => {
  const candidates = Object.entries(shares).map(([path, share]) => ({ path, share }));
  return { thread, busy, actors, candidates } satisfies Load;
};
const few = (thread: number, busy: number) => load(thread, busy, {}, 1);
const go = (loads: Load[], given: Partial<History> = {}, settings: Partial<Rebalancing> = {}) =>
  advise(loads, history(given), { ...SETTINGS, ...settings });

test("the biggest burner goes to the idlest thread", () => {
  const loads = [load(1, 0.95, { "/a": 0.3, "/b": 0.2 }), few(2, 0.2), few(3, 0.1)];
  expect(go(loads)).toEqual([{ path: "/a", from: 1, thread: 3 }]);
});

test("one that would make the taker the busier one stays, a smaller one goes", () => {
  const loads = [load(1, 0.9, { "/big": 0.49, "/small": 0.2 }), few(2, 0.29)];
  expect(go(loads)).toEqual([{ path: "/small", from: 1, thread: 2 }]);
});

test("a hog goes where it has fewer neighbours, and does not come back", () => {
  expect(go([load(1, 1, { "/hog": 0.97 }, 51), few(2, 0.05)])).toEqual([
    { path: "/hog", from: 1, thread: 2 },
  ]);
  expect(go([load(1, 0.2, {}, 50), load(2, 1, { "/hog": 0.99 }, 2)])).toEqual([]);
});

test("who is alone on a thread gains nothing by another one", () => {
  expect(go([load(1, 1, { "/hog": 1 }, 1), load(2, 0, {}, 0)])).toEqual([]);
});

test("one busy moment moves nobody; nor does a thread that is only half busy, or half idle", () => {
  const one = { "/a": 0.2 };
  expect(go([load(1, 0.95, one), few(2, 0)], { busy: new Set() })).toEqual([]);
  expect(go([load(1, 0.8, one), few(2, 0)])).toEqual([]);
  expect(go([load(1, 0.95, one), few(2, 0.3)])).toEqual([]);
});

test("actors and threads rest after a move", () => {
  const loads = [load(1, 0.95, { "/a": 0.3, "/b": 0.2 }), few(2, 0.1)];
  expect(go(loads, { resting: new Set(["/a"]) })).toEqual([{ path: "/b", from: 1, thread: 2 }]);
  expect(go(loads, { changed: new Set([1]) })).toEqual([]);
  expect(go(loads, { changed: new Set([2]) })).toEqual([]);
});

test("each thread gives and takes once, the busiest first, up to a number of moves", () => {
  const loads = [load(1, 0.9, { "/a": 0.2 }), load(2, 0.99, { "/b": 0.2 }), few(3, 0.2), few(4, 0)];
  const both = [
    { path: "/b", from: 2, thread: 4 },
    { path: "/a", from: 1, thread: 3 },
  ];
  expect(go(loads)).toEqual(both);
  expect(go(loads, {}, { moves: 1 })).toEqual(both.slice(0, 1));
});

test("data is what another thread gets as it is", () => {
  class Own {}
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const good = {
    a: [1, "x", null, undefined, 2n],
    m: new Map([["k", new Set([1])]]),
    d: new Date(0),
  };
  for (const each of [good, new Uint8Array(3), new Address("/a", "b"), Object.create(null), 1]) {
    expect(isData(each)).toBe(true);
  }
  const keyed = { [Symbol("s")]: 1 };
  const bad = [
    new Own(),
    () => 1,
    Symbol("s"),
    circle,
    { deep: [new Own()] },
    keyed,
    { toJSON: 1 },
  ];
  for (const each of [...bad, new Array(100_001).fill(0)]) expect(isData(each)).toBe(false);
});

test("nobody is alone on a single thread", () => {
  expect(new Places(null, 1).isAlone("/a/b")).toBe(false);
});
