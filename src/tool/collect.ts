/**
 * Owns: the output of one call under its limit, and how what is known at its end becomes an outcome:
 * the same for every driver.
 * Does not own: running anything.
 */
import type { IsolatedTier, KillLimit, Outcome, Usage } from "../actor/outcome.ts";
import type { SandboxLimits } from "../actor/walls.ts";
import type { CommandOutput, OutputChunk, SandboxRequest } from "./sandbox.ts";

/** Of stderr, in the reason of a failure. @unit bytes */
const WHY_MAX = 2_000;

/** How a command ended by itself. */
export interface CommandExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** A limit that the tier's kernel held: told when the command did not succeed. */
  readonly hit: KillLimit | null;
}

/** What ended a call before its command did. */
export type Cut =
  | { readonly tag: "timeout" }
  | { readonly tag: "killed"; readonly limit: KillLimit; readonly why: string }
  | { readonly tag: "hostile" | "unknown" | "denied"; readonly why: string }
  /** Nothing ran: the host could not start it. */
  | { readonly tag: "absent"; readonly why: string };

export class Collector {
  readonly #output: (chunk: OutputChunk) => void;
  readonly #limit: number;
  readonly #chunks = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  #bytes = 0;

  constructor(limits: SandboxLimits, output: (chunk: OutputChunk) => void) {
    this.#limit = limits.outputBytes;
    this.#output = output;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns what ends the call, if there is now more than may be */
  push(stream: OutputChunk["stream"], bytes: Uint8Array): Cut | null {
    if (bytes.length === 0) return null;
    if (this.#bytes + bytes.length > this.#limit) {
      const why = `it printed more than ${this.#limit} bytes`;
      return { tag: "killed", limit: "output", why };
    }
    this.#bytes += bytes.length;
    this.#chunks[stream].push(bytes);
    this.#output({ stream, bytes });
    return null;
  }

  result(): CommandOutput {
    const { stdout, stderr } = this.#chunks;
    return { stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
  }

  /** The end of what it complained. */
  why(): string {
    const text = Buffer.concat(this.#chunks.stderr).subarray(-WHY_MAX).toString().trim();
    return text === "" ? "it printed no reason" : text;
  }
}

const LIMIT_TEXT: Readonly<Record<KillLimit, string>> = {
  memory: "it used more memory than it may",
  cpu: "it used more processor time than it may",
  output: "it printed more than it may",
  processes: "it started more processes than it may",
  scratch: "its files do not fit into its scratch space",
  traffic: "it asked for more of its network than it may",
  owner: "nobody wants its answer any more",
};

/** What a call came to. */
export function outcomeOf(
  tier: IsolatedTier,
  limits: SandboxLimits,
  usage: Usage,
  end: Cut | CommandExit,
  collected: Collector,
): Outcome<CommandOutput> {
  const stamp = { tier, usage };
  if ("tag" in end) {
    if (end.tag === "timeout") return { ...stamp, tag: "timeout", limitMs: limits.timeoutMs };
    const none = { tier: null, usage };
    if (end.tag === "denied") return { ...none, tag: "denied", why: end.why };
    if (end.tag === "absent") return { ...none, tag: "failed", code: null, why: end.why };
    return { ...stamp, ...end };
  }
  if (end.code === 0) return { ...stamp, tag: "ok", value: collected.result() };
  if (end.hit !== null) {
    return { ...stamp, tag: "killed", limit: end.hit, why: LIMIT_TEXT[end.hit] };
  }
  const signal = end.signal === null ? "" : `ended by ${end.signal}: `;
  return { ...stamp, tag: "failed", code: end.code, why: `${signal}${collected.why()}` };
}

const PAGE = 4_096;

/** Why a call cannot run with these limits where nobody watches it from inside; null: it can. */
export function refusal(request: SandboxRequest, limits: SandboxLimits): Cut | null {
  if (limits.witness) return { tag: "denied", why: "this tier cannot tell what a command does" };
  return misfit(request, limits);
}

/** Files that do not fit; null: they do. */
export function misfit(request: SandboxRequest, limits: SandboxLimits): Cut | null {
  const pages = request.files.reduce((sum, { bytes }) => sum + Math.ceil(bytes.length / PAGE), 0);
  if (pages * PAGE <= limits.scratchBytes) return null;
  return { tag: "killed", limit: "scratch", why: LIMIT_TEXT.scratch };
}
