/**
 * Owns: the shape of a tool as a value: name, schemas, sandbox, function.
 * Does not own: calling it (tool/broker.ts).
 */
import type { z } from "zod";
import { settings } from "./settings.ts";
import { bytes, type Duration, milliseconds, type Size } from "./units.ts";

/** Limits of a {@link pool} tool, defaults filled in. */
export interface PoolSpec {
  readonly tier: "pool";
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly maxQueue: number;
}

/** Where a tool runs. `inline` is trusted code in the actor's thread, `pool` pure CPU work beside it. */
export type SandboxSpec =
  | { readonly tier: "inline" }
  | PoolSpec
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

const HOUR_MS = 3_600_000;

/** How a {@link pool} tool is bounded. */
export interface PoolOptions {
  /**
   * Longest run of one call; waiting for a free thread does not count. Past it the thread is ended
   * and the call fails with `timeout`. @default 10 s @limit 1 ms … 1 h
   */
  timeout?: Duration;
  /**
   * JavaScript heap of the thread, which the app module needs a part of; memory of buffers lies
   * outside of it and is not bounded. @unit MiB @default 128 @limit 16 … 32_768
   */
  memoryMb?: number;
  /**
   * Calls of this tool that may wait for a free thread, on the whole node; one more fails with
   * `overloaded`. @default 1_000 @limit 0 … 100_000
   */
  maxQueue?: number;
}

/**
 * A sandbox for pure CPU work: the function runs in a thread of the node's pool, so it holds up no
 * actor, and can be ended in the middle of a loop. A guard against accidents, not against malice:
 * the code has this process's rights. Its thread imports the app module and finds the tool by name
 * in the tree's grants, so `run` must reach what it needs from there; input and output cross as
 * structured clones. The signal given to `run` never fires: the thread is ended instead.
 *
 * A call fails with what `run` throws, with `timeout` or `overloaded`, with `E_TOOL_LOST` when its
 * thread is gone (out of memory, `process.exit`, an error nobody caught), with `E_APP_LOAD` when
 * the app module cannot be imported there.
 *
 * @example tool("diff", { input, output, sandbox: pool({ timeout: "2s" }), run: ({ a, b }) => … })
 * @throws E_SPEC_RANGE E_UNITS for a setting outside of its limits
 */
export function pool(options: PoolOptions = {}): PoolSpec {
  const { timeout, memoryMb, maxQueue } = options;
  const at = "pool()";
  const timeoutMs = settings.period(timeout, 10_000, "timeout", at);
  if (timeoutMs > HOUR_MS) throw settings.outside("timeout", timeout, 1, HOUR_MS, at);
  return {
    tier: "pool",
    timeoutMs,
    memoryBytes: settings.integer(memoryMb, 128, [16, 32_768], "memoryMb", at) * 1_048_576,
    maxQueue: settings.integer(maxQueue, 1_000, [0, 100_000], "maxQueue", at),
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
