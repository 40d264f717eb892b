/**
 * Owns: a tool call from grant to checked result, wherever it runs, as an outcome.
 * Does not own: recording the result as a step (kernel/using.ts), the threads of the pool (pool.ts),
 * the sandboxes (sandbox.ts).
 */
import { createHash } from "node:crypto";
import type { Account } from "../actor/accounts.ts";
import { ActorError } from "../actor/errors.ts";
import { NO_USAGE, type Outcome, type Tier, type Usage } from "../actor/outcome.ts";
import type { Policy } from "../actor/policy.ts";
import type { ActorSpec } from "../actor/spec.ts";
import type { AnyTool } from "../actor/tool.ts";
import type { IsolatedSpec, SandboxLimits } from "../actor/walls.ts";
import type { ToolCall, ToolEnd, Tools } from "../kernel/tools.ts";
import { limitsOf, printedValue, requestOf, sizeOf } from "./command.ts";
import { judge, type Wait } from "./policy.ts";
import { Circles } from "./runaway.ts";
import type { CommandOutput, OutputChunk, SandboxRequest } from "./sandbox.ts";
import { type DeskAccess, minding, passing } from "./turnstile.ts";

/** Runs a tool of the tier `pool` on an input that was checked. */
export type PoolCall = (
  tool: AnyTool,
  input: unknown,
  key: string,
  signal: AbortSignal,
) => Promise<unknown>;

/** Runs a command in the weakest tier of this host that is at least the one asked for. */
export type SandboxCall = (
  minimum: IsolatedSpec["tier"],
  request: SandboxRequest,
  limits: SandboxLimits,
  signal: AbortSignal,
  output: ((chunk: OutputChunk) => void) | null,
) => Promise<Outcome<CommandOutput>>;

/** What a host gives its broker; null: it has no such thing. */
export interface BrokerHost {
  readonly pool: PoolCall | null;
  readonly sandbox: SandboxCall | null;
  /** For the length of calls. @unit ms */
  readonly now: () => number;
  readonly wait: Wait;
  readonly policy: Policy | null;
  readonly audit?: Tools["audit"];
  /** Where limits and quotas are kept. */
  readonly desk: DeskAccess;
  /** Quotas that an actor stands under. */
  readonly accounts: (path: string, own: ActorSpec) => readonly Account[];
  /** Is there a quota of time in the tree? */
  readonly timed: boolean;
  /** A number in [0, 1). */
  readonly random: () => number;
}

const denied = (call: ToolCall, why: string, fix: string): ToolEnd => {
  const at = `child ${call.spec.id}`;
  const cause = new ActorError("E_TOOL_DENIED", `tool ${call.tool.name} ${why}`, { at, fix });
  return { tag: "denied", why, tier: null, usage: NO_USAGE, cause };
};

/** Without a grant nothing is asked further: the default is no. */
function notGranted(call: ToolCall): ToolEnd {
  call.decided({ decision: "deny", why: "not granted", by: "grants" });
  return denied(call, "is not granted", `add it to the child spec: tools: [${call.tool.name}]`);
}

/** Bad data in or out: the call failed, with an error of its own code. */
function misfit(tier: Tier | null, usage: Usage, cause: unknown): ToolEnd {
  const why = cause instanceof Error ? cause.message : String(cause);
  return { tag: "failed", code: null, why, tier, usage, cause };
}

const schemaError = (what: string, tool: AnyTool, message: string) =>
  new ActorError("E_MESSAGE_SCHEMA", `${what} of tool ${tool.name}: ${message}`);

/** Runs granted tools. */
export function brokerOf(host: BrokerHost): Tools {
  const { policy, wait, now } = host;
  // By the signal of a life: it is gone with it.
  const circles = new WeakMap<AbortSignal, Circles>();
  return {
    audit: host.audit,
    live: host.timed
      ? (path, spec, living) => minding(host.desk, host.accounts(path, spec), path, living)
      : undefined,
    async call(call) {
      const { spec, tool } = call;
      // By name: specs travel between threads.
      if (!spec.tools.some((each) => each.name === tool.name)) return notGranted(call);
      const given = tool.input.safeParse(call.input);
      if (!given.success) {
        return misfit(null, NO_USAGE, schemaError("input", tool, given.error.message));
      }
      const verdict = policy && (await judge(policy, call, given.data, wait, now));
      if (verdict?.allow === false) {
        return denied(
          call,
          `was denied: ${verdict.why}`,
          "do something else, or change the policy",
        );
      }
      if (call.again && !tool.idempotent && verdict?.fresh !== true) {
        const why = "the life that made it ended while it ran";
        return { tag: "unknown", why, tier: null, usage: NO_USAGE };
      }
      return watched(host, circles, call, given.data);
    },
  };
}

/** A call of an actor that is watched for circles. */
async function watched(
  host: BrokerHost,
  lives: WeakMap<AbortSignal, Circles>,
  call: ToolCall,
  input: unknown,
): Promise<ToolEnd> {
  const { spec, tool, signal } = call;
  if (spec.runaway === null) return attempts(host, call, input);
  const circles = lives.get(signal) ?? new Circles(spec.runaway);
  lives.set(signal, circles);
  const why = circles.before(tool.name, textOf([tool.name, input]), host.now());
  if (why !== null) {
    call.decided({ decision: "deny", why, by: "runaway" });
    const fix = "let the model read this, or raise the limit: runaway";
    const cause = new ActorError("E_RUNAWAY", why, { at: call.path, fix });
    return { tag: "denied", why, tier: null, usage: NO_USAGE, cause };
  }
  const end = await attempts(host, call, input);
  if (end.tag !== "denied") circles.after(tool.name, end.tag === "ok" ? textOf(end.value) : null);
  return end;
}

/** A value as text, short: what is equal has the same. */
function textOf(value: unknown): string {
  const text = JSON.stringify(value, (_key, each) =>
    typeof each === "bigint" ? `${each}n` : each,
  );
  return createHash("sha256")
    .update(text ?? "undefined")
    .digest("base64");
}

/** Ends after which an idempotent tool may be called again. */
const RETRIED: ReadonlySet<ToolEnd["tag"]> = new Set(["failed", "timeout", "unknown"]);
const FIRST_MS = 250;
const LAST_MS = 30_000;

/** Calls until it works, or has been tried often enough. */
async function attempts(host: BrokerHost, call: ToolCall, input: unknown): Promise<ToolEnd> {
  const { tool, signal, path, spec } = call;
  const accounts = host.accounts(path, spec);
  const plain = tool.limits === null && accounts.length === 0;
  if (plain && tool.retries === 0) return run(host, call, input);
  for (let left = tool.retries, pause = FIRST_MS; ; left--, pause = Math.min(pause * 2, LAST_MS)) {
    const end = plain
      ? await run(host, call, input)
      : await passing(host.desk, accounts, call, input, host.wait, (each) =>
          run(host, each, input),
        );
    const code = (end.cause as { code?: unknown } | undefined)?.code;
    const again = RETRIED.has(end.tag) && code !== "E_MESSAGE_SCHEMA" && mayHelp(end);
    if (!again || left === 0 || signal.aborted) return end;
    // Half of the pause is by chance, so that those who failed together do not come back together.
    await host.wait(retryAfter(end) ?? pause * (0.5 + host.random() / 2), signal);
  }
}

/** Unless the tool itself said that another try is of no use. */
const mayHelp = (end: ToolEnd) => (end.cause as { retry?: unknown } | undefined)?.retry !== false;

/** What the tool itself said about when to come again. @unit ms */
function retryAfter(end: ToolEnd): number | undefined {
  const ms = (end.cause as { retryAfterMs?: unknown } | undefined)?.retryAfterMs;
  return typeof ms === "number" && ms >= 0 ? Math.min(ms, RETRY_AFTER_MAX_MS) : undefined;
}

const RETRY_AFTER_MAX_MS = 600_000;

function run(host: BrokerHost, call: ToolCall, input: unknown): Promise<ToolEnd> {
  const { tool } = call;
  const { tier } = tool.sandbox;
  if (tier === "inline" || tier === "pool") return runFunction(host, call, input, tier);
  return runCommand(host, call, input, tool.sandbox);
}

/** A function: it answers with a value or throws. */
async function runFunction(
  host: BrokerHost,
  { tool, key, signal, output }: ToolCall,
  input: unknown,
  tier: "inline" | "pool",
): Promise<ToolEnd> {
  const began = host.now();
  const usage = (): Usage => ({ ...NO_USAGE, wallMs: host.now() - began });
  try {
    if (typeof tool.run !== "function" || (tier === "pool" && host.pool === null)) {
      throw new ActorError("E_SANDBOX_MISSING", `tool ${tool.name} needs ${tier}`);
    }
    const value =
      tier === "inline"
        ? await tool.run(input, signal, key, (text) => output?.({ stream: "stdout", text }))
        : await host.pool?.(tool, input, key, signal);
    return checked(tool, value, tier, usage());
  } catch (thrown) {
    return misfit(tier, usage(), thrown);
  }
}

async function runCommand(
  host: BrokerHost,
  call: ToolCall,
  input: unknown,
  spec: IsolatedSpec,
): Promise<ToolEnd> {
  const { tool, key, signal, output } = call;
  let request: SandboxRequest;
  try {
    if (host.sandbox === null) {
      throw new ActorError("E_SANDBOX_MISSING", `tool ${tool.name} needs ${spec.tier}`);
    }
    request = requestOf(tool, input, key);
  } catch (thrown) {
    return misfit(null, NO_USAGE, thrown);
  }
  const stream = output && chunksTo(output);
  const outcome = await host.sandbox(spec.tier, request, limitsOf(spec), signal, stream);
  const usage = { ...outcome.usage, bytesIn: outcome.usage.bytesIn || sizeOf(request) };
  for (const { to, refused } of usage.network ?? []) {
    if (refused !== null)
      call.decided({ decision: "deny", why: `${to}: ${refused}`, by: "network" });
  }
  if (outcome.tag !== "ok") return { ...outcome, usage };
  try {
    return checked(tool, printedValue(tool, outcome.value, input), outcome.tier as Tier, usage);
  } catch (thrown) {
    return misfit(outcome.tier, usage, thrown);
  }
}

/** Pieces of output as text: a character that is cut in two comes with its second half. */
function chunksTo(output: NonNullable<ToolCall["output"]>): (chunk: OutputChunk) => void {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  return ({ stream, bytes }) => {
    const text = decoders[stream].decode(bytes, { stream: true });
    if (text !== "") output({ stream, text });
  };
}

function checked(tool: AnyTool, value: unknown, tier: Tier, usage: Usage): ToolEnd {
  const output = tool.output.safeParse(value);
  if (output.success) return { tag: "ok", value: output.data, tier, usage };
  return misfit(tier, usage, schemaError("output", tool, output.error.message));
}

/** Inline tools only: for simulations, whose fakes stand for every other tier. */
export const inlineTools = (host: Omit<BrokerHost, "pool" | "sandbox">): Tools =>
  brokerOf({ ...host, pool: null, sandbox: null });
