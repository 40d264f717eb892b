/**
 * Owns: the line between actors' threads and the pool of tool threads on the control thread.
 * Inputs and outputs cross it as bytes, encoded and read at its ends only.
 * Does not own: the pool (tool/pool.ts), grants and schemas (tool/broker.ts).
 */
import { deserialize, serialize } from "node:v8";
import type { MessagePort } from "node:worker_threads";
import { ActorError } from "../actor/errors.ts";
import type { AnyTool } from "../actor/tool.ts";
import type { PoolSpec } from "../actor/walls.ts";
import type { PoolCall } from "../tool/broker.ts";
import type { ToolPool } from "../tool/pool.ts";
import type { FromPool, PoolAnswer, PoolRequest, ToPool } from "../tool/pool-messages.ts";

function encodeInput(tool: AnyTool, input: unknown): Uint8Array {
  try {
    return serialize(input);
  } catch (cause) {
    throw new ActorError("E_MESSAGE_SCHEMA", `input of tool ${tool.name} is no data`, {
      fix: "give it what can be cloned: no functions, no symbols",
      cause,
    });
  }
}

/** The value of an answer. @throws what the tool threw, or what went wrong with its thread */
function resultOf(reply: FromPool, tool: AnyTool): unknown {
  if ("fault" in reply) {
    const { code, message, fix } = reply.fault;
    throw new ActorError(code, message, { at: `tool ${tool.name}`, fix });
  }
  const answer = deserialize(reply.answer) as PoolAnswer;
  if (answer.ok) return answer.value;
  const { name, message, stack } = answer.error;
  throw Object.assign(new Error(message), { name, stack });
}

/** The end of a thread with actors: calls a tool in the pool. */
export function poolCalls(port: MessagePort): PoolCall {
  const open = new Map<number, (reply: FromPool) => void>();
  let last = 0;
  port.on("message", (reply: FromPool) => {
    open.get(reply.id)?.(reply);
    open.delete(reply.id);
  });
  return async (tool, value, key, signal) => {
    signal.throwIfAborted();
    const id = ++last;
    const { timeoutMs, memoryBytes, maxQueue } = tool.sandbox as PoolSpec;
    const input = encodeInput(tool, value);
    const limits = { timeoutMs, memoryBytes, maxQueue };
    const request: PoolRequest = { id, tool: tool.name, key, input, ...limits };
    const { promise, resolve, reject } = Promise.withResolvers<FromPool>();
    const cancel = () => {
      port.postMessage({ kind: "cancel", id } satisfies ToPool);
      open.delete(id);
      reject(signal.reason);
    };
    open.set(id, resolve);
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const message: ToPool = { kind: "call", ...request };
      port.postMessage(message, [input.buffer as ArrayBuffer]);
      return resultOf(await promise, tool);
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
}

/** The end of the control thread: makes the pool with the first call, wherever it comes from. */
export function poolServer(app: string, threads: number): (port: MessagePort) => void {
  let made: Promise<ToolPool> | null = null;
  const pool = () => {
    made ??= import("../tool/pool.ts").then(({ ToolPool }) => new ToolPool(app, threads));
    return made;
  };
  return (port) => {
    const cancels = new Map<number, () => void>();
    let closed = false;
    const call = (pool: ToolPool, request: PoolRequest) => {
      const { id } = request;
      if (closed || !cancels.has(id)) return;
      const cancel = pool.call(request, (end) => {
        cancels.delete(id);
        port.postMessage({ id, ...end } satisfies FromPool);
      });
      if (cancels.has(id)) cancels.set(id, cancel);
    };
    port.on("message", (message: ToPool) => {
      const { id } = message;
      if (message.kind === "call") {
        cancels.set(id, () => {});
        void pool().then((pool) => call(pool, message));
      } else {
        cancels.get(id)?.();
        cancels.delete(id);
      }
    });
    // The thread of the actors is gone, and they with it.
    port.on("close", () => {
      closed = true;
      for (const cancel of cancels.values()) cancel();
    });
  };
}
