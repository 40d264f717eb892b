// Every case of CASES.md has a test whose title begins with its number, or a reason why it cannot
// have one. Never both, never a number that is no case.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const HERE = import.meta.dirname;
const read = (name: string) => readFileSync(`${HERE}/${name}`, "utf8");

const cases = [...read("CASES.md").matchAll(/^\| ([A-Z]{3}-\d{3}) \|/gm)].map(
  (each) => `${each[1]}`,
);

/** Case → the files that have a test of it. */
const tested = new Map<string, Set<string>>();
const files = readdirSync(HERE, { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".test.ts"),
);
for (const name of files) {
  for (const [, number] of read(name).matchAll(/\(\s*["'`]([A-Z]{3}-\d{3})\b/g)) {
    const known = tested.get(number as string) ?? new Set();
    tested.set(number as string, known.add(name));
  }
}

/** Case → why there is no test of it. */
const reasons = new Map<string, string>();
const twice: string[] = [];
for (const of of ["supervisors", "servers"]) {
  const name = `not-applicable-${of}.json`;
  if (!existsSync(`${HERE}/${name}`)) continue;
  for (const [number, reason] of Object.entries(JSON.parse(read(name)) as Record<string, string>)) {
    if (reasons.has(number)) twice.push(number);
    reasons.set(number, reason);
  }
}

test("the list of cases is read whole", () => {
  expect(cases.length).toBeGreaterThan(300);
  expect(new Set(cases).size).toBe(cases.length);
});

test("every case has a test or a reason", () => {
  expect(cases.filter((each) => !tested.has(each) && !reasons.has(each))).toEqual([]);
});

test("no case has both, or two reasons", () => {
  expect([...reasons.keys()].filter((each) => tested.has(each))).toEqual([]);
  expect(twice).toEqual([]);
});

test("tests and reasons name cases that exist", () => {
  const known = new Set(cases);
  expect([...tested.keys(), ...reasons.keys()].filter((each) => !known.has(each))).toEqual([]);
});

test("a reason says something", () => {
  for (const [number, reason] of reasons) {
    expect(reason.length, number).toBeGreaterThan(15);
  }
});

test("no test is skipped, alone or only planned", () => {
  const marked = files.filter((name) =>
    /\b(test|it|describe)\.(skip|only|todo|fails)\b/.test(read(name)),
  );
  expect(marked).toEqual([]);
});

test("how many there are", () => {
  const lines: string[] = [];
  for (const family of new Set(cases.map((each) => each.slice(0, 3)))) {
    const all = cases.filter((each) => each.startsWith(family));
    const done = all.filter((each) => tested.has(each)).length;
    const not = all.filter((each) => reasons.has(each)).length;
    lines.push(`${family}: ${all.length} cases, ${done} tested, ${not} not applicable`);
  }
  const done = cases.filter((each) => tested.has(each)).length;
  console.log(`${lines.join("\n")}\nall: ${cases.length} cases, ${done} tested`);
  expect(lines.length).toBe(13);
});
