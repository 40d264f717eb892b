/**
 * Owns: from the words of a command line to a command's exit status; how errors are told.
 * Does not own: the process around it (main.ts).
 */
import { ActorError } from "../actor/errors.ts";
import { nearest } from "../actor/names.ts";
import { type Command, type Input, readArguments } from "./arguments.ts";
import { COMMANDS } from "./commands.ts";
import { helpOf, overview, version } from "./help.ts";
import type { Io } from "./terminal.ts";
import { printableLines } from "./words.ts";

/** Exit status of a command line that cannot be understood; everything else that fails is 1. */
const USAGE = 2;
/** It runs TypeScript and has SQLite without a flag. */
const NODE_MAJOR = 24;

/** How errors are told: as JSON, with their stack. */
export interface ErrorStyle {
  json: boolean;
  stack: boolean;
}

/** What the command line says of errors; known before it is understood. */
export function errorStyle(argv: readonly string[], env: NodeJS.ProcessEnv): ErrorStyle {
  const end = argv.indexOf("--");
  const words = end < 0 ? argv : argv.slice(0, end);
  const stack = words.includes("--stack") || env.COPPICE_STACK === "1";
  return { json: words.includes("--json"), stack };
}

/** Runs a command line. Never throws. @returns the exit status */
export async function dispatch(
  argv: readonly string[],
  io: Io,
  style: ErrorStyle,
): Promise<number> {
  try {
    const [name, ...args] = argv;
    if (name === undefined) {
      io.err.write(overview(COMMANDS));
      return USAGE;
    }
    if (name === "--help" || name === "-h" || name === "help") return help(args, io);
    if (name === "--version" || name === "-v") return printVersion(args, io, style);
    const command = find(name);
    const input = readArguments(command, args);
    if (input.flags.has("help")) {
      io.out.write(helpOf(command));
      return 0;
    }
    if (name !== "doctor") checkNode(process.versions.node);
    const run = await command.load();
    return await run(input, io);
  } catch (error) {
    return tell(error, io, style);
  }
}

/** @throws E_NODE_VERSION when this Node.js cannot run us */
export function checkNode(version: string): void {
  if (Number.parseInt(version, 10) >= NODE_MAJOR) return;
  throw new ActorError("E_NODE_VERSION", `this is Node.js ${version}, too old for Coppice`, {
    fix: `use Node.js ${NODE_MAJOR} or newer: npm install --save-dev node@${NODE_MAJOR}`,
  });
}

function find(name: string): Command {
  const found = COMMANDS.find((each) => each.name === name);
  if (found !== undefined) return found;
  const meant = nearest(name, [...COMMANDS.map((each) => each.name), "help"]);
  const hint = meant === undefined ? "" : `did you mean ${meant}? `;
  const what = name.startsWith("-") ? "option before the command" : "command";
  throw new ActorError("E_USAGE", `there is no ${what} ${JSON.stringify(name)}`, {
    fix: `${hint}coppice --help lists the commands`,
  });
}

async function help(args: readonly string[], io: Io): Promise<number> {
  const name = args.find((each) => !each.startsWith("-"));
  if (name === undefined || name === "help") {
    io.out.write(overview(COMMANDS));
    return 0;
  }
  const command = find(name);
  if (!command.raw) {
    io.out.write(helpOf(command));
    return 0;
  }
  const run = await command.load();
  const input: Input = {
    command: name,
    operands: [],
    flags: new Set(),
    values: new Map(),
    args: ["--help"],
  };
  return run(input, io);
}

function printVersion(args: readonly string[], io: Io, style: ErrorStyle): number {
  const extra = args.find((each) => each !== "--json");
  if (extra !== undefined) {
    const fact = `${JSON.stringify(extra)} is more than --version takes`;
    throw new ActorError("E_USAGE", fact, { fix: "coppice --help lists the commands" });
  }
  io.out.write(style.json ? `${JSON.stringify({ version: version() })}\n` : `${version()}\n`);
  return 0;
}

/** Tells an error: fact, place and remedy; its stack only to those who ask. @returns the status */
export function tell(thrown: unknown, io: Pick<Io, "err">, { json, stack }: ErrorStyle): number {
  const error = asActorError(thrown);
  const trace = stack ? stackOf(thrown) : undefined;
  if (json) {
    const fields = { ...error.toJSON(), reason: error.reason, stack: trace };
    io.err.write(`${JSON.stringify({ error: fields })}\n`);
  } else {
    const text = `${error.describe()}${trace === undefined ? "" : `\n${trace}`}`;
    io.err.write(`coppice: ${printableLines(text)}\n`);
  }
  return error.code === "E_USAGE" ? USAGE : 1;
}

function asActorError(thrown: unknown): ActorError {
  if (thrown instanceof ActorError) return thrown;
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new ActorError("E_INTERNAL", text, {
    fix: "run it again with --stack and report what it prints",
    cause: thrown,
  });
}

function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "";
  const cause = thrown.cause === undefined ? "" : `\ncaused by: ${stackOf(thrown.cause)}`;
  return `${thrown.stack ?? thrown.message}${cause}`;
}
