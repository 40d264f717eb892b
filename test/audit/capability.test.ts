// What code counts as which capability, and what only looks like it.

import { describe, expect, test } from "vitest";
import { findCapabilities } from "../../examples/audit/capability.ts";
import { parseCode } from "../../examples/audit/parse.ts";

function find(text: string): string[] {
  const parsed = parseCode(text, "file.js");
  if (!parsed.ok) expect.fail(`${parsed.what}: ${text}`);
  return findCapabilities(parsed.program, text).map(({ capability }) => capability);
}

const positive: Record<string, readonly string[]> = {
  childProcess: [
    `require("child_process")`,
    `require('node:child_process').exec("ls")`,
    "require(`child_process`)",
    `require("child_" + "process")`,
    `require?.("child_process")`,
    `module.require("child_process")`,
    `require.main.require("child_process")`,
    `globalThis.require("child_process")`,
    `import { spawn } from "node:child_process";`,
    `import "child_process";`,
    `export * from "child_process";`,
    `export { exec } from "child_process";`,
    `await import("child_process");`,
    `import cluster from "cluster";`,
    `process.getBuiltinModule("child_process")`,
    `import { createRequire } from "module"; createRequire(import.meta.url)("child_process");`,
    `import { createRequire as make } from "node:module";
     const load = make(import.meta.url); load("child_process");`,
    `const require = require2.createRequire(x); require("child_process");`,
    `let load; load = module.createRequire(x); load("child_process");`,
    `const r = require("module").createRequire(x); r("child_process");`,
    `define(function (require, exports, module) { require("child_process"); });`,
    `({ 1: [function (require, module, exports) { require("child_process"); }] });`,
    `var __require = (x => x)(require.cache); __require("child_process");`,
    `__non_webpack_require__("child_process")`,
    `process.execve("/bin/sh")`,
  ],
  network: [
    ...["http", "https", "http2", "net", "tls", "dgram", "dns", "dns/promises"].flatMap((name) => [
      `require("${name}")`,
      `import x from "node:${name}";`,
    ]),
    `fetch("https://example.org")`,
    `(0, fetch)(x)`,
    `globalThis.fetch(x)`,
    `window["fetch"](x)`,
    `const get = fetch;`,
    `new WebSocket(x)`,
    `new XMLHttpRequest`,
    `class Socket extends WebSocket {}`,
    `new EventSource(x)`,
    `navigator.sendBeacon(x)`,
    `if (typeof fetch === "function") go(fetch);`,
    `function f() { fetch(x); } function g(fetch) {}`,
    `{ let fetch = 1; } fetch(x);`,
  ],
  dynamicCode: [
    `eval("1")`,
    `eval?.("1")`,
    `(0, eval)("1")`,
    `window.eval(x)`,
    `globalThis["ev" + "al"](x)`,
    `const run = eval;`,
    `eval.call(null, x)`,
    `new Function("return 1")`,
    `Function("return this")()`,
    `Function.apply(null, args)`,
    `new globalThis.Function(x)`,
    `const F = Function; new F("1");`,
    `[].constructor.constructor("return 1")()`,
    `Object.getPrototypeOf(async function () {}).constructor("await 1")`,
    `const A = Object.getPrototypeOf(async () => {}).constructor; new A(x);`,
    `setTimeout("go()", 1)`,
    `require("vm")`,
    `import { Script } from "node:vm";`,
    `script.runInNewContext({})`,
    `script.runInThisContext()`,
    `new Worker(text, { eval: true })`,
    `require("inspector")`,
  ],
  dynamicRequire: [
    `require(name)`,
    `require("./" + name)`,
    `require(\`./\${name}.js\`)`,
    `import(name)`,
    `module.require(name)`,
    `require.call(null, name)`,
    `process.binding("fs")`,
    `process.dlopen(module, file)`,
    `const load = require;`,
    `run(require);`,
    `import { createRequire } from "module"; const r = createRequire(import.meta.url); r(name);`,
  ],
  environment: [
    `process.env`,
    `process.env.HOME`,
    `process.env[name]`,
    `process["env"]`,
    `process?.env?.HOME`,
    `globalThis.process.env.HOME`,
    `const { env } = process;`,
    `const { env: all } = require("process");`,
    `import { env } from "node:process";`,
    `import process from "process"; process.env.HOME;`,
    `import * as p from "node:process"; p.env.HOME;`,
    `const p = require("node:process"); p.env.HOME;`,
    `var process = globalThis.process || {}; process.env.HOME;`,
    `process.env.A && 1`,
    `"A" in process.env`,
    `process.loadEnvFile()`,
  ],
  fileSystem: [
    `require("fs")`,
    `require("fs/promises")`,
    `import fs from "node:fs";`,
    `import { readFile } from "fs/promises";`,
    `import("fs")`,
    `require(require.resolve("fs"))`,
    `require("node:sqlite")`,
  ],
};

describe.each(Object.entries(positive))("%s", (capability, texts) => {
  test.each(texts)("%s", (text) => {
    expect(find(text)).toEqual([capability]);
  });
});

test.each([
  // Text and comments.
  `"require('child_process'); eval(x); process.env.HOME; fetch(y)"`,
  "`require('fs') eval(x) process.env`",
  `// require("child_process"); eval("1"); fetch(x); process.env.A`,
  `/* import fs from "fs"; new Function("x") */`,
  `/require\\("fs"\\)/.test(x)`,
  // Names declared here.
  `const fetch = require("node-fetch"); fetch(x);`,
  `import fetch from "node-fetch"; fetch(x);`,
  `function fetch() {} fetch(x);`,
  `fetch(x); function fetch() {}`,
  `fetch(x); var fetch;`,
  `function f({ fetch }) { fetch(x); }`,
  `function f([a, ...fetch]) { fetch(x); }`,
  `(fetch = 1) => fetch(x);`,
  `try { go(); } catch (fetch) { fetch(x); }`,
  `for (const fetch of list) fetch(x);`,
  `class WebSocket {} new WebSocket(x);`,
  `const X = class XMLHttpRequest { m() { new XMLHttpRequest(); } };`,
  `function f(require) { require("fs"); require(name); }`,
  `function f(eval) { eval(x); }`,
  `function f(process) { process.env.HOME; }`,
  `const window = {}; window.fetch(x);`,
  `{ function fetch() {} fetch(x); }`,
  `switch (x) { case 1: let fetch = 1; fetch(y); }`,
  // Names which are no references.
  `api.fetch(x); api.eval(x); api.process.env; api.require("./x");`,
  `({ fetch: 1, eval: 2, require() {} });`,
  `class Api { fetch() { return this.fetch(); } }`,
  `fetch: for (;;) break fetch;`,
  `import { fetch as get } from "./api.js"; get(x);`,
  `globalThis.fetch = polyfill;`,
  // Asking is not using.
  `typeof fetch; typeof require; typeof process;`,
  `x instanceof WebSocket; x === eval;`,
  `x instanceof Function; Function.prototype.call.call(x);`,
  // Loads which are known, and harmless.
  `require("./fs"); require("lodash"); require("fs-extra"); require("process/");`,
  `require(12); require.resolve(name); require.cache; require("sqlite");`,
  `import("./page.js"); import x from "./net.js";`,
  `const { argv } = process; process.cwd(); process.env2;`,
  `setTimeout(go, 1); setTimeout(() => {}, 2);`,
  `_.runInContext(); new Worker(file, { eval: false });`,
])("nothing: %s", (text) => {
  expect(find(text)).toEqual([]);
});

test("a minified name which means require in one place only", () => {
  const text = `const e = require("module").createRequire(u);
    e("fs"); function f(e) { e("net"); } for (const e of l) e("net");`;
  expect(find(text)).toEqual(["fileSystem"]);
});

test("an alias is looked up where it is used", () => {
  expect(find(`function f() { const p = process; p.env.A; } q.p; p.env.B;`)).toEqual([
    "environment",
  ]);
});

test("what was found says so in the words of the code, cut", () => {
  const what = (text: string) => {
    const parsed = parseCode(text, "file.js");
    return parsed.ok ? findCapabilities(parsed.program, text).map((each) => each.what) : [];
  };
  expect(what(`process.env.HOME`)).toEqual(["process.env.HOME"]);
  expect(what(`import a, { b } from "node:fs";`)).toEqual([`import "node:fs"`]);
  expect(what(`eval(  a +\n  b )`)).toEqual(["eval( a + b )"]);
  const [long = ""] = what(`eval("${"x".repeat(500)}")`);
  expect(long).toMatch(/^eval\("x+…$/);
  expect(long).toHaveLength(81);
});

test("findings come in the order of the text", () => {
  expect(find(`function a() { eval(x); } process.env.A; require("fs"); fetch(y);`)).toEqual([
    "dynamicCode",
    "environment",
    "fileSystem",
    "network",
  ]);
});
