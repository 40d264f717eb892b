/**
 * Importing a package where it can do no harm: in a machine of its own, without a network, destroyed
 * afterwards. What it does while it is loaded is seen by the machine's first process, not by itself.
 *
 * Owns the tool, which files go into the machine, and what its witness says in the words of a report.
 */
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { ActorError, sandbox, tool, type Witnessed } from "coppice";
import { z } from "zod";
import { type Loading, loadingSchema } from "./model.ts";

/** Set by main.ts where this host has the tier: until when imports begin. @unit ms since 1970 */
const UNTIL = Number(process.env.COPPICE_AUDIT_IMPORT_UNTIL ?? 0);
export const IMPORTING = UNTIL > 0;
export const inTime = () => Date.now() < UNTIL;

/** A package with all it depends on. @unit bytes */
const FILES_MAX = 12 * 2 ** 20;
const COUNT_MAX = 2_500;
const LIST_MAX = 20;
const PRINTED_MAX = 200;
/** What a package needs to be loaded; types, maps, tests and documents are left out. */
const NEEDED = /\.(c?js|mjs|json|node|wasm)$/;
const LEFT_OUT = /(^|\/)(\.[^/]+|test|tests|__tests__|docs|examples)\//;

/**
 * Imports, waits for what the package does a moment later, and ends whatever goes on, when all that was
 * printed has left: a package that floods a busy host would look as if it had ended the process.
 */
const program = (name: string) => `
let said = "loaded";
try { await import(${JSON.stringify(name)}); }
catch (error) { said = "threw: " + String(error?.message ?? error).split("\\n")[0].slice(0, 200); }
await new Promise((resolve) => setTimeout(resolve, 200));
(await import("node:fs")).writeFileSync("/scratch/.verdict", said);
process.stdout.write("\\u0000" + said, () => process.exit(0));
`;

class TooLarge extends Error {}

/** A package's folder as the packages that need it find it. */
function findPackage(from: string, name: string, project: string): string | null {
  for (let folder = from; folder.startsWith(project); folder = dirname(folder)) {
    const at = join(folder, "node_modules", name);
    if (statSync(at, { throwIfNoEntry: false })?.isDirectory()) return at;
  }
  return null;
}

function dependenciesOf(folder: string): string[] {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const { dependencies, optionalDependencies, peerDependencies } = manifest;
    return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  } catch {
    return []; // no manifest: nothing is known to be needed
  }
}

/** Files of a package and all it depends on, where they were. @throws TooLarge */
export function filesToImport(project: string, path: string): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  const seen = new Set<string>();
  let [bytes, count] = [0, 0];
  const add = (folder: string) => {
    if (seen.has(folder)) return;
    seen.add(folder);
    const inside = folder.slice(project.length + 1).replaceAll(sep, "/");
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const full = join(entry.parentPath, entry.name);
      const own = full.slice(folder.length + 1).replaceAll(sep, "/");
      if (!entry.isFile() || !NEEDED.test(own) || LEFT_OUT.test(own)) continue;
      if (own.startsWith("node_modules/")) continue;
      const content = readFileSync(full);
      bytes += content.length;
      count++;
      if (bytes > FILES_MAX || count > COUNT_MAX) throw new TooLarge();
      files[`${inside}/${own}`] = content;
    }
    for (const name of dependenciesOf(folder)) {
      const at = findPackage(folder, name, project);
      if (at !== null) add(at);
    }
  };
  add(join(project, path));
  return files;
}

/** The tool: a package in, what it did out. */
export const importer = tool("import-package", {
  input: z.object({ project: z.string(), path: z.string(), name: z.string() }),
  output: loadingSchema,
  idempotent: true,
  sandbox: sandbox("microvm-tcg", {
    ...{ timeout: "60s", memoryMb: 384, scratch: "64mb", output: "256kb", processes: 48 },
    witness: true,
  }),
  run: {
    command: "node",
    args: ["import.mjs"],
    files: ({ project, path, name }) => ({
      ...filesToImport(realpathSync(project), path),
      "import.mjs": program(name),
    }),
    stdin: "",
    output: ({ stdout, stderr, witness }) => loadingOf(stdout, stderr, witness),
  },
});

/** What was there before, or belongs to loading Node.js itself. */
const EXPECTED =
  /^\/scratch\/(node_modules\/|import\.mjs$|\.verdict$)|^\/(usr|lib|etc|proc\/self|dev)\//;

function few(lines: readonly string[]): string[] {
  const all = [...new Set(lines)].sort();
  return all.length <= LIST_MAX
    ? all
    : [...all.slice(0, LIST_MAX), `and ${all.length - LIST_MAX} more`];
}

function loadingOf(stdout: string, stderr: string, witness: readonly Witnessed[]): Loading {
  const of = (what: string) =>
    witness.filter((each) => each.what === what).map((each) => each.detail);
  const number = (what: string) => Number(of(what)[0] ?? 0);
  const end = stdout.lastIndexOf("\0");
  const said = end < 0 ? "ended the process" : stdout.slice(end + 1);
  const printed = `${end < 0 ? stdout : stdout.slice(0, end)}${stderr}`;
  const path = (line: string) => line.slice(line.indexOf("\t") + 1);
  const written = [...of("file"), ...of("link")].map(path).filter((each) => !EXPECTED.test(each));
  return {
    outcome: said === "loaded" ? "loaded" : "failed",
    why: said === "loaded" ? "" : said.slice(0, 300),
    wrote: few(written),
    ran: few(of("exec").filter((each) => each !== "/usr/bin/node")),
    opened: few(of("open").filter((each) => !EXPECTED.test(each) && each !== "/scratch")),
    reached: number("net"),
    leftRunning: number("left"),
    printed: printed.slice(0, PRINTED_MAX),
  };
}

/** Ends that say something about the package; any other says that it could not be tried. */
const SAYS: Readonly<Record<string, Loading["outcome"]>> = {
  timeout: "hangs",
  E_TOOL_HOSTILE: "attacks",
  E_TOOL_KILLED: "killed",
  E_TOOL_FAILED: "failed",
  // Its machine was lost while the package was in it.
  E_TOOL_UNKNOWN: "failed",
};

/** The row of an import that did not end well: a package that hangs, floods, attacks … */
export function loadingFailed(error: unknown): Loading {
  const outcome = SAYS[error instanceof ActorError ? error.code : ""] ?? "skipped";
  const size = `it and what it needs are more than ${FILES_MAX / 2 ** 20} MB or ${COUNT_MAX} files`;
  const why = error instanceof TooLarge ? size : String((error as Error)?.message ?? error);
  const lines = why.split("\n");
  const line = lines.find((each) => /Error\b/.test(each)) ?? lines[0] ?? "";
  return {
    outcome,
    why: (outcome === "skipped" ? `could not be tried: ${line}` : line).slice(0, 300),
    ...{ wrote: [], ran: [], opened: [], reached: 0, leftRunning: 0, printed: "" },
  };
}
