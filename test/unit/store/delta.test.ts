// What a state has become, as bytes: found, small, and put together again exactly.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encode } from "../../../src/store/codec.ts";
import { diff, patched } from "../../../src/store/delta.ts";

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
const text = (n: number, size = 2_000) => `${n} `.repeat(size).slice(0, size);

interface Turn {
  role: string;
  text: string;
  usage: { tokens: number };
}
const turn = (n: number): Turn => ({ role: "user", text: text(n), usage: { tokens: n } });

/** A conversation of n turns, with fields before and after. */
const conversation = (n: number) => ({
  tokens: n * 17,
  turns: Array.from({ length: n }, (_, index) => turn(index)),
  last: `turn ${n}`,
});

function small(before: unknown, now: unknown, most: number): void {
  const [a, b] = [encode(before), encode(now)];
  const patch = diff(a, b);
  expect(patch?.length ?? Number.POSITIVE_INFINITY).toBeLessThan(most);
  expect(same(patched(a, [patch as Uint8Array]), b)).toBe(true);
}

describe("small changes make small patches", () => {
  test.each([3, 14, 15, 16, 100, 65_536 / 64])("one more turn after %d", (n) => {
    small(conversation(n), conversation(n + 1), 2_200);
  });
  test("a field that changes, wherever it is", () => {
    const base = conversation(20);
    small(base, { ...base, tokens: 1e9 }, 120);
    small(base, { ...base, last: "a longer last line than before" }, 120);
    const turns = base.turns.map((each, n) => (n === 7 ? { ...each, text: "cut" } : each));
    small(base, { ...base, turns }, 200);
  });
  test("the oldest turn goes, and one comes", () => {
    const base = conversation(20);
    const turns = [...base.turns.slice(1), turn(20)];
    const [a, b] = [encode(base), encode({ ...base, turns })];
    const patch = diff(a, b);
    // It may be found or not, but what is found is right.
    if (patch !== null) expect(same(patched(a, [patch]), b)).toBe(true);
  });
});

test("what has little in common has no patch", () => {
  const noise = (seed: number) =>
    new Uint8Array(20_000).map((_, n) => (Math.imul(n + 1, seed) >>> 11) & 255);
  expect(diff(noise(0x9e3779b1), noise(0x85ebca6b))).toBe(null);
  expect(diff(new Uint8Array(0), noise(0x9e3779b1))).toBe(null);
});

test("a patch for something else is an error, not another state", () => {
  const [a, b] = [encode(conversation(5)), encode(conversation(6))];
  expect(() => patched(b, [diff(a, b) as Uint8Array])).toThrow(/a patch for \d+ bytes met/);
});

test("a chain of any edits comes back exactly", () => {
  const edit = fc.record({
    at: fc.nat(6_000),
    drop: fc.oneof(fc.nat(40), fc.nat(3_000)),
    put: fc.uint8Array({ maxLength: 300 }),
  });
  const start = fc.uint8Array({ minLength: 2_000, maxLength: 6_000 });
  let found = 0;
  fc.assert(
    fc.property(
      start,
      fc.array(fc.array(edit, { maxLength: 4 }), { maxLength: 8 }),
      (base, all) => {
        let now: Uint8Array = base;
        const patches: Uint8Array[] = [];
        for (const edits of all) {
          let next: Uint8Array = now;
          for (const { at, drop, put } of edits) {
            const from = Math.min(at, next.length);
            next = Buffer.concat([next.subarray(0, from), put, next.subarray(from + drop)]);
          }
          const patch = diff(now, next);
          if (patch === null) continue;
          found++;
          patches.push(patch);
          now = next;
        }
        return same(patched(base, patches), now);
      },
    ),
    { numRuns: 500 },
  );
  expect(found).toBeGreaterThan(300);
});

test("repetition does not lead astray", () => {
  const bytes = fc.uint8Array({ maxLength: 400, max: 1 });
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const patch = diff(a, b);
      return patch === null || same(patched(a, [patch]), b);
    }),
    { numRuns: 2_000 },
  );
});
