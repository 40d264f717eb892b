/**
 * Owns: how a tool call ended, as a value, with what it used and the tier that ran it; the error of
 * an end that is no success. Does not own: making calls (tool/broker.ts).
 */
import { ActorError, type ErrorCode } from "./errors.ts";

/** Tiers that run commands apart from this process, from the weakest to the strongest wall. */
export const ISOLATED_TIERS = ["process", "userkernel", "microvm-tcg", "microvm"] as const;

/** A tier that runs commands. `process` is no wall against hostile code, and says so. */
export type IsolatedTier = (typeof ISOLATED_TIERS)[number];

/** Where a call ran. */
export type Tier = "inline" | "pool" | IsolatedTier;

/** Programs that run the machines of the tiers `microvm` and `microvm-tcg`. */
export type MonitorName = "qemu" | "firecracker";

/** What one call used; null = this tier cannot measure it. */
export interface Usage {
  /** @unit ms */
  readonly wallMs: number;
  /** Of the tool, all its processes. @unit ms */
  readonly cpuMs: number | null;
  /** Peak. @unit bytes */
  readonly memoryBytes: number | null;
  /** Into the sandbox: arguments, files and stdin. @unit bytes */
  readonly bytesIn: number;
  /** Out of it: stdout and stderr. @unit bytes */
  readonly bytesOut: number;
  /** What ran the machine; absent in tiers without one, and when nothing ran. */
  readonly monitor?: MonitorName;
  /** Where hosts are granted: what it has asked its proxy for, in the order it began to. */
  readonly network?: readonly Reached[];
}

/** A host that a sandbox has asked for. */
export interface Reached {
  /** `name:port`, as it was asked for; `others` are those after the first 64. */
  readonly to: string;
  /** Why it was not let through; null: it was. */
  readonly refused: string | null;
  /** How often. */
  readonly connections: number;
  /** From there into the sandbox. @unit bytes */
  readonly bytesIn: number;
  /** @unit bytes */
  readonly bytesOut: number;
}

/** A limit that ends a call: of the sandbox, or `owner`: the actor that wanted it has ended. */
export type KillLimit = "memory" | "cpu" | "output" | "processes" | "scratch" | "traffic" | "owner";

/** How a call ended, without where. */
export type End<T> =
  | { readonly tag: "ok"; readonly value: T }
  /**
   * It ran and said no: an exit status (null: a signal ended it), or what a function threw. Without
   * a tier nothing ran: the host could not start a sandbox, so the call may be made again.
   */
  | { readonly tag: "failed"; readonly code: number | null; readonly why: string }
  | { readonly tag: "timeout"; readonly limitMs: number }
  | { readonly tag: "killed"; readonly limit: KillLimit; readonly why: string }
  /** Nothing ran: no grant, a policy, a limit of the tool, or one that the tier cannot hold. */
  | { readonly tag: "denied"; readonly why: string }
  /** What came out of the sandbox breaks the protocol: it was destroyed, its output is not used. */
  | { readonly tag: "hostile"; readonly why: string }
  /** It may or may not have happened: the sandbox, or this node, was lost in between. */
  | { readonly tag: "unknown"; readonly why: string };

/** How a call ended: `tier` is the one that ran, null when none did. */
export type Outcome<T = unknown> = End<T> & {
  readonly tier: Tier | null;
  readonly usage: Usage;
};

/** Of a call that never ran. */
export const NO_USAGE: Usage = Object.freeze({
  wallMs: 0,
  cpuMs: null,
  memoryBytes: null,
  bytesIn: 0,
  bytesOut: 0,
});

const CODES = {
  failed: "E_TOOL_FAILED",
  timeout: "timeout",
  killed: "E_TOOL_KILLED",
  denied: "E_TOOL_DENIED",
  hostile: "E_TOOL_HOSTILE",
  unknown: "E_TOOL_UNKNOWN",
} as const satisfies Record<Exclude<Outcome["tag"], "ok">, ErrorCode>;

const FIXES = {
  failed: "read what it printed; the call may be made again",
  timeout: "give the tool less to do, or its sandbox a longer timeout",
  killed: "give the tool less to do, or raise the limit of its sandbox",
  denied: "grant the tool in the child spec, or change the policy, if it should be allowed",
  hostile: "do not trust what ran there; its sandbox is gone",
  unknown: "look whether it happened before doing it again; idempotent: true retries by itself",
} as const;

/** Nothing ran, and nobody has forbidden it: the host had no sandbox to give. */
export const neverStarted = ({ tag, tier }: Pick<Outcome, "tag" | "tier">): boolean =>
  tag === "failed" && tier === null;

function factOf(outcome: Exclude<Outcome, { tag: "ok" }>): string {
  if (neverStarted(outcome) && "why" in outcome) return `did not run: ${outcome.why}`;
  switch (outcome.tag) {
    case "failed":
      return `failed${outcome.code === null ? "" : ` with ${outcome.code}`}: ${outcome.why}`;
    case "timeout":
      return `was ended after its ${outcome.limitMs} ms`;
    case "killed":
      return `was ended by its limit of ${outcome.limit}: ${outcome.why}`;
    case "denied":
      return `was denied: ${outcome.why}`;
    case "hostile":
      return `broke the protocol of its sandbox: ${outcome.why}`;
    case "unknown":
      return `was lost before its answer, so it may have happened: ${outcome.why}`;
  }
}

/** What `ctx.use` rejects with for an end that is no success. */
export function outcomeError(tool: string, outcome: Exclude<Outcome, { tag: "ok" }>): ActorError {
  const at = outcome.tier === null ? `tool ${tool}` : `tool ${tool}, tier ${outcome.tier}`;
  const fact = `tool ${tool} ${factOf(outcome)}`;
  if (neverStarted(outcome)) {
    const fix = "call it again later; coppice doctor shows what the host has";
    return new ActorError("E_SANDBOX_START", fact, { at, fix });
  }
  return new ActorError(CODES[outcome.tag], fact, { at, fix: FIXES[outcome.tag] });
}
