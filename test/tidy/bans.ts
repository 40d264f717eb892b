// What may not be written: foreign time and I/O in the kernel, vague file names, unfinished marks,
// paths of one machine.

import type { Node, Offence, Source } from "./source.ts";
import { walk } from "./source.ts";

/** Names the kernel may not know, each with what to use instead. */
const KERNEL_NAMES: Readonly<Record<string, string>> = {
  Date: "take nowMs from the Clock port",
  performance: "take nowMs from the Clock port",
  setTimeout: "use kernel/timers.ts",
  setInterval: "use kernel/timers.ts",
  setImmediate: "post a signal",
  queueMicrotask: "post a signal",
  process: "the kernel knows no process",
  crypto: "use the Random port",
};

/** Everything under src/kernel/ is synchronous and deterministic; see DESIGN §4. */
export function kernelBans(sources: readonly Source[]): Offence[] {
  const offences: Offence[] = [];
  for (const source of sources.filter(({ path }) => path.startsWith("src/kernel/"))) {
    const add = (line: number, what: string) => offences.push({ path: source.path, line, what });
    for (const { specifier, line } of source.imports) {
      if (specifier.startsWith("node:")) add(line, `import of ${specifier}: use a port`);
    }
    walk(source.program, (node, parents) => {
      const what = kernelFault(node, parents.at(-1));
      if (what !== undefined) add(source.lineAt(node.start), what);
    });
  }
  return offences;
}

function kernelFault(node: Node, parent: Node | undefined): string | undefined {
  if (node.type === "AwaitExpression") return "await: a promise posts a signal instead";
  if (node.async === true) return "async function: return the promise to its one .then";
  if (node.await === true) return "for await: a promise posts a signal instead";
  if (node.type === "VariableDeclaration" && node.kind === "await using") {
    return "await using: a promise posts a signal instead";
  }
  if (node.type === "MemberExpression" && nameOf(node.object) === "Math") {
    const property = nameOf(node.property) ?? (node.property as Node).value;
    return property === "random" ? "Math.random: use the Random port" : undefined;
  }
  return node.type === "Identifier" ? identifierFault(node, parent) : undefined;
}

function identifierFault(node: Node, parent: Node | undefined): string | undefined {
  const name = nameOf(node) ?? "";
  if (!Object.hasOwn(KERNEL_NAMES, name) || isOnlyAKey(node, parent)) return undefined;
  return `${name}: ${KERNEL_NAMES[name]}`;
}

/** `event.process`, `{ process: 1 }` and `interface X { process: … }` name fields, not globals. */
function isOnlyAKey(node: Node, parent: Node | undefined): boolean {
  if (!parent) return false;
  if (parent.type === "MemberExpression") {
    const named = parent.property === node && parent.computed !== true;
    return named && nameOf(parent.object) !== "globalThis";
  }
  const shorthand = parent.shorthand === true;
  return parent.key === node && parent.computed !== true && !shorthand;
}

function nameOf(node: unknown): string | undefined {
  const name = (node as Node | null | undefined)?.name;
  return typeof name === "string" ? name : undefined;
}

const VAGUE = /(^|[-.])(utils?|commons?|misc|helpers?|managers?)([-.]|$)/;

/** Names that say nothing, as a file or as a folder. */
export function vagueNames(paths: readonly string[]): Offence[] {
  return paths.flatMap((path) => {
    const part = path.split("/").find((name) => VAGUE.test(name));
    return part === undefined ? [] : [{ path, line: 1, what: `"${part}" says nothing` }];
  });
}

// Written in pieces, so that this file does not offend itself.
const MARKERS = new RegExp(
  `\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"].join("|")})\\b`,
);

/** Marks of unfinished work in comments; strings may hold them, an auditor looks for them. */
export function unfinishedMarks(sources: readonly Source[]): Offence[] {
  return sources.flatMap((source) =>
    source.comments.flatMap((comment) =>
      marksIn(source.path, comment.value, source.lineAt(comment.start)),
    ),
  );
}

/** The same in prose and shell scripts, where `code spans` may quote them. */
export function unfinishedProse(files: readonly { path: string; text: string }[]): Offence[] {
  return files.flatMap(({ path, text }) => marksIn(path, text.replace(/`[^`\n]*`/g, "``"), 1));
}

function marksIn(path: string, text: string, firstLine: number): Offence[] {
  return text.split("\n").flatMap((content, index) => {
    const mark = MARKERS.exec(content)?.[0];
    return mark === undefined ? [] : [{ path, line: firstLine + index, what: `the mark ${mark}` }];
  });
}

const MACHINE_PATH = new RegExp(
  [
    "/ho" + "me/[\\w.-]+",
    "/Us" + "ers/[\\w.-]+",
    "/ro" + "ot/[\\w.-]+",
    "/wo" + "rk/(main|shared)\\b",
  ]
    .map((part) => `(?<![\\w.])${part}`)
    .concat("\\b[A-Z]:\\\\\\\\?Users")
    .join("|"),
);

/** Absolute paths that exist on one machine only. */
export function machinePaths(files: readonly { path: string; text: string }[]): Offence[] {
  return files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((content, index) => {
      const found = MACHINE_PATH.exec(content)?.[0];
      return found === undefined ? [] : [{ path, line: index + 1, what: found }];
    }),
  );
}
