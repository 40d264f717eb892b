/**
 * Owns how foreign text gets into Markdown without becoming Markdown: as code, or escaped; and how a
 * table is written. It knows no audit.
 */
import { visible } from "./text.ts";

/** A code span which shows exactly this text, in a table as well. */
export function code(text: string): string {
  const shown = visible(text).trim();
  if (shown === "") return "—";
  const runs = shown.match(/`+/g) ?? [];
  const fence = "`".repeat(Math.max(0, ...runs.map((run) => run.length)) + 1);
  const space = runs.length > 0 ? " " : "";
  // A table ends its cells at every "|" which is not escaped, in code too.
  return `${fence}${space}${shown.replaceAll("|", "\\|")}${space}${fence}`;
}

/** Prose which shows exactly this text, and makes no link of an address in it. */
export function plain(text: string): string {
  return visible(text).replace(/[\\`*_[\]<>|&~@]|:(?=\/\/)|(?<=www)\./gi, "\\$&");
}

export type Align = "left" | "right";

/** `columns` are headings with their alignment; cells are Markdown already. */
export function table(columns: readonly (readonly [string, Align])[], rows: string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(([heading]) => heading)),
    line(columns.map(([, align]) => (align === "right" ? "--:" : "---"))),
    ...rows.map(line),
  ].join("\n");
}
