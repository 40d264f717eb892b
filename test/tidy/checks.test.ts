// The tidy checks themselves: each finds its bad sample, with the right line, and passes the good.

import { describe, expect, test } from "vitest";
import { kernelBans, machinePaths, unfinishedMarks, unfinishedProse, vagueNames } from "./bans.ts";
import { homelessPackages, wrongDirections } from "./directions.ts";
import { uncoveredCodes, undocumentedExports } from "./documented.ts";
import { deadFiles, importCycles } from "./graph.ts";
import { longFiles, longFunctions, longLines } from "./sizes.ts";
import { listFiles, type Offence, parseSource, type Source } from "./source.ts";

const sources = (files: Record<string, string>): Source[] =>
  Object.entries(files).map(([path, text]) => parseSource(path, text));
const places = (offences: readonly Offence[]) =>
  offences.map(({ path, line }) => `${path}:${line}`);
const facts = (offences: readonly Offence[]) => offences.map(({ what }) => what);
const lines = (count: number) => "0;\n".repeat(count);

describe("sizes", () => {
  test("a file of 300 lines passes, one of 301 does not", () => {
    const [fits, large] = [lines(300), lines(301)];
    expect(places(longFiles(sources({ "src/a.ts": fits, "src/b.ts": large })))).toEqual([
      "src/b.ts:301",
    ]);
  });

  test("functions, methods and arrows have 60 lines at most, braces included", () => {
    const code = `const fits = () => {\n${lines(58)}};\nconst long = () => {\n${lines(59)}};
class A {\n  method() {\n${lines(59)}  }\n}\nfunction f() {\n${lines(59)}}\n`;
    const offences = longFunctions(sources({ "src/a.ts": code }));
    expect(places(offences)).toEqual(["src/a.ts:61", "src/a.ts:123", "src/a.ts:185"]);
    expect(facts(offences)[1]).toMatch(/^function method: 61 lines/);
  });

  test("a line of 111 columns is too long", () => {
    const text = `${"/".repeat(110)}\n${"/".repeat(111)}\n`;
    expect(places(longLines(sources({ "src/a.ts": text })))).toEqual(["src/a.ts:2"]);
  });
});

describe("directions", () => {
  const fault = (path: string, code: string) => facts(wrongDirections(sources({ [path]: code })));

  test.each([
    ["src/actor/a.ts", 'import { k } from "../kernel/k.ts";'],
    ["src/actor/a.ts", 'import type { K } from "../kernel/k.ts";'],
    ["src/actor/a.ts", 'export { k } from "../kernel/k.ts";'],
    ["src/actor/a.ts", 'export * from "../kernel/k.ts";'],
    ["src/actor/a.ts", 'const k = await import("../kernel/k.ts");'],
    ["src/actor/a.ts", 'type K = import("../kernel/k.ts").K;'],
    ["src/actor/a.ts", 'new Worker(new URL("../node/t.ts", import.meta.url));'],
    ["src/kernel/a.ts", 'import { s } from "../store/store.ts";'],
    ["src/store/a.ts", 'import { p } from "../kernel/ports.ts";'],
    ["src/store/a.ts", 'import type { C } from "../kernel/cell.ts";'],
    ["src/tool/a.ts", 'import type { S } from "../store/store.ts";'],
    ["src/sim/a.ts", 'import { s } from "../store/sqlite.ts";'],
    ["src/sim/a.ts", 'import { n } from "../node/node.ts";'],
    ["src/node/a.ts", 'import { w } from "../sim/world.ts";'],
    ["src/cli/tree.ts", 'import { n } from "../node/node.ts";'],
    ["src/cli/tree.ts", 'import { l } from "../observe/log.ts";'],
    ["src/kernel/a.ts", 'import { i } from "../index.ts";'],
    ["src/actor/a.ts", 'import { c } from "coppice";'],
    ["src/index.ts", 'import { m } from "./cli/main.ts";'],
    ["src/interop/nact.ts", 'import { a } from "../actor/actor.ts";'],
    ["supervisors/crew.ts", 'import { a } from "../src/actor/actor.ts";'],
    ["examples/01.ts", 'import { c } from "../supervisors/crew.ts";'],
    ["src/novel/a.ts", 'import { a } from "../actor/actor.ts";'],
  ])("%s may not say: %s", (path, code) => {
    expect(fault(path, code)).toHaveLength(1);
  });

  test.each([
    ["src/kernel/a.ts", 'import { a } from "../actor/actor.ts"; import { b } from "./b.ts";'],
    ["src/store/a.ts", 'import type { P } from "../kernel/ports.ts";'],
    ["src/node/a.ts", 'import { s } from "../store/sqlite.ts";'],
    ["src/sim/a.ts", 'import { m } from "../store/memory.ts";'],
    ["src/cli/run.ts", 'import { n } from "../node/node.ts";'],
    ["src/index.ts", 'export { a } from "./actor/actor.ts";'],
    ["supervisors/crew.ts", 'import { a } from "coppice"; import { p } from "./pool.ts";'],
    ["examples/audit/main.ts", 'import { c } from "coppice/supervisors/crew";'],
  ])("%s may say: %s", (path, code) => {
    expect(fault(path, code)).toEqual([]);
  });
});

describe("packages", () => {
  const fault = (path: string, specifier: string) =>
    facts(homelessPackages(sources({ [path]: `import x from "${specifier}";` })));

  test.each([
    ["src/kernel/a.ts", "zod"],
    ["src/store/a.ts", "pino"],
    ["src/node/thread.ts", "msgpackr"],
    ["src/node/thread.ts", "node:sqlite"],
    ["src/cli/a.ts", "left-pad"],
    ["src/cli/a.ts", "@scope/pad/inside"],
    ["src/actor/a.ts", "node:fs"],
    ["src/kernel/a.ts", "node:fs"],
  ])("%s may not import %s", (path, specifier) => {
    expect(fault(path, specifier)).toHaveLength(1);
  });

  test.each([
    ["src/actor/a.ts", "zod"],
    ["src/node/transport.ts", "msgpackr"],
    ["src/store/sqlite.ts", "node:sqlite"],
    ["src/observe/otel.ts", "@opentelemetry/api"],
    ["src/node/a.ts", "node:fs"],
    ["examples/audit/a.ts", "acorn-walk"],
  ])("%s may import %s", (path, specifier) => {
    expect(fault(path, specifier)).toEqual([]);
  });
});

describe("graph", () => {
  test("a circle of values is found, a circle closed by a type is not", () => {
    const back = (to: string) => `import { x } from "./${to}.ts";`;
    const values = { "src/a.ts": back("b"), "src/b.ts": back("c"), "src/c.ts": back("a") };
    expect(facts(importCycles(sources(values)))).toEqual([
      "src/a.ts → src/b.ts → src/c.ts → src/a.ts",
    ]);
    const typed = { ...values, "src/c.ts": 'import type { x } from "./a.ts";' };
    expect(importCycles(sources(typed))).toEqual([]);
    expect(importCycles(sources({ "src/a.ts": back("a") }))).toHaveLength(1);
  });

  test("a file is alive when an entry reaches it, by import or by URL", () => {
    const files = {
      "src/index.ts": 'export type { A } from "./actor/a.ts"; import("./lazy.ts");',
      "src/actor/a.ts": 'new URL("./writer.ts", import.meta.url);',
      "src/actor/writer.ts": "",
      "src/lazy.ts": "",
      "src/node/thread-main.ts": "",
      "src/dead.ts": 'import "./dead-too.ts";',
      "src/dead-too.ts": "",
      "examples/audit/main.ts": "",
      "examples/audit/lost.ts": "",
    };
    expect(places(deadFiles(sources(files)))).toEqual([
      "src/dead.ts:1",
      "src/dead-too.ts:1",
      "examples/audit/lost.ts:1",
    ]);
  });
});

describe("bans", () => {
  const inKernel = (code: string) => facts(kernelBans(sources({ "src/kernel/a.ts": code })));

  test.each([
    'import type { Worker } from "node:worker_threads";',
    "const now = Date.now();",
    "let when: Date;",
    "const luck = Math.random();",
    'const luck = Math["random"]();',
    "setTimeout(() => {}, 1);",
    "globalThis.setImmediate(() => {});",
    "queueMicrotask(() => {});",
    "performance.now();",
    "const turn = async () => {};",
    "class A { async turn() {} }",
    "await promise;",
    "for await (const x of list) x;",
    "const fields = { Date };",
  ])("the kernel may not say: %s", (code) => {
    expect(inKernel(code)).not.toEqual([]);
  });

  test("fields and methods may have such names, and other folders may use them", () => {
    expect(inKernel("const at = { Date: 1 }; at.Date; interface P { process: string }")).toEqual(
      [],
    );
    expect(inKernel("Math.max(1, 2); promise.then(post); // Date in a comment")).toEqual([]);
    expect(kernelBans(sources({ "src/node/a.ts": "Date.now();" }))).toEqual([]);
  });

  test("vague file and folder names", () => {
    const bad = ["src/utils.ts", "src/common/a.ts", "test/test-helpers.ts", "src/x-manager.ts"];
    expect(vagueNames([...bad, "src/miscellany.ts", "src/community.ts"])).toHaveLength(bad.length);
  });

  test("marks of unfinished work: in comments, not in strings", () => {
    const [mark, other] = ["TO" + "DO", "FIX" + "ME"];
    const code = `const sought = "${mark}";\n/*\n * ${mark} later\n */\n// ${other}: now\n`;
    const found = unfinishedMarks(sources({ "src/a.ts": code }));
    expect(places(found)).toEqual(["src/a.ts:3", "src/a.ts:5"]);
    const prose = { path: "README.md", text: `one\n${mark}: two\nthe mark \`${mark}\`\n` };
    expect(places(unfinishedProse([prose]))).toEqual(["README.md:2"]);
  });

  test("paths of one machine", () => {
    const home = "/ho" + "me/ada/coppice";
    const text = `fine ./home/x\n"${home}"\nhttps://example.org${home}\n${"/wo"}rk/main\n`;
    expect(places(machinePaths([{ path: "docs/A.md", text }]))).toEqual([
      "docs/A.md:2",
      "docs/A.md:4",
    ]);
  });
});

describe("documentation", () => {
  test("each exported value needs a doc comment where it is declared", () => {
    const files = {
      "src/index.ts":
        'export { good, bad, Worse } from "./a.ts";\n' +
        'export type { T } from "./a.ts";\nexport * from "./b.ts";',
      "src/a.ts": `/** Says what. */
export function good(): void {}
// Not a doc comment.
export const bad = 1;
class Worse {}
export { Worse };
export type T = 1;
export const inner = 2;`,
      "src/b.ts": '/* plain */\nexport function viaStar() {}\nexport { deep } from "./c.ts";',
      "src/c.ts": "/** Of another thing. */\nconst x = 1;\nexport const deep = x;",
    };
    expect(places(undocumentedExports(sources(files), "src/index.ts"))).toEqual([
      "src/a.ts:4",
      "src/a.ts:5",
      "src/b.ts:2",
      "src/c.ts:3",
    ]);
    expect(facts(undocumentedExports([], "src/index.ts"))).toEqual(["is missing"]);
  });

  test("each error code is in the manual and in a test", () => {
    const table = { path: "src/actor/errors.ts", text: '"E_ONE"\n"E_TWO"\n"E_ONE_MORE"' };
    const offences = uncoveredCodes(table, "E_ONE E_TWO", ["E_ONE_MORE", "E_TWO"]);
    expect(offences.map(({ line, what }) => `${line} ${what}`)).toEqual([
      "1 E_ONE: no test names it",
      "3 E_ONE_MORE: docs/ERRORS.md does not explain it",
    ]);
  });
});

test("a file that does not parse is reported, a missing folder has no files", () => {
  expect(parseSource("src/a.ts", "const = 1").fault).toBeDefined();
  expect(parseSource("src/a.ts", "const a = 1").fault).toBeUndefined();
  expect(listFiles(["no-such-folder"], [".ts"])).toEqual([]);
});
