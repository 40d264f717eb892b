// One package from its real files: what is counted, what is said about broken ones, the bounds.

import { symlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { failedAudit } from "../../examples/audit/draft.ts";
import { limits } from "../../examples/audit/limits.ts";
import { packageAuditSchema } from "../../examples/audit/model.ts";
import { scanPackage } from "../../examples/audit/scan.ts";
import { makePackage, makeProject, pkg } from "./fixture.ts";

const problemsOf = async (project: string) => (await scanPackage(project, pkg)).problems;

test("a clean package", async () => {
  const code = "export const add = (a, b) => a + b;\n";
  const project = makePackage({ "index.js": code, LICENSE: "MIT", "lib/types.d.ts": "let x" });
  const audit = await scanPackage(project, pkg);
  expect(packageAuditSchema.parse(audit)).toEqual(audit);
  const manifest = JSON.stringify({ name: "pkg", version: "1.2.3", license: "MIT" });
  expect(audit).toMatchObject({
    name: "pkg",
    version: "1.2.3",
    path: pkg,
    bytes: code.length + manifest.length + "MIT".length + "let x".length,
    files: 4,
    licence: "MIT",
    licenceFile: "LICENSE",
    scripts: [],
    nativeCount: 0,
    parsedFiles: 1,
    skippedFiles: 0,
    problems: [],
    cut: [],
    risk: 0,
    reasons: [],
  });
});

test("places with file, line and code; all counted, the first five kept", async () => {
  const project = makePackage({
    "a.js": `#!/usr/bin/env node\n\n// eval(x)\nrequire("fs");\nprocess.env.A;\n`,
    "lib/b.js": "eval(1);\n".repeat(7),
  });
  const { capabilities, cut } = await scanPackage(project, pkg);
  expect(capabilities.fileSystem).toEqual({
    count: 1,
    places: [{ file: "a.js", line: 4, what: `require("fs")` }],
  });
  expect(capabilities.environment.places).toEqual([
    { file: "a.js", line: 5, what: "process.env.A" },
  ]);
  expect(capabilities.dynamicCode.count).toBe(7);
  expect(capabilities.dynamicCode.places.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5]);
  expect(cut).toEqual(["dynamicCode: the first 5 of 7 places"]);
});

test("scripts, modules, both and neither by their ending", async () => {
  const project = makePackage({
    "a.mjs": `import "fs"; await 1;`,
    "b.cjs": `with (x) require("fs"); return;`,
    "c.js": `import "fs";`,
    "d.js": `const await = 1; require("fs");`,
    "e.js": `\ufeffimport.meta.url; import("fs");`,
    "f.d.ts": `import "fs";`,
    "g.ts": `import "fs";`,
    "h.JS": `require("fs")`,
  });
  const audit = await scanPackage(project, pkg);
  expect(audit.problems).toEqual([]);
  expect(audit.parsedFiles).toBe(6);
  expect(audit.capabilities.fileSystem.count).toBe(6);
});

test("commands without an ending are code if their first line says Node", async () => {
  const project = makePackage({
    "bin/cli": `#!/usr/bin/env -S node --no-warnings\n${"/".repeat(300)}\nrequire("fs");\n`,
    "bin/shell": "#!/bin/sh\nnode -e 1\n",
    README: "require('fs')",
  });
  const audit = await scanPackage(project, pkg);
  expect(audit.capabilities.fileSystem.places).toEqual([
    { file: "bin/cli", line: 3, what: `require("fs")` },
  ]);
  expect(audit.parsedFiles).toBe(1);
});

test("nested packages are their own rows", async () => {
  const project = makePackage({
    "node_modules/inner/package.json": `{"name":"inner","version":"2.0.0"}`,
    "node_modules/inner/index.js": "eval(1)",
    "dist/node_modules/bundled/index.js": "eval(1)",
  });
  const outer = await scanPackage(project, pkg);
  expect(outer.files).toBe(2);
  expect(outer.capabilities.dynamicCode.count).toBe(1);
  const inner = await scanPackage(project, `${pkg}/node_modules/inner`);
  expect(inner).toMatchObject({ name: "inner", version: "2.0.0", files: 2 });
});

test.each([
  [{ license: "(MIT OR Apache-2.0)" }, "(MIT OR Apache-2.0)"],
  [{ license: { type: "ISC", url: "x" } }, "ISC"],
  [{ license: undefined, licenses: [{ type: "MIT" }, { type: "BSD" }] }, "MIT OR BSD"],
  [{ license: undefined }, null],
  [{ license: 7 }, null],
])("licence of %j", async (manifest, licence) => {
  expect((await scanPackage(makePackage({}, manifest), pkg)).licence).toBe(licence);
});

test("only scripts which run at installation", async () => {
  const scripts = { test: "t", prepare: "p", postinstall: "node b.js", preinstall: "node a.js" };
  const { scripts: found } = await scanPackage(makePackage({}, { scripts }), pkg);
  expect(found).toEqual([
    { name: "preinstall", command: "node a.js", implicit: false },
    { name: "postinstall", command: "node b.js", implicit: false },
  ]);
});

test("binding.gyp means a build, unless the package has its own or says no", async () => {
  const files = { "binding.gyp": "{}" };
  const scripts = async (manifest: object) =>
    (await scanPackage(makePackage(files, manifest), pkg)).scripts;
  const build = { name: "install", command: "node-gyp rebuild", implicit: true };
  expect(await scripts({})).toEqual([build]);
  expect(await scripts({ scripts: { postinstall: "x" } })).toHaveLength(2);
  expect(await scripts({ gypfile: false })).toEqual([]);
  expect(await scripts({ scripts: { install: "x" } })).toEqual([
    { name: "install", command: "x", implicit: false },
  ]);
});

test("native binaries by their first bytes, whatever they are called", async () => {
  const bytes = (...start: number[]) => Uint8Array.from([...start, ...new Array(300).fill(0)]);
  const pe = bytes(0x4d, 0x5a);
  pe[0x3c] = 0x80;
  pe.set([0x50, 0x45], 0x80);
  const project = makePackage({
    "bin/tool": bytes(0x7f, 0x45, 0x4c, 0x46),
    "data.json": bytes(0x7f, 0x45, 0x4c, 0x46),
    "lib.js": bytes(0xcf, 0xfa, 0xed, 0xfe),
    "fat.bin": bytes(0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2),
    "Some.class": bytes(0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52),
    "setup.dat": pe,
    "MZ.txt": "MZ is how this text begins, and it is long enough to be looked at in full.",
    "x.wasm": bytes(0, 0x61, 0x73, 0x6d),
    "empty.node": "",
    "libx.so.6": "not really",
  });
  const { natives, nativeCount, problems } = await scanPackage(project, pkg);
  expect(natives.map(({ file, format }) => `${file} ${format}`)).toEqual([
    "bin/tool ELF",
    "data.json ELF",
    "empty.node by name",
    "fat.bin Mach-O",
    "lib.js Mach-O",
    "libx.so.6 by name",
    "setup.dat PE",
    "x.wasm WebAssembly",
  ]);
  expect(nativeCount).toBe(8);
  expect(problems).toEqual([]);
});

test.each([
  ["{ broken", /^not valid JSON: /],
  ["[]", /^not a JSON object$/],
  ["null", /^not a JSON object$/],
  [`{"version":"1.0.0"}`, /^no name$/],
  [`{"name":"pkg"}`, /^no version$/],
  [`{"name":5,"version":"1.0.0"}`, /^name is not a text$/],
  [`{"name":"pkg","version":"1.0.0","scripts":[]}`, /^scripts is not an object$/],
])("package.json %s", async (json, what) => {
  const project = makePackage({ "package.json": json, "index.js": "eval(1)" });
  const audit = await scanPackage(project, pkg);
  expect(audit.problems).toEqual([
    { file: "package.json", kind: "manifest", what: expect.stringMatching(what) },
  ]);
  expect(audit.name).toBe("pkg");
  expect(audit.capabilities.dynamicCode.count).toBe(1);
});

test("no package.json, or a folder of that name", async () => {
  const project = makeProject({
    "node_modules/@s/bare/index.js": "",
    "node_modules/odd/package.json/index.js": "eval(1)",
  });
  const bare = await scanPackage(project, "node_modules/@s/bare");
  expect(bare).toMatchObject({ name: "@s/bare", version: "" });
  expect(bare.problems).toEqual([
    { file: "package.json", kind: "manifest", what: "no package.json" },
  ]);
  const odd = await scanPackage(project, "node_modules/odd");
  expect(odd.problems).toHaveLength(1);
  expect(odd.capabilities.dynamicCode.count).toBe(1);
});

test("a folder called x.js is a folder", async () => {
  const audit = await scanPackage(makePackage({ "x.js/y.js": "eval(1)" }), pkg);
  expect(audit.problems).toEqual([]);
  expect(audit.capabilities.dynamicCode.places[0]?.file).toBe("x.js/y.js");
});

test("links are not followed; the odd ones are problems", async () => {
  const project = makePackage({ "real.js": "eval(1)" });
  const link = (target: string, name: string) => symlinkSync(target, join(project, pkg, name));
  link("real.js", "fine.js");
  link("nowhere.js", "dangling.js");
  link("circle.js", "circle.js");
  link(".", "self");
  link("/", "everything");
  link("../..", "project");
  const audit = await scanPackage(project, pkg);
  const prefix = "symbolic link not followed: it leads";
  expect(audit.problems).toEqual([
    { file: "circle.js", kind: "link", what: `${prefix} in circles` },
    { file: "dangling.js", kind: "link", what: `${prefix} nowhere` },
    { file: "everything", kind: "link", what: `${prefix} out of the package` },
    { file: "project", kind: "link", what: `${prefix} to a folder which holds it` },
    { file: "self", kind: "link", what: `${prefix} to a folder which holds it` },
  ]);
  expect(audit).toMatchObject({ files: 2, parsedFiles: 1 });
});

test("a package which is gone has a row", async () => {
  const audit = await scanPackage(makeProject({}), "node_modules/gone");
  expect(audit.name).toBe("gone");
  expect(audit.problems).toContainEqual({
    file: ".",
    kind: "unreadable",
    what: "folder cannot be read: ENOENT",
  });
});

test("syntax errors say their line, and the other files are parsed", async () => {
  const project = makePackage({
    "bad.js": "const a = 1;\nconst b = ;\n",
    "good.js": "eval(1)",
    "jsx.js": `import x from "x";\nexport default () => <b>{x}</b>;\n`,
    "nul.js": "\0\0\0",
    "utf16.js": Buffer.from("\ufeffeval(1)", "utf16le"),
  });
  const audit = await scanPackage(project, pkg);
  expect(audit.problems.map(({ file, kind, what }) => `${file} ${kind} ${what}`)).toEqual([
    "bad.js syntax not parsed: line 2: Unexpected token",
    "jsx.js syntax not parsed: line 2: Unexpected token",
    "nul.js syntax not parsed: line 1: Unexpected character '\0'",
    expect.stringMatching(/^utf16.js syntax not parsed: line 1: /),
  ]);
  expect(audit).toMatchObject({ parsedFiles: 1, skippedFiles: 4 });
  expect(audit.capabilities.dynamicCode.count).toBe(1);
});

test.each([
  ["parentheses", (n: number) => `${"(".repeat(n)}1${")".repeat(n)}`],
  ["arrays", (n: number) => `${"[".repeat(n)}${"]".repeat(n)}`],
  ["functions", (n: number) => `${"(function(){".repeat(n)}${"})".repeat(n)}`],
  ["sums", (n: number) => `a${"+a".repeat(n)}`],
  ["blocks", (n: number) => `${"{".repeat(n)}${"}".repeat(n)}`],
  ["patterns", (n: number) => `var ${"[".repeat(n)}a${"]".repeat(n)}=1`],
])("code nested too deeply is refused at a depth of our own: %s", async (_kind, nest) => {
  const project = makePackage({ "deep.js": nest(100_000), "fine.js": nest(60) });
  expect(await problemsOf(project)).toEqual([
    { file: "deep.js", kind: "syntax", what: "not parsed: line 1: Nested too deeply" },
  ]);
});

test("long chains are no depth", async () => {
  const audit = await scanPackage(makePackage({ "a.js": `a${".b()".repeat(20_000)}` }), pkg);
  expect(audit.problems).toEqual([]);
});

test("a bundle of 50 MB is counted, not parsed, and harms nothing else", async () => {
  const project = makePackage({ "bundle.js": "eval(1)", "index.js": "eval(1)" });
  truncateSync(join(project, pkg, "bundle.js"), 50 * 1024 * 1024);
  const audit = await scanPackage(project, pkg);
  expect(audit.problems).toEqual([
    { file: "bundle.js", kind: "tooLarge", what: "not parsed: 52.4 MB is over the limit of 2 MB" },
  ]);
  expect(audit).toMatchObject({ parsedFiles: 1, skippedFiles: 1 });
  expect(audit.bytes).toBeGreaterThan(50 * 1024 * 1024);
});

test("minified code below the limit is parsed", async () => {
  const text = `${"a();".repeat(400_000)}eval(1)`;
  const audit = await scanPackage(makePackage({ "min.js": text }), pkg);
  expect(audit.capabilities.dynamicCode.count).toBe(1);
});

// Each took minutes once: what grows with the square of a file's size must not be done to it.
test.each([
  ["declarations", (index: number) => `let a${index};`],
  ["exports", (index: number) => `export const a${index}=1;`],
  ["uses", () => "eval(1);"],
  ["nested uses", (index: number) => (index < 150 ? "eval(" : index === 150 ? "0" : "+1")],
  ["empty lines", () => "\n"],
])("a file full of %s takes no time to speak of", { timeout: 60_000 }, async (_kind, part) => {
  let text = "";
  for (let index = 0; text.length < 1_900_000; index += 1) text += part(index);
  const project = makePackage({ "a.js": text });
  // The processor's time, which a busy machine does not stretch.
  const before = process.cpuUsage();
  await scanPackage(project, pkg);
  expect(process.cpuUsage(before).user).toBeLessThan(15_000_000);
});

test("a package.json of many megabytes is not read", async () => {
  const project = makePackage({});
  truncateSync(join(project, pkg, "package.json"), 9_000_000);
  expect(await problemsOf(project)).toEqual([
    { file: "package.json", kind: "manifest", what: "not read: 9 MB is over the limit of 2 MB" },
  ]);
});

test("all code of a package together is bounded, and the rest is said in one line", async () => {
  const blank = " ".repeat(limits.parseBytes);
  const most = limits.parseBytesPerPackage / limits.parseBytes;
  const names = Array.from({ length: most + 3 }, (_, index) => [`f${index + 100}.js`, blank]);
  const audit = await scanPackage(makePackage(Object.fromEntries(names)), pkg);
  expect(audit).toMatchObject({ parsedFiles: most, skippedFiles: 3 });
  const what = "not parsed: 3 more files after the limit of 32 MB of code for one package";
  expect(audit.problems).toEqual([{ file: ".", kind: "tooLarge", what }]);
  expect(audit.cut).toEqual([`code: ${what}`]);
});

test("what is kept is bounded and says so", async () => {
  const files: Record<string, string> = { "package.json": `{"name":"${"n".repeat(500)}"}` };
  for (let index = 100; index < 170; index += 1) {
    files[`bad${index}.js`] = "}";
    files[`x${index}.node`] = "";
  }
  files[`${"long/".repeat(90)}x.js`] = "eval(1)";
  const audit = await scanPackage(makePackage(files), pkg);
  expect(audit.name).toBe(`${"n".repeat(214)}… (286 more characters)`);
  expect(audit.natives).toHaveLength(50);
  expect(audit.nativeCount).toBe(70);
  expect(audit.problems).toHaveLength(20);
  expect(audit.problemCounts).toMatchObject({ syntax: 70, manifest: 1 });
  expect(audit.capabilities.dynamicCode.places[0]?.file).toMatch(/… \(154 more characters\)$/);
  expect(audit.cut).toEqual(["natives: the first 50 of 70", "problems: 20 of 71"]);
});

test("the same files give the same result, wherever they are", async () => {
  const files = { "b.js": "eval(1)", "a/z.js": "}", "a.js": `require("fs")`, "x.node": "" };
  const first = makePackage(files, { scripts: { install: "x" } });
  const second = makePackage(Object.fromEntries(Object.entries(files).reverse()), {
    scripts: { install: "x" },
  });
  const text = JSON.stringify(await scanPackage(first, pkg));
  expect(JSON.stringify(await scanPackage(first, pkg))).toBe(text);
  expect(JSON.stringify(await scanPackage(second, pkg))).toBe(text);
  expect(text).not.toContain("coppice-audit-");
});

test("pauses after every file, and ends with the reason of the signal", async () => {
  const project = makePackage({ "a.js": "", "b.js": "", "c.js": "" });
  let pauses = 0;
  await scanPackage(project, pkg, {
    pause: async () => {
      pauses += 1;
    },
  });
  expect(pauses).toBe(4);
  const reason = new Error("enough");
  const controller = new AbortController();
  const pause = () => controller.abort(reason);
  const scan = scanPackage(project, pkg, { pause, signal: controller.signal });
  await expect(scan).rejects.toBe(reason);
});

test.each(["../outside", "/etc", "node_modules/../..", "", "a//b"])(
  "the path %j leaves the project",
  async (path) => {
    await expect(scanPackage(makeProject({}), path)).rejects.toThrow(
      /^Cannot audit the package .*: its path leaves the project\. Give a path/,
    );
  },
);

test("an audit which was given up has a row", () => {
  const audit = failedAudit("node_modules/@s/x", "its thread died 3 times");
  expect(packageAuditSchema.parse(audit)).toEqual(audit);
  expect(audit).toMatchObject({ name: "@s/x", path: "node_modules/@s/x", files: 0 });
  expect(audit.problems).toEqual([{ file: ".", kind: "failed", what: "its thread died 3 times" }]);
});
