// Larger programs: the bench's, other people's, our own sources, and random ones.

import { readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { parse } from "acorn";
import { expect, test } from "vitest";
import { readSources } from "../../tidy/source.ts";
import { free, load, loadMetered, meter, outcome, rewritten } from "./metered.ts";
import { randomProgram } from "./random-program.ts";

const root = new URL("../../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
const options = { ecmaVersion: "latest", sourceType: "module", allowHashBang: true } as const;

test.each(readdirSync(new URL("bench/programs/meter/", root)))(
  "%s computes the same",
  async (file) => {
    free();
    const source = stripTypeScriptTypes(read(`bench/programs/meter/${file}`));
    const [plain, metered] = [await load(source), await loadMetered(source)];
    for (const n of [1, 5, 6]) {
      expect(metered.run?.(n)).toBe(plain.run?.(n));
    }
  },
);

test("our own sources can be metered: same lines, and they can be read", () => {
  const sources = readSources(["src", "supervisors", "examples", "bench"]);
  expect(sources.length).toBeGreaterThan(150);
  for (const { path, text } of sources) {
    if (!path.endsWith(".ts") || path.includes("meter")) continue;
    const script = stripTypeScriptTypes(text);
    const metered = rewritten(script);
    expect(metered.split("\n").length, path).toBe(script.split("\n").length);
    expect(() => parse(metered, options), path).not.toThrow();
  }
});

test("a metered parser reads what it reads without the meter", async () => {
  free();
  const text = read("node_modules/acorn/dist/acorn.mjs");
  const [plain, metered] = [await load(text), await loadMetered(text)];
  const tree = (exports: typeof plain) => JSON.stringify(exports.parse?.(text, options));
  expect(tree(metered)).toBe(tree(plain));
  meter.arm(1e9, 1e9);
  tree(metered);
  const used = meter.used();
  meter.arm(1e9, 1e9);
  tree(metered);
  expect(meter.used()).toBe(used);
  meter.arm(1e9, 1_000);
  expect(outcome(() => metered.parse?.(text, options))).toMatchObject({ thrown: /reductions/ });
  free();
});

const SEEDS = 400;

test(`${SEEDS} random programs do the same, and end where they are told to`, async () => {
  const programs = Array.from({ length: SEEDS }, (_, seed) => randomProgram(seed + 1));
  const text = programs.map((body, i) => `export function f${i}(out) {${body}}`).join("\n");
  const [plain, metered] = [await load(text), await loadMetered(text)];
  let ended = 0;
  for (let i = 0; i < SEEDS; i++) {
    const run = (exports: typeof plain) => {
      const out: unknown[] = [];
      return { ...(outcome(() => exports[`f${i}`]?.(out)) as object), out };
    };
    const hint = `seed ${i + 1}\n${programs[i]}`;
    const expected = run(plain);
    meter.arm(1e9, 1e9);
    expect(run(metered), hint).toEqual(expected);
    const used = meter.used();
    meter.arm(1e9, used);
    expect(run(metered), hint).toEqual(expected);
    expect([meter.used(), meter.over()], hint).toEqual([used, false]);
    if (used === 0) continue;
    const runs = [0, 1].map(() => {
      meter.arm(1e9, used >> 1);
      return { result: run(metered), used: meter.used(), over: meter.over() };
    });
    expect(runs[0]?.over, hint).toBe(true);
    expect(runs[1], hint).toEqual(runs[0]);
    if (runs[0] && runs[0].result.out.length < expected.out.length) ended++;
  }
  free();
  expect(ended).toBeGreaterThan(SEEDS / 4);
});

test("random programs as async functions do the same, however often they yield", async () => {
  const programs = Array.from({ length: 60 }, (_, seed) => randomProgram(seed + 1_000));
  const text = programs.map((body, i) => `export async function f${i}(out) {${body}}`).join("\n");
  const [plain, metered] = [await load(text), await loadMetered(text)];
  const yielding = meter.yielding;
  let yields = 0;
  meter.yielding = async () => {
    yields++;
    meter.arm(3, 1e6);
  };
  for (let i = 0; i < programs.length; i++) {
    const run = async (exports: typeof plain) => {
      const out: unknown[] = [];
      const end = Promise.resolve(exports[`f${i}`]?.(out));
      return { end: await end.catch(String), out };
    };
    free();
    const expected = await run(plain);
    meter.arm(3, 1e6);
    expect(await run(metered), programs[i]).toEqual(expected);
  }
  meter.yielding = yielding;
  free();
  expect(yields).toBeGreaterThan(programs.length);
});
