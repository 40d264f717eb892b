/**
 * Owns: the line between actors' threads and the sandboxes on the control thread: requests and
 * cancellations one way, pieces of output and outcomes the other.
 * Does not own: the sandboxes (tool/sandbox.ts, tool/tiers.ts), grants and schemas (tool/broker.ts).
 */
import type { MessagePort } from "node:worker_threads";
import { ActorError, type ErrorCode } from "../actor/errors.ts";
import { type IsolatedTier, NO_USAGE, type Outcome } from "../actor/outcome.ts";
import type { SandboxLimits } from "../actor/walls.ts";
import type { SandboxCall } from "../tool/broker.ts";
import type { CommandOutput, OutputChunk, SandboxRequest, Tell } from "../tool/sandbox.ts";
import type { Sandboxes } from "../tool/tiers.ts";

/** Actor's thread → control thread. */
type ToSandbox =
  | {
      readonly kind: "run";
      readonly id: number;
      readonly minimum: IsolatedTier;
      readonly request: SandboxRequest;
      readonly limits: SandboxLimits;
      readonly streams: boolean;
    }
  | { readonly kind: "cancel"; readonly id: number };

interface Missing {
  readonly code: ErrorCode;
  readonly message: string;
  readonly at?: string | undefined;
  readonly fix?: string | undefined;
}

/** Control thread → actor's thread. */
type FromSandbox =
  | { readonly kind: "output"; readonly id: number; readonly chunk: OutputChunk }
  | { readonly kind: "outcome"; readonly id: number; readonly outcome: Outcome<CommandOutput> }
  /** There was no sandbox to run it. */
  | { readonly kind: "missing"; readonly id: number; readonly error: Missing };

interface Open {
  readonly output: ((chunk: OutputChunk) => void) | null;
  readonly done: (outcome: Outcome<CommandOutput> & { cause?: unknown }) => void;
}

const nowhere = { tier: null, usage: NO_USAGE } as const;

function settle(open: Open, message: Exclude<FromSandbox, { kind: "output" }>): void {
  if (message.kind === "outcome") return open.done(message.outcome);
  const { code, message: why, ...place } = message.error;
  const details = place as { at?: string; fix?: string };
  const cause = new ActorError(code, why, details);
  open.done({ ...nowhere, tag: "failed", code: null, why, cause });
}

/** The end of a thread with actors: runs commands in sandboxes. */
export function sandboxCalls(port: MessagePort): SandboxCall {
  const open = new Map<number, Open>();
  let last = 0;
  port.on("message", (message: FromSandbox) => {
    const call = open.get(message.id);
    if (call === undefined) return;
    if (message.kind === "output") return call.output?.(message.chunk);
    open.delete(message.id);
    settle(call, message);
  });
  return (minimum, request, limits, signal, output) => {
    const id = ++last;
    return new Promise((resolve) => {
      const cancel = () => {
        const why = "its actor has ended";
        port.postMessage({ kind: "cancel", id } satisfies ToSandbox);
        if (open.delete(id)) resolve({ ...nowhere, tag: "killed", limit: "owner", why });
      };
      const done: Open["done"] = (outcome) => {
        signal.removeEventListener("abort", cancel);
        resolve(outcome);
      };
      open.set(id, { output, done });
      if (signal.aborted) return cancel();
      signal.addEventListener("abort", cancel, { once: true });
      const streams = output !== null;
      port.postMessage({ kind: "run", id, minimum, request, limits, streams } satisfies ToSandbox);
    });
  };
}

type Run = Extract<ToSandbox, { kind: "run" }>;

async function run(sandboxes: Sandboxes, call: Run, port: MessagePort, signal: AbortSignal) {
  const { id, minimum, request, limits, streams } = call;
  const say = (message: FromSandbox) => port.postMessage(message);
  try {
    const sandbox = await sandboxes.for(minimum, request.tool);
    if (signal.aborted) return;
    const { tier } = sandbox;
    const lost = (thrown: unknown): Outcome<CommandOutput> => {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      return { tag: "unknown", why, tier, usage: NO_USAGE };
    };
    const output = (chunk: OutputChunk) => {
      if (streams && !signal.aborted) say({ kind: "output", id, chunk });
    };
    const outcome = await sandbox.run(request, limits, signal, output).catch(lost);
    if (!signal.aborted) say({ kind: "outcome", id, outcome });
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const known = thrown instanceof ActorError ? thrown : null;
    const code = known?.code ?? "E_SANDBOX_MISSING";
    say({ kind: "missing", id, error: { code, message, at: known?.at, fix: known?.fix } });
  }
}

/** The sandboxes of a node as its control thread serves them. */
export interface SandboxServer {
  /** Serves the calls that come over a port. */
  serve(port: MessagePort): void;
  /** Ends what runs. */
  close(): Promise<void>;
}

/** The end of the control thread: makes the sandboxes with the first call, wherever it comes from. */
export function sandboxServer(tell: Tell): SandboxServer {
  let made: Promise<Sandboxes> | null = null;
  const all = () => {
    made ??= import("../tool/tiers.ts").then(({ Sandboxes }) => new Sandboxes(tell));
    return made;
  };
  const running = new Set<AbortController>();
  return {
    serve(port) {
      const own = new Map<number, AbortController>();
      port.on("message", async (message: ToSandbox) => {
        if (message.kind === "cancel") return own.get(message.id)?.abort();
        const ended = new AbortController();
        own.set(message.id, ended);
        running.add(ended);
        await run(await all(), message, port, ended.signal);
        own.delete(message.id);
        running.delete(ended);
      });
      // The thread of the actors is gone, and they with it.
      port.on("close", () => {
        for (const each of own.values()) each.abort();
      });
    },
    async close() {
      for (const each of running) each.abort();
      await (await made)?.close();
    },
  };
}
