/**
 * Owns: the help texts, made from the table of commands, and the version.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "./arguments.ts";

const columns = (rows: readonly (readonly [string, string])[]) => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
};

const usageOf = ({ name, operands, options, raw }: Command) =>
  [
    name,
    ...operands,
    ...(raw ? ["…"] : []),
    ...(Object.keys(options).length > 0 ? ["[OPTION…]"] : []),
  ].join(" ");

/** `coppice --help`. */
export function overview(commands: readonly Command[]): string {
  const rows = commands.map((each) => [each.name, each.summary] as const);
  return `Usage: coppice COMMAND [OPTION…]

${columns([...rows, ["help", "what a command takes: coppice help COMMAND"]])}

  --version      the version
  --json         on every command: answers and errors as JSON
  --help         on every command: what it takes
`;
}

/** `coppice COMMAND --help`. */
export function helpOf(command: Command): string {
  const options = Object.entries(command.options).map(
    ([name, { what, value }]) => [`--${name}${value ? ` ${value}` : ""}`, what] as const,
  );
  const notes = command.notes === undefined ? "" : `\n${command.notes}\n`;
  const list = options.length === 0 ? "" : `\n${columns(options)}\n`;
  return `Usage: coppice ${usageOf(command)}\n\n${capital(command.summary)}.\n${list}${notes}`;
}

const capital = (text: string) => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

/** The version in the package's own package.json, in a checkout or installed. */
export function version(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (existsSync(file)) {
      const { name, version } = JSON.parse(readFileSync(file, "utf8"));
      if (name === "coppice") return String(version);
    }
    if (folder === dirname(folder)) return "unknown";
  }
}
