/**
 * Owns: the shape of a tool as a value: name, schemas, sandbox, function.
 * Does not own: calling it (tool/broker.ts).
 */
import type { z } from "zod";
import { bytes, type Duration, milliseconds, type Size } from "./units.ts";

/** Where a tool runs. `inline` is trusted code in the actor's thread. */
export type SandboxSpec =
  | { readonly tier: "inline" }
  | {
      readonly tier: "microvm";
      readonly memoryBytes: number;
      readonly timeoutMs: number;
      readonly network: "none" | readonly string[];
    };

/** Function or command of a tool. A command needs a sandbox that can run it. */
export type ToolRun<I, O> = string | ((input: I, signal: AbortSignal) => O | Promise<O>);

/** A tool as a value, granted in child specs by itself. */
export interface ToolValue<I = unknown, O = unknown> {
  readonly kind: "tool";
  readonly name: string;
  readonly input: z.ZodType<I>;
  readonly output: z.ZodType<O>;
  readonly sandbox: SandboxSpec;
  readonly run: ToolRun<I, O>;
}

/** A tool of any types: what specs and the broker handle. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where a tool's types are erased
export type AnyTool = ToolValue<any, any>;

/**
 * Declares a tool: the only way out of an actor.
 *
 * @param options.sandbox default inline: trusted code in the actor's thread
 */
export function tool<I extends z.ZodType, O extends z.ZodType>(
  name: string,
  options: { input: I; output: O; sandbox?: SandboxSpec; run: ToolRun<z.infer<I>, z.infer<O>> },
): ToolValue<z.infer<I>, z.infer<O>> {
  return {
    kind: "tool",
    name,
    input: options.input as z.ZodType<z.infer<I>>,
    output: options.output as z.ZodType<z.infer<O>>,
    sandbox: options.sandbox ?? { tier: "inline" },
    run: options.run,
  };
}

/** A microVM sandbox. This version has no driver for it: a node refuses to start such an app. */
export function microvm(options: {
  memoryMb?: number;
  memory?: Size;
  timeout?: Duration;
  network?: "none" | readonly string[];
}): SandboxSpec {
  return {
    tier: "microvm",
    memoryBytes: options.memory ? bytes(options.memory) : (options.memoryMb ?? 128) * 1_048_576,
    timeoutMs: milliseconds(options.timeout ?? "10s"),
    network: options.network ?? "none",
  };
}
