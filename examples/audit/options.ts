/**
 * Owns the audit's command line: what it takes, what it refuses, its help.
 */
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ActorError } from "coppice";

export const HELP = `Audits the dependencies of a project: what each package can reach and runs at install.

Usage: npm start -- [PATH] [options]

  PATH            project to audit (default: this repository)
  --out DIR       where report.md, report.html and report.json go (default: audit-report)
  --data DIR      where the work in progress lies, so that it survives a crash
                  (default: .coppice/audit)
  --threads N     scheduler threads (default: one per processor)
  --chaos SEED    crash random auditors and one thread on the way; the report is the same
  --import-seconds N  how long packages are imported, each in a microVM without a network, to
                  see what they do while they are loaded (default: 60; the report says how many
                  were not; the guest for it is built the first time)
  --no-import     import none (also with --chaos, unless --import is said)
  --json          print report.json's run part as one line at the end
  --help          this text

Interrupted (Ctrl-C, kill -9, power cut)? Run it again: it goes on where it was.`;

export interface Options {
  readonly project: string;
  readonly out: string;
  readonly data: string;
  readonly threads: number | undefined;
  readonly chaos: string | undefined;
  /** How long packages are imported; 0: none is. @unit ms */
  readonly importMs: number;
  readonly json: boolean;
  readonly help: boolean;
}

const IMPORT_SECONDS = 60;

const usage = (fact: string) =>
  new ActorError("E_USAGE", fact, {
    at: "npm start",
    fix: "npm start -- --help shows what it takes",
  });

function wholeNumber(text: string | undefined, name: string, most: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= most) return Number(text);
  throw usage(`--${name} ${text} is not a whole number from 1 to ${most}`);
}

/** A folder that may not exist yet, but must not be a file. */
function folder(path: string, name: string, base: string): string {
  const full = resolve(base, path);
  if (existsSync(full) && !statSync(full).isDirectory()) throw usage(`--${name} ${path} is a file`);
  return full;
}

/** Reads the command line. Relative paths are meant from where the user stands. */
export function readOptions(args: readonly string[], cwd: string): Options {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    throw usage((error as Error).message.split(". ")[0] ?? "");
  }
  const { values, positionals } = parsed;
  if (positionals.length > 1) throw usage(`one PATH is enough, not ${positionals.length}`);
  const seconds = wholeNumber(values["import-seconds"], "import-seconds", 86_400) ?? IMPORT_SECONDS;
  const own = resolve(import.meta.dirname, "..", "..");
  return {
    project: positionals[0] === undefined ? own : resolve(cwd, positionals[0]),
    out: folder(values.out ?? "audit-report", "out", cwd),
    data: folder(values.data ?? ".coppice/audit", "data", cwd),
    threads: wholeNumber(values.threads, "threads", 64),
    chaos: values.chaos,
    importMs: (values.import ?? values.chaos === undefined) ? seconds * 1_000 : 0,
    json: values.json ?? false,
    help: values.help ?? false,
  };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    allowNegative: true,
    options: {
      out: { type: "string" },
      data: { type: "string" },
      threads: { type: "string" },
      chaos: { type: "string" },
      import: { type: "boolean" },
      "import-seconds": { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
}
