/**
 * Owns: a tool call from grant to checked result. In this version: inline tools, in the caller's
 * thread. Does not own: recording the result as a step (kernel/verbs.ts); sandboxes are to come.
 */
import { ActorError } from "../actor/errors.ts";
import type { ActorSpec } from "../actor/spec.ts";
import type { AnyTool } from "../actor/tool.ts";
import type { Tools } from "../kernel/ports.ts";

/** Is the tool in the child's grants? By name: specs travel between threads. */
function granted(spec: ActorSpec, tool: AnyTool): boolean {
  return spec.tools.some((each) => each.name === tool.name);
}

/** Runs granted inline tools. */
export const inlineTools: Tools = {
  async call(spec, tool, input, _key, signal) {
    if (!granted(spec, tool)) {
      throw new ActorError("E_TOOL_DENIED", `tool ${tool.name} is not granted`, {
        at: `child ${spec.id}`,
        fix: `add it to the child spec: tools: [${tool.name}]`,
      });
    }
    const given = tool.input.safeParse(input);
    if (!given.success) {
      throw new ActorError(
        "E_MESSAGE_SCHEMA",
        `input of tool ${tool.name}: ${given.error.message}`,
      );
    }
    if (typeof tool.run !== "function" || tool.sandbox.tier !== "inline") {
      throw new ActorError("E_SANDBOX_MISSING", `tool ${tool.name} needs ${tool.sandbox.tier}`);
    }
    const output = tool.output.safeParse(await tool.run(given.data, signal));
    if (output.success) return output.data;
    throw new ActorError(
      "E_MESSAGE_SCHEMA",
      `output of tool ${tool.name}: ${output.error.message}`,
    );
  },
};
