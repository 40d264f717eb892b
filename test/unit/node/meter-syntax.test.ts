// Every kind of program does the same with the meter as without.

import { parse } from "acorn";
import { expect, test } from "vitest";
import { free, load, loadMetered, meter, rewritten } from "./metered.ts";

const PROGRAMS: Readonly<Record<string, string>> = {
  "bodies without braces": `export default () => { let s = 0; for (let i = 0; i < 300; i++) s += i
    for (const x of [1, 2]) s += x; for (const k in { a: 1 }) s += k.length
    while (s % 7) s++
    do s--; while (s % 5)
    do s-- 
    while (s % 3)
    if (s) for (const x of [1]) if (x) s += x; else s = 0; else s = -1
    return s }`,
  "bodies that are empty": `export default () => { let i = 0; for (; i++ < 9;); while (i++ < 99);
    do ; while (i++ < 200)
    for (const x of [1]); for (const x in { a: 1 }) {} for (let k = 0; k < 3; k++) {} return i }`,
  labels: `export default () => { const out = []; outer: for (let i = 0; i < 5; i++) {
    again: for (const x of [1, 2, 3]) {
    if (x === 2) continue again; if (i === 1) continue outer; if (i === 4) break outer;
    out.push(i * x); } }
    a: b: while (true) { if (out.push(0) > 20) break a; continue b; } block: {
    for (;;) break block; } return out }`,
  "a loop in a switch in a loop": `export default () => { const out = []; for (let i = 0; i < 6;
    i++) switch (i % 3) {
    case 0: for (let k = 0; k < 2; k++) out.push(k); break; case 1: while (true) { break }
    out.push("w");
    default: for (const x of [7]) out.push(x) } return out }`,
  "leaving plain loops": `function find(a, x) { for (let i = 0; i < a.length;
    i++) if (a[i] === x) return i; return -1 }
    function upTo(a) { let s = 0; for (let i = 0; ; i++) { if (i === a.length) break; s += a[i] }
    return s }
    function none(a) { for (let i = 0; i < a.length; i++) break; for (let i = 0; i < 3; i++) return 5 }
    export default () => [find([3, 4, 5], 4), find([], 1), upTo([1, 2, 3]), none([1])]`,
  "loops whose variable is not theirs": `export default () => { const out = [];
    for (let i = 0; i < 9; i++) { i += 2; out.push(i) } for (let i = 0; i < 9; i++) {
    if (i === 3) i = 7; out[i] = i }
    for (let i = 0; i < 2; i++) { let i = 5; out.push(i) } for (let i = 0, [j] = [3]; i < j;
    i++) out.push(j);
    for (let i = 0; i < 3; i++) { [i] = [i + 1]; } for (let i = 0n; i < 3n; i++) out.push(String(i));
    for (let i = "1"; i < 4; i++) out.push(i); for (var v = 0; v < 2; v++); out.push(v);
    for (let i = 0; i < 3, i < 2; i++) out.push(i); for (let i = 0; i < 3 ? true : false;
    i++) out.push(i);
    let w = 0; for (w = 5; w--;) out.push(w); return out }`,
  "closures over loop variables": `export default () => { const f = []; for (let i = 0; i < 3;
    i++) f.push(() => i);
    for (let i = 0; i < 3; i++) f[i + 3] = () => i; return f.map((g) => g()) }`,
  "arrow functions": `const g = (x) => x + 1; const a = x => g(x)
    const b = (x) => ({ y: g(x) }), c = (x = g(1), ...r) => (g(x), r), d = x => y => g(x) + g(y);
    const e = x => x ? g(x) : g(-x), f = async x => g(x), h = async (x) => await g(x), i = () => [g(1)]
    ;[1].map(x => g(x)); const j = x => g(x) in { 2: 1 }, k = /* a => b */ x /* => */ => /* => {
    */ g(x) /* } */;
    export default async () => [a(1), b(2), c(), d(1)(2), e(-3), await f(4), await h(5), i(), j(1),
    k(1)]`,
  functions: `export default () => { const o = { get x() { return [1].map(String) }, set x(v) {
    o.y = v.concat("!") },
    m() { return this.x.length }, async am() { for (const x of [1]) await x }, *gen() {
    for (let i = 0; i < 3; i++) yield i },
    [[1].map(String)]() { return f() } }; function f() { "use strict"; return eval === this }
    function g() { "a directive"
      return [].concat(this) } o.x = "a"; function h() {} function d(a = [3].at(0), { b = a } = {}) {}
    return [o.x, o.y, o.m(), [...o.gen()], o[1](), g(), h(), d(), (function () {
    return [1].at(0) })(), new (function () { return [new.target.name].at.call("abc",
    1) ? this : 0 })()] }`,
  classes: `export default () => { let log = []; const dec = (x) => log.push(x); class A {
    static s = dec("s"); #p = dec("p"); f = () => dec("f");
    static { for (let i = 0; i < 3; i++) dec(i); while (log.length < 9) log.push("w"); } static {}
    static { log.push("x") }
    constructor() { dec("c"); this.f() } get p() { return this.#p } static async *g() {
    for (let i = 0; i < 2; i++) yield dec(i) } }
    class B extends A { constructor() { super(); dec("b") } } class C extends A {}
    return [new B().p, new C().p, log] }`,
  generators: `function* g(n) { try { for (let i = 0; i < n; i++) { const x = yield i;
    if (x) i += x } } finally { yield "end" } }
    function* h() { yield* g(3); return 7 } export default () => { const i = g(9);
    return [i.next(), i.next(2), i.return(5), [...h()],
    [...g(2)].map((x) => x)] }`,
  async: `const later = () => new Promise((r) => setImmediate(r, 1)); async function* g() {
    for (let i = 0; i < 3; i++) { await later(); yield i } }
    export default async () => { let s = 0; for await (const x of g()) s += x;
    for await (const x of [later(), 2]) s += x
    for (let i = 0; i < 3; i++) s += await later(); while (s < 20) s += await later(); do {
    await later() } while (s++ < 25)
    const f = async () => { label: for (const x of [1, 2]) { for (;;) { if (x) continue label; } }
    return s }
    for (const x of [1]) try { await Promise.reject(new Error("e")) } catch (e) {
    s += e.message.length } finally { s++ } return f() }`,
  "try and finally": `function f(a) { for (let i = 0; i < 3; i++) { try { if (i === 1) continue;
    a.push(i); if (i === 2) return "r" } finally { a.push("f") } } }
    function g() { for (;;) { try { return 1 } finally { break } } return 2 }
    export default () => { const a = []; return [f(a), a, g()] }`,
  "top of a module": `let s = 0; for (let i = 0; i < 200; i++) s += i; while (s > 10) s -= 10;
    a: for (;;) { for (const x of [1]) break a }
    const t = await Promise.resolve(s); for await (const x of [1]) s += x; export { s as default };
    export const x = () => t, y = [1].map((z) => z)`,
  "export default": `export default async function () { for (const x of [1]) return [x].map(String) }`,
  "an exported expression": `export default ((x) => [x].at(0)).bind(null, 3)`,
  hashbang: `#!/usr/bin/env node\nexport default () => [1].map((x) => { for (;;) return x })`,
  "text that looks like code": `export default () => { const r = /for(;;){}/;
    const s = \`while(\${[1].map((x) => { for (;;) return x })})\`
    // for (;;) {
    return [r.test("for(;;){}"), s, "() => f()", /* } */ String.raw\`a\${[2].at(0)}\`] }`,
  "names like ours": `export default () => { let n$ = 1, m$ = 2, n$$ = 3; for (const x of [1,
    2]) n$ += x; for (let i = 0; i < 5; i++) m$ += i
    return [n$, m$, n$$] }`,
  "no semicolons": `const a = () => [1].at(0)
const b = x => a()
+ 1
const c = async x => { for (const y of [x]) await y }
for (const x of [1]) a()
for (const x of [1]) b()
let d = 0
do d++
while (d < 5) d *= 2
export default () => [a(), b(), d]`,
  "implicit calls": `export default () => { let n = 0; const o = { get length() { n++; return [1,
    2, 3].map(() => 1).length } };
    for (let i = 0; i < o.length; i++) n += 10; const p = new Proxy({}, { get: () => {
    for (let i = 0; i < 200; i++) n++; return 1 } });
    for (let i = 0; i < 3; i++) n += p.x; return n }`,
  using: `export default () => { const log = []; const r = (x) => ({ [Symbol.dispose]() {
    log.push(x) } });
    for (let i = 0; i < 2; i++) { using a = r(i); log.push("body") }
    for (using b of [r("b")]) log.push("of"); return log }`,
};

const value = async (exports: Record<string, unknown>) => {
  const { default: main } = exports;
  const result = typeof main === "function" ? await main() : main;
  return JSON.stringify(result, (_, item) => (item === undefined ? "undefined" : item));
};

test.each(Object.entries(PROGRAMS))("%s: the same as without the meter", async (_, source) => {
  free();
  const expected = await value(await load(source));
  const metered = await loadMetered(source);
  expect(await value(metered)).toBe(expected);
  // With a slice of one reduction, async loops yield at each iteration.
  meter.arm(1, 1_000_000);
  expect(await value(metered)).toBe(expected);
  free();
});

test.each(Object.entries(PROGRAMS))("%s: keeps its lines, and can be read again", (_, source) => {
  const text = rewritten(source);
  expect(text.split("\n")).toHaveLength(source.split("\n").length);
  expect(() => parse(text, { ecmaVersion: "latest", sourceType: "module" })).not.toThrow();
});
