// The queue against the plainest model of it: an array.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { Fifo } from "../../../src/kernel/fifo.ts";
import { seeded } from "../../../src/sim/random.ts";

/** Runs random operations on both; `grow` is the share of pushes. */
function compare(seed: number, operations: number, grow: number): void {
  const random = seeded(seed);
  const fifo = new Fifo<number>();
  const model: number[] = [];
  for (let i = 0; i < operations; i++) {
    const dice = random();
    if (dice < grow) {
      fifo.push(i);
      model.push(i);
    } else if (dice < 0.999) {
      expect(fifo.shift()).toBe(model.shift());
    } else {
      fifo.clear();
      model.length = 0;
    }
    expect(fifo.size).toBe(model.length);
    if (i % 97 === 0) expect([...fifo]).toEqual(model);
  }
  expect([...fifo]).toEqual(model);
  while (model.length > 0) expect(fifo.shift()).toBe(model.shift());
  expect(fifo.shift()).toBeUndefined();
  expect([...fifo]).toEqual([]);
}

test("behaves as an array does, growing, steady and shrinking", () => {
  for (let seed = 1; seed <= 12; seed++) {
    compare(seed, 2_000, 0.6);
    compare(seed, 2_000, 0.45);
    compare(seed, 2_000, 0.3);
  }
});

test("a queue may be filled again while it is being emptied", () => {
  const fifo = new Fifo<number>();
  fifo.push(0);
  const seen: number[] = [];
  for (let next = fifo.shift(); next !== undefined; next = fifo.shift()) {
    seen.push(next);
    if (next < 1_000) fifo.push(next + 1);
  }
  expect(seen).toHaveLength(1_001);
  expect(seen.at(-1)).toBe(1_000);
});

test("what was taken is let go: no reference stays behind", async () => {
  const fifo = new Fifo<object>();
  let big: object | undefined = { large: new Array(10) };
  const weak = new WeakRef(big);
  fifo.push({});
  fifo.push(big);
  fifo.push({});
  fifo.shift();
  expect(fifo.shift()).toBe(big);
  big = undefined;
  await new Promise((resolve) => setImmediate(resolve));
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  expect(weak.deref()).toBeUndefined();
  expect(fifo.size).toBe(1);
});

test("a million items cost time in proportion", () => {
  const fifo = new Fifo<number>();
  for (let i = 0; i < 1_000_000; i++) fifo.push(i);
  let sum = 0;
  for (let i = 0; i < 1_000_000; i++) sum += fifo.shift() as number;
  expect(sum).toBe(499_999_500_000);
  expect(fifo.size).toBe(0);
});
