// The repository holds its own rules: sizes, import directions, bans, dead files, documentation.
// The rules are in test/tidy/, and test/tidy/checks.test.ts shows that each of them can fail.

import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import {
  kernelBans,
  machinePaths,
  unfinishedMarks,
  unfinishedProse,
  vagueNames,
} from "./tidy/bans.ts";
import { homelessPackages, wrongDirections } from "./tidy/directions.ts";
import { uncoveredCodes, undocumentedExports } from "./tidy/documented.ts";
import { deadFiles, importCycles } from "./tidy/graph.ts";
import { longFiles, longFunctions, longLines } from "./tidy/sizes.ts";
import { listFiles, type Offence, readSources, readText, root } from "./tidy/source.ts";

const product = readSources(["src", "supervisors", "examples"]);
const everything = [...product, ...readSources(["bench", "test", "scripts", "bin"])];
const documents = listFiles(
  [".ci", "docs", "examples", "src", "supervisors"],
  [".md", ".sh", "run"],
)
  .concat(readdirSync(root).filter((name) => name.endsWith(".md")))
  .map((path) => ({ path, text: readText(path) }));

function expectNone(offences: readonly Offence[], remedy: string): void {
  if (offences.length === 0) return;
  const list = offences.map(({ path, line, what }) => `  ${path}:${line}  ${what}`);
  expect.fail([`${offences.length} found`, ...list, `Remedy: ${remedy}`].join("\n"));
}

test("there is something to check", () => {
  expect(product.map(({ path }) => path)).toContain("src/index.ts");
});

test("every file parses", () => {
  const offences = everything.flatMap(({ path, fault }) =>
    fault === undefined ? [] : [{ path, line: 1, what: fault }],
  );
  expectNone(offences, "npm run typecheck names the place");
});

test("files have at most 300 lines", () => {
  expectNone(longFiles(product), "split the file where its header says `and`");
});

test("functions have at most 60 lines", () => {
  expectNone(longFunctions(product), "give a part of the function a name of its own");
});

test("lines have at most 110 columns", () => {
  expectNone(longLines(everything), "npm run format; break strings and comments by hand");
});

test("imports go only where DESIGN §4 lets them", () => {
  expectNone(wrongDirections(product), "move the code to the folder that may know both sides");
});

test("a package is imported in its one home only", () => {
  expectNone(homelessPackages(product), "use the port or function of the folder that owns it");
});

test("no file imports itself in a circle", () => {
  expectNone(importCycles(product), "move what both need into a third file below them");
});

test("no file is dead", () => {
  expectNone(deadFiles(product), "import the file from somewhere that is reached, or delete it");
});

test("the kernel knows no time, chance, promise or Node", () => {
  expectNone(kernelBans(product), "see the hint of each line; ports are in src/kernel/ports.ts");
});

test("file names say what is inside", () => {
  const paths = everything.map(({ path }) => path);
  expectNone(vagueNames(paths), "name the file after the noun it owns");
});

test("no unfinished marks", () => {
  const offences = [...unfinishedMarks(everything), ...unfinishedProse(documents)];
  expectNone(offences, "finish it, or write down why it is not done");
});

test("no path of one machine", () => {
  expectNone(
    machinePaths([...everything, ...documents]),
    "make it relative, or ask the system for it",
  );
});

test("what src/index.ts exports is documented where it is declared", () => {
  const remedy = "write /** … */ before it: unit, limit, default, errors (DESIGN §15)";
  expectNone(undocumentedExports(product, "src/index.ts"), remedy);
});

test("each error code is explained and provoked", () => {
  const [path, manual] = ["src/actor/errors.ts", "docs/ERRORS.md"];
  const tests = listFiles(["test"], [".ts"]).filter((file) => !file.startsWith("test/tidy"));
  const offences = uncoveredCodes(
    { path, text: readText(path) },
    listFiles(["docs"], ["ERRORS.md"]).includes(manual) ? readText(manual) : "",
    tests.map(readText),
  );
  expectNone(offences, "add a row to docs/ERRORS.md and a test that provokes the code");
});
