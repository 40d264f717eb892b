// Small flat objects have the bytes that the codec of all values makes of them.
import fc from "fast-check";
import { Packr } from "msgpackr";
import { expect, test } from "vitest";
import { decode, encode } from "../../../src/store/codec.ts";
import { encodeFlat } from "../../../src/store/codec-flat.ts";

const packr = new Packr({ useRecords: true, moreTypes: true, structuredClone: true });
const packed = (value: unknown) => [...packr.pack(value)];

const numbers = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -0, 31, 32, 63, 64, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32),
  fc.constantFrom(-1, -32, -33, -129, 2 ** 53, 1.5, Number.NaN, Number.POSITIVE_INFINITY),
);
const texts = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: "grapheme", maxLength: 5 }));
const values = fc.oneof(numbers, texts, fc.boolean(), fc.constant(null), fc.constant(undefined));
const objects = fc.dictionary(fc.oneof(texts, fc.constantFrom("toJSON", "a", "1")), values, {
  maxKeys: 18,
  noNullPrototype: true,
});

test("flat objects: the same bytes, or left to the codec of all values", () => {
  let flat = 0;
  const same = (value: Record<string, unknown>) => {
    const bytes = encodeFlat(value);
    if (bytes === null) return;
    flat++;
    expect([...bytes]).toEqual(packed(value));
    expect(bytes.buffer.byteLength).toBe(bytes.length);
    expect(decode(bytes)).toEqual(packr.unpack(packr.pack(value)));
  };
  fc.assert(fc.property(objects, same), { numRuns: 5_000 });
  expect(flat).toBeGreaterThan(300);
});

test.each([
  ["a message", { of: 50 }, true],
  ["a time", { at: 1_700_000_000_000, done: false, by: null, name: "x".repeat(31) }, true],
  ["nothing", {}, false],
  ["sixteen keys", Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`k${n}`, n])), false],
  ["a long text", { text: "x".repeat(32) }, false],
  ["other letters", { é: 1 }, false],
  ["a list", { list: [] }, false],
  ["nothing said", { maybe: undefined }, false],
  ["a text", "text", false],
  ["of a class", new Date(0), false],
  ["no prototype", Object.assign(Object.create(null), { a: 1 }), false],
])("%s", (_, value, isFlat) => {
  expect(encodeFlat(value) !== null).toBe(isFlat);
  expect([...encode(value)]).toEqual(packed(value));
  expect(decode(encode(value))).toEqual(value);
});

test("what is no data is refused", () => {
  expect(() => encode({ run: () => 1 })).toThrow("a function is no data");
});
