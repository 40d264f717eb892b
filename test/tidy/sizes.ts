// How large a file, a function and a line may be (DESIGN §3: the hot path is one sitting).

import type { Node, Offence, Source } from "./source.ts";
import { walk } from "./source.ts";

export function longFiles(sources: readonly Source[], max = 300): Offence[] {
  return sources.flatMap(({ path, text }) => {
    const count = text.replace(/\n$/, "").split("\n").length;
    return count > max ? [{ path, line: max + 1, what: `${count} lines, allowed are ${max}` }] : [];
  });
}

export function longLines(sources: readonly Source[], max = 110): Offence[] {
  return sources.flatMap(({ path, lines }) =>
    lines.flatMap((text, index) =>
      text.length > max
        ? [{ path, line: index + 1, what: `${text.length} columns, allowed are ${max}` }]
        : [],
    ),
  );
}

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

export function longFunctions(sources: readonly Source[], max = 60): Offence[] {
  const offences: Offence[] = [];
  for (const source of sources) {
    walk(source.program, (node, parents) => {
      if (!FUNCTIONS.has(node.type)) return;
      const line = source.lineAt(node.start);
      const count = source.lineAt(node.end) - line + 1;
      if (count <= max) return;
      const what = `function ${functionName(node, parents.at(-1))}: ${count} lines, allowed are ${max}`;
      offences.push({ path: source.path, line, what });
    });
  }
  return offences;
}

function functionName(node: Node, parent: Node | undefined): string {
  const named = (node.id ?? parent?.id ?? parent?.key) as Node | null | undefined;
  return typeof named?.name === "string" ? named.name : "without a name";
}
