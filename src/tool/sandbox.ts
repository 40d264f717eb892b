/**
 * Owns: the port of the sandboxes: what a driver is asked for, and what it answers. One driver for
 * each tier, all on the control thread; a call is one request and one outcome.
 * Does not own: which tier runs a tool (tiers.ts), grants, schemas and records (broker.ts).
 *
 * What a driver promises: P-1 `run` settles once and never rejects; what goes wrong is an outcome.
 * P-2 when the signal fires, or `run` has settled, nothing of the call is left: no process, file,
 * descriptor. P-3 a sandbox serves one call and is destroyed. P-4 no limit is ignored: what cannot
 * be held is refused with `denied` before anything runs. P-5 what the guest says is hostile input.
 */
import type { IsolatedTier, Outcome } from "../actor/outcome.ts";
import type { Witnessed } from "../actor/tool.ts";
import type { SandboxLimits } from "../actor/walls.ts";

/** A file the call finds in its working folder, which is its scratch space. */
export interface SandboxFile {
  /** Relative, without `..`; the broker has checked it. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly executable: boolean;
}

/** A command to run. The environment holds what the tier sets, nothing of the host. */
export interface SandboxRequest {
  /** The same key is the same call: for logs, and for tools that can tell. */
  readonly key: string;
  readonly tool: string;
  /** Program by name or path inside of the sandbox; no shell reads it. */
  readonly command: string;
  readonly args: readonly string[];
  readonly files: readonly SandboxFile[];
  readonly stdin: Uint8Array;
}

/** What a command printed. An exit status other than 0 is the outcome `failed`. */
export interface CommandOutput {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** Where the limits ask for it. */
  readonly witness?: readonly Witnessed[];
}

/** A piece of output on its way, as it is printed. */
export interface OutputChunk {
  readonly stream: "stdout" | "stderr";
  readonly bytes: Uint8Array;
}

/** One tier on this host. */
export interface Sandbox {
  readonly tier: IsolatedTier;
  /** @param signal fires when nobody wants the answer any more: outcome `killed`, limit `owner` */
  run(
    request: SandboxRequest,
    limits: SandboxLimits,
    signal: AbortSignal,
    output: (chunk: OutputChunk) => void,
  ): Promise<Outcome<CommandOutput>>;
  /** Ends what runs, and all that waits warm. */
  close(): Promise<void>;
}

/** Has this host the tier? If not: why, and what to do. */
export type TierReport =
  | { readonly tier: IsolatedTier; readonly available: true; readonly what: string }
  | {
      readonly tier: IsolatedTier;
      readonly available: false;
      readonly why: string;
      readonly fix: string;
    };

/** Hears what goes wrong beside the calls: a line for the log. */
export type Tell = (message: string) => void;

/** What a driver's module exports. */
export interface SandboxDriver {
  /** Looks; starts nothing that stays. Bounded in time. */
  probe(): Promise<TierReport>;
  /** Called after a probe that found the tier, once in a node. */
  open(tell: Tell): Promise<Sandbox>;
}
