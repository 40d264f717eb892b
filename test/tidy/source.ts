// What the tidy checks look at: a source file, parsed once. Owns reading, parsing and the shape of
// an offence; the rules are in the files beside this one.

import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { type Comment, type ParseResult, parseSync } from "oxc-parser";

/** One breach of a rule: where, and what is wrong there. */
export interface Offence {
  readonly path: string;
  readonly line: number;
  readonly what: string;
}

/** A node of the syntax tree, as loosely as the checks need it. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** One import, re-export, dynamic import or `new URL("./x.ts", import.meta.url)`. */
export interface Import {
  readonly specifier: string;
  /** The repository path a relative specifier means; undefined for packages. */
  readonly target: string | undefined;
  readonly line: number;
  /** Erased before the program runs: `import type`, `export type … from`, `import("…").T`. */
  readonly typeOnly: boolean;
  /** A file named by URL: a worker's entry. It is started, not linked. */
  readonly byUrl: boolean;
}

/** A file of the repository; `path` is relative to its root, with forward slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
  /** Why it does not parse; the other checks then see an empty program. */
  readonly fault: string | undefined;
  readonly lines: readonly string[];
  readonly program: Node;
  readonly comments: readonly Comment[];
  readonly imports: readonly Import[];
  lineAt(offset: number): number;
}

export const root: string = join(import.meta.dirname, "..", "..");

/** The files below `folders` whose names end in one of `endings`, in a fixed order. */
export function listFiles(folders: readonly string[], endings: readonly string[]): string[] {
  const found = folders.flatMap((folder) => filesBelow(folder));
  return found.filter((path) => endings.some((ending) => path.endsWith(ending))).sort();
}

const IGNORED = /(^|\/)(node_modules|dist|coverage|audit-report|data|\.git|\.coppice[^/]*)(\/|$)/;

function filesBelow(folder: string): string[] {
  let entries: ReturnType<typeof readFolder>;
  try {
    entries = readFolder(folder);
  } catch {
    return []; // a folder that does not exist yet has no files
  }
  return entries.flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (IGNORED.test(path)) return [];
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

function readFolder(folder: string) {
  return readdirSync(join(root, folder), { withFileTypes: true });
}

export function readText(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** Parsed TypeScript and JavaScript below `folders`. */
export function readSources(folders: readonly string[]): Source[] {
  return listFiles(folders, [".ts", ".mjs"]).map((path) => parseSource(path, readText(path)));
}

export function parseSource(path: string, text: string): Source {
  const parsed = parseSync(path, text, { sourceType: "module" });
  const fault = parsed.errors[0]?.message;
  const lines = text.split("\n");
  const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
  const program = parsed.program as unknown as Node;
  const imports = collectImports(path, text, parsed, program, lineAt);
  return { path, text, fault, lines, program, comments: parsed.comments, imports, lineAt };
}

/** Calls `visit` for each node, parents before children; `parents` ends with the direct parent. */
export function walk(node: Node, visit: (node: Node, parents: readonly Node[]) => void): void {
  const parents: Node[] = [];
  const enter = (current: Node) => {
    visit(current, parents);
    parents.push(current);
    for (const value of Object.values(current)) {
      for (const child of Array.isArray(value) ? value : [value]) {
        if (isNode(child)) enter(child);
      }
    }
    parents.pop();
  };
  enter(node);
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

function collectImports(
  path: string,
  text: string,
  parsed: ParseResult,
  program: Node,
  lineAt: (offset: number) => number,
): Import[] {
  const found: (Import & { readonly start: number })[] = [];
  const add = (specifier: string, start: number, kind: "value" | "type" | "url") => {
    const target = specifier.startsWith(".")
      ? posix.join(posix.dirname(path), specifier)
      : undefined;
    const [typeOnly, byUrl] = [kind === "type", kind === "url"];
    found.push({ specifier, target, line: lineAt(start), typeOnly, byUrl, start });
  };
  for (const { moduleRequest, start } of parsed.module.staticImports) {
    add(moduleRequest.value, start, /^import\s+type\b/.test(text.slice(start)) ? "type" : "value");
  }
  for (const { start, entries } of parsed.module.staticExports) {
    const specifier = entries[0]?.moduleRequest?.value;
    const type = /^export\s+type\b/.test(text.slice(start));
    if (specifier !== undefined) add(specifier, start, type ? "type" : "value");
  }
  walk(program, (node) => {
    const { specifier, kind } = importInside(node);
    if (specifier !== undefined) add(specifier, node.start, kind);
  });
  return found.sort((a, b) => a.start - b.start);
}

function importInside(node: Node): { specifier?: string; kind: "value" | "type" | "url" } {
  if (node.type === "ImportExpression") return { ...literal(node.source), kind: "value" };
  if (node.type === "TSImportType") return { ...literal(node.source), kind: "type" };
  if (node.type !== "NewExpression") return { kind: "url" };
  const [first, second] = node.arguments as Node[];
  const isUrl = (node.callee as Node).name === "URL";
  const isHere = second !== undefined && isImportMetaUrl(second);
  return isUrl && isHere ? { ...literal(first), kind: "url" } : { kind: "url" };
}

function literal(node: unknown): { specifier?: string } {
  return isNode(node) && typeof node.value === "string" ? { specifier: node.value } : {};
}

function isImportMetaUrl(node: Node): boolean {
  const object = node.object;
  const property = node.property;
  const meta = isNode(object) && object.type === "MetaProperty";
  return meta && isNode(property) && property.name === "url";
}
