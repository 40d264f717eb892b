/**
 * Owns: the calls of one sandbox that are under way: refusing what cannot be held, finding the guest's
 * image, ending all when the sandbox closes; a call settles once and never rejects (P-1).
 * Does not own: running a command (confined-sandbox.ts, microvm.ts).
 */
import { type IsolatedTier, NO_USAGE, type Outcome } from "../actor/outcome.ts";
import type { SandboxLimits } from "../actor/walls.ts";
import { Collector, type Cut, outcomeOf } from "./collect.ts";
import { findImage, type Image, lacking, runtimeOf } from "./image.ts";
import { useImage } from "./image-store.ts";
import type { CommandOutput, OutputChunk, SandboxRequest } from "./sandbox.ts";

/** One call that may run. */
export interface Call {
  readonly request: SandboxRequest;
  readonly limits: SandboxLimits;
  readonly image: Image;
  /** Fires when nobody wants the answer any more, or the sandbox closes. */
  readonly signal: AbortSignal;
  readonly collected: Collector;
}

type Refuse = (request: SandboxRequest, limits: SandboxLimits) => Cut | null;

export class Calls {
  readonly #tier: IsolatedTier;
  readonly #refuse: Refuse;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  /** @param refuse why a call cannot run here; null: it can */
  constructor(tier: IsolatedTier, refuse: Refuse) {
    this.#tier = tier;
    this.#refuse = refuse;
  }

  run(
    request: SandboxRequest,
    limits: SandboxLimits,
    signal: AbortSignal,
    output: (chunk: OutputChunk) => void,
    perform: (call: Call) => Promise<Outcome<CommandOutput>>,
  ): Promise<Outcome<CommandOutput>> {
    const collected = new Collector(limits, output);
    const ended = (cut: Cut) => outcomeOf(this.#tier, limits, NO_USAGE, cut, collected);
    const refused = this.#refuse(request, limits);
    if (refused !== null) return Promise.resolve(ended(refused));
    const runtime = runtimeOf(request.command);
    const image = findImage(runtime);
    if (image === null) {
      const { why, fix } = lacking(runtime);
      return Promise.resolve(ended({ tag: "absent", why: `${why}; ${fix}` }));
    }
    useImage(image);
    const both = AbortSignal.any([signal, this.#closing.signal]);
    const run = perform({ request, limits, image, signal: both, collected }).catch(
      (thrown: unknown) => ended({ tag: "unknown", why: `it was lost: ${thrown}` }),
    );
    this.#running.add(run);
    return run.finally(() => this.#running.delete(run));
  }

  /** Ends what runs. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#running);
  }
}
