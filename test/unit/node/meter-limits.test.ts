// What the meter counts, ends and lets go on.

import { expect, test } from "vitest";
import { rewrite } from "../../../src/node/meter-rewrite.ts";
import { free, load, loadMetered, meter, outcome } from "./metered.ts";

const OVER = "Error: this actor has used up its reductions";
const LIMIT = 20_000;

/** Each would run for ever, or for longer than anybody waits. */
const ENDLESS: Readonly<Record<string, string>> = {
  while: "export const f = () => { while (true); }",
  for: "export const f = () => { for (;;); }",
  do: "export const f = () => { let n = 0; do n++; while (true) }",
  "a plain counting loop": "export const f = () => { for (let i = 0; i < Infinity; i++); }",
  "a length that lies": `export const f = () => { const a = { length: Infinity }; let s = 0; for (let i = 0;
    i < a.length; i++) s ^= i }`,
  "a plain loop without a condition":
    "export const f = () => { for (let i = 0; ; i++) if (i < 0) break }",
  "an array that grows while it is read":
    "export const f = () => { const a = [1]; for (let i = 0; i < a.length; i++) a[a.length] = i }",
  "a variable set back": "export const f = () => { for (let i = 0; i < 9; i++) i = 0 }",
  BigInt: "export const f = () => { for (let i = 0n; i >= 0n; i++); }",
  "a number that does not move":
    "export const f = (n = Infinity) => { for (let i = n - 1; i > 0; i--); }",
  "short loops in an endless one":
    "export const f = () => { for (;;) for (let i = 0; i < 3; i++) for (let k = 0; k < 3; k++); }",
  continue:
    "export const f = () => { a: for (;;) { for (const x of [1, 2]) { if (x) continue a } } }",
  switch: `export const f = () => { for (;;) switch (1) { case 1: for (const x of [1, 2]) continue;
    default: } }`,
  "for of": `export const f = () => { const e = { [Symbol.iterator]: () => ({ next: () => ({
    value: 1 }) }) }; for (const x of e); }`,
  "a generator": "function* g() { for (;;) yield 1 } export const f = () => [...g()]",
  "generators that call each other": `function* g(n) { if (n) { yield* g(n - 1); yield* g(n - 1) } yield 1 }
    export const f = () => [...g(40)]`,
  recursion:
    "const fib = (n) => n < 2 ? n : fib(n - 1) + fib(n - 2); export const f = () => fib(80)",
  "mutual calls": `function a(n) { if (n < 40) { b(n + 1); b(n + 1) } } function b(n) { a(n); a(n) }
    export const f = () => a(0)`,
  methods: `class A { m(n) { return n ? this.m(n - 1) + this.m(n - 1) : 1 } }
    export const f = () => new A().m(60)`,
  constructors: `class A { constructor(n) { if (n) { new A(n - 1); new A(n - 1) } } }
    export const f = () => new A(60)`,
  "tagged templates": `function t(_, n) { if (n) { t\`\${n - 1}\`;
    t\`\${n - 1}\` } } export const f = () => t\`\${60}\``,
  callbacks: `export const f = () => { const a = [1, 2, 3]; const g = (n) => n && a.forEach(() => g(n - 1));
    g(60) }`,
  "a comparator": "export const f = () => { for (;;) [3, 1, 2].sort((a, b) => a - b) }",
  "static blocks": "export const f = () => { class A { static { for (;;); } } }",
  accessors: "export const f = () => { const o = { get x() { for (;;); } }; return o.x }",
  "a catch around the loop": "export const f = () => { for (;;) try { for (;;); } catch {} }",
  "a catch inside the loop":
    "export const f = () => { for (;;) { try { f2() } catch {} } }; const f2 = () => { for (;;); }",
  "finally with return": `const g = () => { try { for (;;); } finally { return 1 } }; export const f = () => {
    for (;;) g() }`,
  "finally with continue":
    "export const f = () => { for (;;) { try { for (;;); } finally { continue } } }",
  "a catch in a switch":
    "export const f = () => { for (;;) switch (1) { default: try { for (;;); } catch {} } }",
  "finally with a loop": "export const f = () => { try { for (;;); } finally { for (;;); } }",
  "a catch that recurses": "export const f = () => { try { for (;;); } catch { f() } }",
};

test.each(Object.entries(ENDLESS))(
  "endless: %s ends at the limit, after the same work each time",
  async (_, text) => {
    const { f } = await loadMetered(text);
    const runs = [1, 2].map(() => {
      meter.arm(LIMIT, LIMIT);
      const { thrown } = outcome(() => f?.()) as { thrown?: string };
      return { thrown, over: meter.over(), used: meter.used() };
    });
    free();
    expect(runs[0]).toMatchObject({ thrown: OVER, over: true });
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[0]?.used).toBeGreaterThan(LIMIT);
    // What goes on after the limit comes from catch and finally blocks: a few batches.
    expect(runs[0]?.used).toBeLessThan(LIMIT * 1.2);
  },
);

test("code that ends in time is not disturbed, whatever its limit", async () => {
  const text = `export const f = (n) => { let s = 0; for (let i = 0; i < n; i++) { s += i;
    for (const x of [1, 2]) s += x }
    for (let i = 0; i < n; i++) s ^= i; return s }`;
  const [plain, { f }] = [await load(text), await loadMetered(text)];
  for (const n of [0, 1, 127, 128, 129, 1_000]) {
    meter.arm(LIMIT, LIMIT);
    expect(f?.(n)).toBe(plain.f?.(n));
    const used = meter.used();
    meter.arm(used, used);
    expect(f?.(n)).toBe(plain.f?.(n));
    expect([meter.used(), meter.over()]).toEqual([used, false]);
    meter.arm(used, used - 1);
    outcome(() => f?.(n));
    expect(meter.over()).toBe(true);
  }
  free();
});

test("what is counted: functions that call or loop, iterations", async () => {
  const exports =
    await loadMetered(`export const leaf = (x) => x + 1; export const call = (x) => leaf(x);
    export function plain(n) { let s = 0; for (let i = 0; i < n; i++) s += i; return s }
    export function calls(n) { for (let i = 0; i < n; i++) call(i) }
    export function nested(n) { for (let i = 0; i < n; i++) for (const x of [1, 2, 3]) leaf(x) }`);
  const cost = (name: string, n: number) => {
    meter.arm(1e6, 1e6);
    exports[name]?.(n);
    return meter.used();
  };
  expect(cost("leaf", 1)).toBe(0);
  expect(cost("call", 1)).toBe(1);
  expect(cost("plain", 1_000)).toBe(1_001);
  expect(cost("calls", 1_000)).toBe(1 + 1_000 + 7 * 128);
  expect(cost("nested", 1_000)).toBe(1 + 31 * 128);
  free();
});

test("nothing is limited while nothing armed the meter", async () => {
  const { f } = await loadMetered(
    "export const f = () => { let n = 0; while (n < 1e6) n++; return n }",
  );
  free();
  expect(f?.()).toBe(1e6);
  expect(meter.over()).toBe(false);
});

const HOG = `export async function hog(n) { let s = 0; for (let i = 0; i < n; i++) s += i; return s }
  export async function lists(n) { for (const x of Array(n).keys()) { if (x < 0) return } return n }
  export async function* numbers(n) { let i = 0; while (i < n) i++; yield i }
  export async function all(n) { let s = 0; for await (const x of numbers(n)) s += x; return s }
  export const arrow = async (n) => { do n--; while (n > 0); return n }`;

test.each(["hog", "lists", "all", "arrow"])("an async loop (%s) lets others run", async (name) => {
  const exports = await loadMetered(HOG);
  const yielding = meter.yielding;
  let yields = 0;
  let turns = 0;
  meter.yielding = () => {
    yields++;
    return yielding();
  };
  let count = setImmediate(function turn() {
    turns++;
    count = setImmediate(turn);
  });
  meter.arm(1_000, 100_000);
  const result = await exports[name]?.(50_000);
  clearImmediate(count);
  meter.yielding = yielding;
  free();
  expect(result).toBe(name === "arrow" ? 0 : 50_000 * (name === "hog" ? 24_999.5 : 1));
  expect(yields).toBe(49);
  expect(turns).toBeGreaterThan(0);
});

test("an async handler that is over its hard limit does not go on by yielding", async () => {
  const { f } = await loadMetered(`const busy = () => { for (;;); };
    export async function f() { for (;;) { try { busy() } catch {} } }`);
  meter.arm(1_000, LIMIT);
  await expect(f?.()).rejects.toThrow(/used up its reductions/);
  expect(meter.over()).toBe(true);
  free();
});

test("a stack names the user's lines", async () => {
  const text = `const g = (x) => {
  for (const y of [x]) if (y) while (true) { inner(y); break }
}
const inner = (x) => [x].map((y) => {
  throw new Error("here")
})
export const f = () => g(1)`;
  const lines = async (load: (source: string) => Promise<Record<string, unknown>>) => {
    try {
      ((await load(text)).f as () => void)();
    } catch (error) {
      const frames = (error as Error).stack?.split("\n").slice(1, 6) ?? [];
      return frames.map((frame) => /:(\d+):\d+\)?$/.exec(frame)?.[1]);
    }
    return undefined;
  };
  free();
  const metered = await lines(loadMetered);
  expect(metered?.slice(0, 1)).toEqual(["5"]);
  expect(metered).toEqual(await lines(load));
});

test("modules that are left alone, and why", () => {
  const why = (source: string) => {
    const result = rewrite(source);
    return result.ok ? "" : result.why;
  };
  expect(why('"coppice unmetered";\nexport const f = () => { for (;;); }')).toBe("unmetered");
  expect(why("'use strict'\n'coppice unmetered'\nfor (;;);")).toBe("unmetered");
  expect(why('const x = "coppice unmetered"')).toBe("");
  expect(why("let = =")).toBe("syntax");
  expect(why("export const coppice$left = 1")).toBe("names");
  expect(why("export const f = () => { coppice$over }")).toBe("names");
});
