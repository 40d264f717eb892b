// What must be written down: the public API where it is declared, and every error code.

import type { Node, Offence, Source } from "./source.ts";
import { isNode } from "./source.ts";

/** Functions, constants and classes that `entry` exports and no doc comment precedes. */
export function undocumentedExports(sources: readonly Source[], entry: string): Offence[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const index = byPath.get(entry);
  if (!index) return [{ path: entry, line: 1, what: "is missing" }];
  const offences = exportedValues(index, byPath, new Set())
    .filter(({ source, statement }) => !isDocumented(source, statement))
    .map(({ source, statement, name }) => ({
      path: source.path,
      line: source.lineAt(statement.start),
      what: `${name} has no doc comment`,
    }));
  return [...new Map(offences.map((offence) => [offence.what, offence])).values()];
}

interface Exported {
  readonly source: Source;
  readonly statement: Node;
  readonly name: string;
}

type Sources = ReadonlyMap<string, Source>;

function exportedValues(source: Source, byPath: Sources, seen: Set<Source>): Exported[] {
  if (seen.has(source)) return [];
  seen.add(source);
  return (source.program.body as Node[]).flatMap((statement) => {
    if (statement.type === "ExportAllDeclaration") {
      const target = targetOf(source, statement, byPath);
      return target ? exportedValues(target, byPath, seen) : [];
    }
    if (statement.type !== "ExportNamedDeclaration") return [];
    const declared = namesDeclared(statement.declaration);
    if (declared.length > 0) return declared.map((name) => ({ source, statement, name }));
    return (statement.specifiers as Node[]).flatMap((specifier) => {
      const name = (specifier.local as Node).name as string;
      const from = isNode(statement.source) ? targetOf(source, statement, byPath) : source;
      return from ? findDeclaration(from, name, byPath) : [];
    });
  });
}

function targetOf(source: Source, statement: Node, byPath: Sources): Source | undefined {
  const specifier = (statement.source as Node).value;
  const target = source.imports.find((item) => item.specifier === specifier)?.target;
  return target === undefined ? undefined : byPath.get(target);
}

/** The first declaration of a value: of an overloaded function, the signature readers see. */
function findDeclaration(source: Source, name: string, byPath: Sources): Exported[] {
  for (const statement of source.program.body as Node[]) {
    const inner = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (namesDeclared(inner).includes(name)) return [{ source, statement, name }];
  }
  const exported = exportedValues(source, byPath, new Set());
  return exported.filter((candidate) => candidate.name === name);
}

const DECLARATIONS = new Set(["FunctionDeclaration", "TSDeclareFunction", "ClassDeclaration"]);

function namesDeclared(node: unknown): string[] {
  if (!isNode(node)) return [];
  if (node.type === "VariableDeclaration") {
    return (node.declarations as Node[]).flatMap(
      (declarator) => ((declarator.id as Node).name as string | undefined) ?? [],
    );
  }
  return DECLARATIONS.has(node.type) ? [(node.id as Node).name as string] : [];
}

function isDocumented(source: Source, statement: Node): boolean {
  const comment = source.comments.findLast(({ end }) => end <= statement.start);
  if (comment?.type !== "Block" || !comment.value.startsWith("*")) return false;
  return source.text.slice(comment.end, statement.start).trim() === "";
}

/** Codes of the error table that docs/ERRORS.md does not explain or no test provokes. */
export function uncoveredCodes(
  table: { path: string; text: string },
  manual: string,
  tests: readonly string[],
): Offence[] {
  const seen = new Set<string>();
  return table.text.split("\n").flatMap((text, index) =>
    [...text.matchAll(/\bE_[A-Z0-9_]+\b/g)].flatMap(([code]) => {
      if (seen.has(code)) return [];
      seen.add(code);
      const whole = new RegExp(`\\b${code}\\b`);
      const gaps = [
        ...(whole.test(manual) ? [] : ["docs/ERRORS.md does not explain it"]),
        ...(tests.some((test) => whole.test(test)) ? [] : ["no test names it"]),
      ];
      return gaps.map((gap) => ({ path: table.path, line: index + 1, what: `${code}: ${gap}` }));
    }),
  );
}
