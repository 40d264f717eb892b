/**
 * Owns: the shape of a tool as a value: name, schemas, where and what it runs.
 * Does not own: where it runs (walls.ts), calling it (tool/broker.ts).
 */
import type { z } from "zod";
import { checkId } from "./actor.ts";
import { ActorError, shown } from "./errors.ts";
import { type Names, onlyKnown } from "./names.ts";
import { limitsOf, type Pace, retriesOf, type ToolLimits } from "./pace.ts";
import { settings } from "./settings.ts";
import type { SandboxSpec } from "./walls.ts";

/**
 * Something a command did in its machine: `open` or `exec` a path, leave a `file`, `folder` or `link`
 * (its size and path), `net`: times it had no way to where it wanted, `left`: processes it left behind,
 * `blind` or `lost`: that not all was seen.
 */
export interface Witnessed {
  readonly what: string;
  readonly detail: string;
}

/** What a command printed, as text. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
  /** What was seen of the command from outside of it; nothing unless its sandbox has a `witness`. */
  readonly witness: readonly Witnessed[];
}

/** Files of a call by their relative path. */
export type ToolFiles = Readonly<Record<string, string | Uint8Array>>;

type Of<I, T> = T | ((input: I) => T);

/** A command and what it is given. No shell reads it: an argument is an argument. */
export interface CommandRun<I, O> {
  /** A program of the sandbox, by name or path. */
  readonly command: string;
  /** @default [] */
  readonly args?: Of<I, readonly string[]>;
  /** Found in the working folder; those that start with `#!` may be run. @default none */
  readonly files?: Of<I, ToolFiles>;
  /** @default an input that is text, or its `code` (so `run: "python3"` runs it), else it as JSON */
  readonly stdin?: Of<I, string | Uint8Array>;
  /** The value of the call, checked by the output schema. @default `{ stdout, stderr }` */
  readonly output?: (printed: Printed, input: I) => O;
}

/** A trusted function, or a command line of words: program and arguments. */
export type ToolRun<I, O> =
  | string
  | CommandRun<I, O>
  | ((
      input: I,
      /** Fires when nobody wants the answer any more. */
      signal: AbortSignal,
      /** The same in every attempt and rerun of this call. */
      key: string,
      /** Tells a piece of output to whom `ctx.use(…, { output })` names; in the pool to nobody. */
      print: (text: string) => void,
    ) => O | Promise<O>);

/** Tokens and money, in whole numbers: what is not whole is rounded up. */
export interface Spend {
  readonly tokens?: number;
  /** @unit micro-USD */
  readonly microUsd?: number;
}

/**
 * What a call costs. The most it may cost is held in every quota above the caller before it runs;
 * when it has ended, what it did cost is counted and the rest given back. Of a call that failed, what
 * its error has as `spent`; without that nobody knows, and the most is counted.
 */
export interface Cost<I, O> {
  readonly most: (input: I) => Spend;
  /** @default the most */
  readonly spent?: (output: O, input: I) => Spend;
}

/** A tool as a value, granted in child specs by itself. */
export interface ToolValue<I = unknown, O = unknown> {
  readonly kind: "tool";
  readonly name: string;
  readonly input: z.ZodType<I>;
  readonly output: z.ZodType<O>;
  readonly sandbox: SandboxSpec;
  readonly run: ToolRun<I, O>;
  readonly idempotent: boolean;
  readonly retries: number;
  readonly limits: ToolLimits | null;
  readonly cost: Cost<I, O> | null;
}

/** A tool of any types: what specs and the broker handle. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where a tool's types are erased
export type AnyTool = ToolValue<any, any>;

/** What {@link tool} is told. */
export interface ToolOptions<I extends z.ZodType, O extends z.ZodType> extends Pace {
  input: I;
  output: O;
  /** @default inline: trusted code in the actor's thread */
  sandbox?: SandboxSpec;
  run: ToolRun<z.infer<I>, z.infer<O>>;
  /**
   * May a call be made twice with the same key? Then it is, when a crash took its answer; otherwise
   * the answer is the error `E_TOOL_UNKNOWN` and the agent decides. @default false
   */
  idempotent?: boolean;
  /** What a call costs, for quotas. @default nothing but itself */
  cost?: Cost<z.infer<I>, z.infer<O>>;
}

/** A command of words as program and arguments. */
export function commandOf(run: ToolRun<never, unknown>): CommandRun<never, unknown> | null {
  if (typeof run === "function") return null;
  if (typeof run !== "string") return run;
  const [command = "", ...args] = run.trim().split(/\s+/);
  return { command, args };
}

const OPTIONS: Names<ToolOptions<z.ZodType, z.ZodType>> = {
  input: true,
  output: true,
  sandbox: true,
  run: true,
  idempotent: true,
  cost: true,
  concurrency: true,
  rate: true,
  maxQueue: true,
  breaker: true,
  retries: true,
};

const RUN: Names<CommandRun<never, unknown>> = {
  command: true,
  args: true,
  files: true,
  stdin: true,
  output: true,
};

function costOf<I, O>(cost: Cost<I, O> | undefined, at: string): Cost<I, O> | null {
  if (cost === undefined) return null;
  onlyKnown(cost, { most: true, spent: true }, `${at}, cost`);
  settings.functions(cost, ["spent"], `${at}, cost`, ["most"]);
  return cost;
}

function sandboxOf(given: SandboxSpec | undefined, at: string): SandboxSpec {
  if (given === undefined) return { tier: "inline" };
  if (typeof given?.tier === "string") return given;
  throw new ActorError("E_SPEC_STRATEGY", `sandbox: ${shown(given)} is no sandbox`, {
    at,
    fix: 'write sandbox("process"), microvm() or pool()',
  });
}

function checkRun(run: unknown, tier: SandboxSpec["tier"], at: string): void {
  const fail = (fact: string, fix: string) =>
    new ActorError("E_SPEC_COMBINATION", fact, { at, fix });
  if (typeof run === "function") {
    if (tier === "inline" || tier === "pool") return;
    throw fail(`a function cannot run in the tier ${tier}`, 'give it run: { command: "…" }');
  }
  const command =
    typeof run === "string" ? run.trim() : (run as CommandRun<never, unknown>)?.command;
  if (typeof command !== "string" || command === "") {
    throw new ActorError("E_SPEC_STRATEGY", `run: ${shown(run)} is no function and no command`, {
      at,
      fix: 'give it a function, "program words", or { command: "program" }',
    });
  }
  if (typeof run === "object") onlyKnown(run as CommandRun<never, unknown>, RUN, `${at}, run`);
  if (tier === "inline" || tier === "pool") {
    throw fail("a command runs in a sandbox", 'add sandbox: sandbox("process" | … | "microvm")');
  }
}

/**
 * Declares a tool: the only way out of an actor.
 *
 * @throws E_SPEC_ID for a bad name, E_SPEC_SETTING, E_SPEC_STRATEGY for a `run`, a schema or else that
 *   is none, E_SPEC_COMBINATION for a `run` that its sandbox cannot run
 */
export function tool<I extends z.ZodType, O extends z.ZodType>(
  name: string,
  given: ToolOptions<I, O>,
): ToolValue<z.infer<I>, z.infer<O>> {
  checkId(name, "tool name");
  const at = `tool ${name}`;
  const options = onlyKnown<ToolOptions<I, O>>(given, OPTIONS, at);
  settings.schema(options.input, "input", at);
  settings.schema(options.output, "output", at);
  const sandbox = sandboxOf(options.sandbox, at);
  checkRun(options.run, sandbox.tier, at);
  const idempotent = settings.flag(options.idempotent, false, "idempotent", at);
  return {
    kind: "tool",
    name,
    input: options.input as z.ZodType<z.infer<I>>,
    output: options.output as z.ZodType<z.infer<O>>,
    sandbox,
    run: options.run,
    idempotent,
    retries: retriesOf(options, idempotent, at),
    limits: limitsOf(options, at),
    cost: costOf(options.cost, at),
  };
}

/** A list of tools, as granted. @throws E_SPEC_CHILD */
export function toolsOf(tools: readonly AnyTool[] | undefined, at: string): readonly AnyTool[] {
  const list: readonly AnyTool[] = tools ?? [];
  const odd = Array.isArray(list) ? list.find((each) => each?.kind !== "tool") : list;
  if (odd === undefined && !list.includes(undefined as never)) return list;
  throw new ActorError("E_SPEC_CHILD", `tools: ${shown(odd)} is no tool`, {
    at,
    fix: "give a list of what tool() or model() made",
  });
}
