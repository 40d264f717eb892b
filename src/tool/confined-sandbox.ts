/**
 * Owns: a sandbox whose calls are processes of the host behind a wall: finding the guest's root, refusing
 * what cannot be held, and ending what runs.
 * Does not own: the wall (process.ts, userkernel.ts), watching a call (confined.ts).
 */
import { type IsolatedTier, NO_USAGE, type Outcome } from "../actor/outcome.ts";
import { bytesIn, Collector, outcomeOf, refusal } from "./collect.ts";
import { type Confined, runConfined } from "./confined.ts";
import { buildFix, findImage, type Image, runtimeOf } from "./image.ts";
import type {
  CommandOutput,
  OutputChunk,
  Sandbox,
  SandboxLimits,
  SandboxRequest,
} from "./sandbox.ts";

type Confine = (image: Image, request: SandboxRequest, limits: SandboxLimits) => Confined;

export class ConfinedSandbox implements Sandbox {
  readonly tier: IsolatedTier;
  readonly #confine: Confine;
  readonly #close: () => Promise<void>;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  /** @param close what is left to do when nothing runs any more */
  constructor(tier: IsolatedTier, confine: Confine, close: () => Promise<void> = async () => {}) {
    this.tier = tier;
    this.#confine = confine;
    this.#close = close;
  }

  run(
    request: SandboxRequest,
    limits: SandboxLimits,
    signal: AbortSignal,
    output: (chunk: OutputChunk) => void,
  ): Promise<Outcome<CommandOutput>> {
    const run = this.#run(request, limits, signal, output).catch((thrown: unknown) => {
      const end = { tag: "unknown", why: `it was lost: ${thrown}` } as const;
      return outcomeOf(this.tier, limits, NO_USAGE, end, new Collector(limits, output));
    });
    this.#running.add(run);
    return run.finally(() => this.#running.delete(run));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#running);
    await this.#close();
  }

  async #run(
    request: SandboxRequest,
    limits: SandboxLimits,
    signal: AbortSignal,
    output: (chunk: OutputChunk) => void,
  ): Promise<Outcome<CommandOutput>> {
    const collected = new Collector(limits, output);
    const refused = refusal(request, limits);
    if (refused !== null) return outcomeOf(this.tier, limits, NO_USAGE, refused, collected);
    const runtime = runtimeOf(request.command);
    const image = findImage(runtime);
    if (image === null) {
      const why = `there is no guest image with ${runtime}; ${buildFix(runtime)}`;
      return outcomeOf(this.tier, limits, NO_USAGE, { tag: "denied", why }, collected);
    }
    const both = AbortSignal.any([signal, this.#closing.signal]);
    const confined = this.#confine(image, request, limits);
    const { end, ...used } = await runConfined(confined, limits, both, collected);
    const usage = { ...used, bytesIn: bytesIn(request), bytesOut: collected.bytes };
    return outcomeOf(this.tier, limits, usage, end, collected);
  }
}
