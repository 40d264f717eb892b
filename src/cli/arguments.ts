/**
 * Owns: reading a command line against what a command takes; errors that say what is wrong with it
 * and which word was probably meant.
 * Does not own: the commands (commands.ts).
 */
import { parseArgs } from "node:util";
import { ActorError } from "../actor/errors.ts";
import { nearest } from "../actor/names.ts";
import { milliseconds } from "../actor/units.ts";
import type { Io } from "./terminal.ts";

/** An option: a flag, or with a `value` (the word for it in the help) one that takes a value. */
export interface Option {
  readonly what: string;
  readonly value?: string;
}

/** A command as its help and its parser see it. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Words for the operands; the last may end in "…" for one or more, those in […] may be left out. */
  readonly operands: readonly string[];
  readonly options: Readonly<Record<string, Option>>;
  readonly notes?: string;
  /** It reads its arguments itself. */
  readonly raw?: true;
  readonly load: () => Promise<Run>;
}

/** A command at work. @returns the exit status */
export type Run = (input: Input, io: Io) => Promise<number>;

/** A command line, read. */
export interface Input {
  readonly command: string;
  readonly operands: readonly string[];
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  /** All arguments, unread. */
  readonly args: readonly string[];
}

const usage = (fact: string, fix: string) => new ActorError("E_USAGE", fact, { fix });

/** Reads the arguments behind a command's name. @throws E_USAGE */
export function readArguments(command: Command, args: readonly string[]): Input {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const operands: string[] = [];
  const base = { command: command.name, operands, flags, values, args };
  if (command.raw) return base;
  const hint = `coppice ${command.name} --help shows what it takes`;
  const types = Object.entries(command.options).map(
    ([name, { value }]) => [name, { type: value ? "string" : "boolean" } as const] as const,
  );
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...Object.fromEntries(types), help: { type: "boolean", short: "h" } },
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    const { name, rawName, value } = token;
    const option = command.options[name];
    if (!Object.hasOwn(command.options, name) || option === undefined) {
      throw unknownOption(command, rawName, hint);
    }
    if (option.value === undefined) {
      if (value !== undefined) throw usage(`--${name} takes no value`, hint);
      flags.add(name);
    } else if (value === undefined || (!token.inlineValue && value.startsWith("-"))) {
      throw usage(`--${name} needs a value`, `write --${name} ${option.value}`);
    } else values.set(name, value);
  }
  if (!flags.has("help")) checkOperands(command, operands, hint);
  return base;
}

function unknownOption(command: Command, rawName: string, hint: string): ActorError {
  const known = Object.keys(command.options).map((name) => `--${name}`);
  const meant = nearest(rawName, known);
  const fact = `coppice ${command.name} has no option ${rawName}`;
  return usage(fact, meant === undefined ? hint : `did you mean ${meant}? ${hint}`);
}

function checkOperands(command: Command, given: readonly string[], hint: string): void {
  const { operands, name } = command;
  const missing = operands[given.length];
  if (missing !== undefined && !missing.startsWith("["))
    throw usage(`coppice ${name} needs ${missing}`, hint);
  const open = operands.at(-1)?.endsWith("…") ?? false;
  const extra = given[operands.length];
  if (extra === undefined || open) return;
  throw usage(`${JSON.stringify(extra)} is more than coppice ${name} takes`, hint);
}

/* ---- values ---- */

/** A whole number of an option, if given. @throws E_USAGE */
export function integerOption(
  input: Input,
  name: string,
  [min, max]: readonly [number, number],
): number | undefined {
  const text = input.values.get(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  const fact = `--${name} ${JSON.stringify(text)} is no whole number from ${min} to ${max}`;
  throw usage(fact, `write --${name} ${min}, for example`);
}

/** One of some words, if given. @throws E_USAGE */
export function wordOption<W extends string>(
  input: Input,
  name: string,
  words: readonly W[],
): W | undefined {
  const text = input.values.get(name);
  const word = words.find((each) => each === text);
  if (word !== undefined || text === undefined) return word;
  const meant = nearest(text, words);
  const all = `use one of: ${words.join(", ")}`;
  const fix = meant === undefined ? all : `did you mean ${meant}? ${all}`;
  throw usage(`--${name} ${JSON.stringify(text)} is not one of its words`, fix);
}

/** A time span of an option. @unit ms @throws E_USAGE */
export function spanOption(
  input: Input,
  name: string,
  standard: number,
  [min, max]: readonly [number, number],
): number {
  const text = input.values.get(name);
  if (text === undefined) return standard;
  const fix = `write --${name} 500ms, or 5s`;
  let ms: number;
  try {
    ms = milliseconds(text as "5s");
  } catch {
    throw usage(`--${name} ${JSON.stringify(text)} is no time span`, fix);
  }
  if (ms < min || ms > max) {
    throw usage(`--${name} ${text} is outside of ${min} ms to ${max} ms`, fix);
  }
  return ms;
}
