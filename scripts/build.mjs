// Builds dist/: cleans it, compiles src and supervisors, then does the two things tsc leaves undone:
// it points `new URL("./x.ts", import.meta.url)` at the built file and copies files that are not
// TypeScript (such as src/store/commit.lua).

import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { launch } from "./launch.mjs";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
const SOURCES = ["src", "supervisors"];
const URL_OF_SOURCE = /new URL\(\s*(["'])(\.{1,2}\/[^"']+)\.ts\1,\s*import\.meta\.url\s*,?\s*\)/g;

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function pointAtBuiltFiles() {
  for (const file of filesBelow(dist).filter((path) => path.endsWith(".js"))) {
    const text = readFileSync(file, "utf8");
    const pointed = text.replace(URL_OF_SOURCE, (_, quote, path) => {
      if (!existsSync(join(dirname(file), `${path}.js`))) {
        throw new Error(`${relative(root, file)} refers to ${path}.ts, which was not built`);
      }
      return `new URL(${quote}${path}.js${quote}, import.meta.url)`;
    });
    if (pointed !== text) writeFileSync(file, pointed);
  }
}

function copyOtherFiles() {
  for (const source of SOURCES) {
    for (const file of filesBelow(join(root, source))) {
      if (!/\.(ts|md)$/.test(file)) cpSync(file, join(dist, relative(root, file)));
    }
  }
}

rmSync(dist, { recursive: true, force: true });
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
const project = join(root, "tsconfig.build.json");
// npm pack prints its result on stdout, so the build keeps quiet there: stdout goes to stderr.
const options = { cwd: root, stdio: ["ignore", 2, 2] };
const { code } = await launch(process.execPath, [tsc, "-p", project], options);
if (code === 0) {
  pointAtBuiltFiles();
  copyOtherFiles();
  process.stderr.write(`coppice: built ${filesBelow(dist).length} files into dist\n`);
}
process.exitCode = code;
