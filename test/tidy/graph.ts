// The import graph: no cycles, no dead files.

import type { Offence, Source } from "./source.ts";

/**
 * Circles of imports that run. Type-only imports are erased, so they may point back inside a
 * folder; between folders the directions of DESIGN §4 hold for them too.
 */
export function importCycles(sources: readonly Source[]): Offence[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const offences: Offence[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    const source = byPath.get(path);
    if (!source || done.has(path)) return;
    for (const { target, line, byUrl, typeOnly } of source.imports) {
      if (target === undefined || byUrl || typeOnly) continue;
      const chain = [...trail, path];
      const from = chain.indexOf(target);
      if (from < 0) visit(target, chain);
      else offences.push({ path, line, what: [...chain.slice(from), target].join(" → ") });
    }
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  return offences;
}

/** Where reading starts: the exports of package.json, the command, workers, trees, examples. */
const ENTRIES = [
  /^src\/(index|sim\/index|cli\/main)\.ts$/,
  /^src\/.*-main\.ts$/,
  /(^|\/)sqlite-writer\.ts$/,
  // Fetches the Redis that the tests run against.
  /^src\/tool\/debian\.ts$/,
  /^src\/interop\/[^/]+\.ts$/,
  /^supervisors\/[^/]+\.ts$/,
  /^examples\/([^/]+|[^/]+\/main)\.ts$/,
];

export function deadFiles(sources: readonly Source[]): Offence[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set<string>();
  const reach = (path: string) => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const { target } of byPath.get(path)?.imports ?? []) {
      if (target !== undefined) reach(target);
    }
  };
  for (const { path } of sources) {
    if (ENTRIES.some((entry) => entry.test(path))) reach(path);
  }
  return sources
    .filter(({ path }) => !reached.has(path))
    .map(({ path }) => ({ path, line: 1, what: "no entry point reaches it" }));
}
