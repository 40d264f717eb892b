// Messages of one shape as columns: what comes back is what was given, or it is left to others.
import { expect, test } from "vitest";
import { columnsOf, eachRow } from "../../../src/node/columns.ts";
import { seeded } from "../../../src/sim/random.ts";
import { decode, encode } from "../../../src/store/codec.ts";

function back(messages: unknown[]): unknown[] | null {
  const columns = columnsOf(messages);
  if (columns === null) return null;
  const rows: unknown[] = [];
  eachRow(decode(encode(columns)) as typeof columns, (row) => rows.push(row));
  return rows;
}

const repeat = (make: (index: number) => unknown) => Array.from({ length: 40 }, (_, i) => make(i));

test.each<[string, (index: number) => unknown]>([
  ["whole numbers", (n) => ({ n: n - 20 })],
  ["large and broken numbers", (n) => ({ a: n * 1e9, b: n / 3, c: n === 7 ? Number.NaN : 1 })],
  ["no numbers", (n) => ({ a: Number.NaN, b: n === 39 ? Number.NaN : n })],
  ["texts, some or all the same", (n) => ({ kind: "order", id: `x${n}`, n })],
  ["all that is no object", (n) => ({ v: [null, undefined, true, 5n, "", 1.5][n % 6] })],
  ["no fields", () => ({})],
  ["numbered fields", (n) => ({ 1: n, 0: "a" })],
])("%s", (_, make) => {
  const messages = repeat(make);
  expect(back(messages)).toStrictEqual(messages);
  expect(back(messages)?.map((each) => Object.keys(each as object))).toEqual(
    messages.map((each) => Object.keys(each as object)),
  );
});

test.each<[string, unknown[]]>([
  ["few", repeat((n) => ({ n })).slice(0, 31)],
  ["no objects", repeat((n) => n)],
  ["one that is no object", [...repeat((n) => ({ n })), 5]],
  ["other fields", [...repeat((n) => ({ n })), { m: 1 }]],
  ["a field more", [...repeat((n) => ({ n })), { n: 1, m: 1 }]],
  ["a field less", [...repeat((n) => ({ n, m: 1 })), { n: 1 }]],
  ["another order", [...repeat((n) => ({ n, m: 1 })), { m: 1, n: 1 }]],
  ["objects inside", repeat((n) => ({ n: [n] }))],
  ["functions", repeat(() => ({ n: () => {} }))],
  ["prototypes", repeat(() => new Date(5))],
  ["a field that would set the prototype", repeat((n) => JSON.parse(`{ "__proto__": ${n} }`))],
  [
    "many fields",
    repeat(() => Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`f${i}`, i]))),
  ],
])("left to others: %s", (_, messages) => {
  expect(back(messages)).toBeNull();
});

test("any messages of one shape", () => {
  const random = seeded(7);
  const values = [0, 1, -5, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 0.5, Number.NaN, 1e300, "a", "b"];
  for (let run = 0; run < 300; run++) {
    const pick = Array.from({ length: 1 + random() * 4 }, () =>
      values.filter(() => random() < 0.4).concat(1),
    );
    const messages = repeat(() =>
      Object.fromEntries(pick.map((few, i) => [`f${i}`, few[Math.floor(random() * few.length)]])),
    );
    expect(back(messages)).toStrictEqual(messages);
  }
});
