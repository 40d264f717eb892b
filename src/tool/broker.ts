/**
 * Owns: a tool call from grant to checked result, whichever thread the function runs in.
 * Does not own: recording the result as a step (kernel/verbs.ts), the threads of the pool (pool.ts).
 */
import { ActorError } from "../actor/errors.ts";
import type { ActorSpec } from "../actor/spec.ts";
import type { AnyTool } from "../actor/tool.ts";
import type { Tools } from "../kernel/ports.ts";

/** Runs a tool of the tier `pool` on an input that was checked. */
export type PoolCall = (tool: AnyTool, input: unknown, signal: AbortSignal) => Promise<unknown>;

/** Is the tool in the child's grants? By name: specs travel between threads. */
function checkGrant(spec: ActorSpec, tool: AnyTool): void {
  if (spec.tools.some((each) => each.name === tool.name)) return;
  throw new ActorError("E_TOOL_DENIED", `tool ${tool.name} is not granted`, {
    at: `child ${spec.id}`,
    fix: `add it to the child spec: tools: [${tool.name}]`,
  });
}

/** The function of a tool where it is to run. @throws E_SANDBOX_MISSING */
function runnerOf(tool: AnyTool, pool: PoolCall | null) {
  const { run, sandbox } = tool;
  if (typeof run === "function" && sandbox.tier === "inline") return run;
  if (typeof run === "function" && sandbox.tier === "pool" && pool !== null) {
    return (input: unknown, signal: AbortSignal) => pool(tool, input, signal);
  }
  throw new ActorError("E_SANDBOX_MISSING", `tool ${tool.name} needs ${sandbox.tier}`);
}

/** Runs granted tools: inline ones here, those of the tier `pool` through `pool` if there is one. */
export function brokerOf(pool: PoolCall | null): Tools {
  return {
    async call(spec, tool, input, _key, signal) {
      checkGrant(spec, tool);
      const given = tool.input.safeParse(input);
      if (!given.success) {
        const fact = `input of tool ${tool.name}: ${given.error.message}`;
        throw new ActorError("E_MESSAGE_SCHEMA", fact);
      }
      const output = tool.output.safeParse(await runnerOf(tool, pool)(given.data, signal));
      if (output.success) return output.data;
      const fact = `output of tool ${tool.name}: ${output.error.message}`;
      throw new ActorError("E_MESSAGE_SCHEMA", fact);
    },
  };
}

/** Inline tools only: for simulations, whose fakes stand for every other tier. */
export const inlineTools: Tools = brokerOf(null);
