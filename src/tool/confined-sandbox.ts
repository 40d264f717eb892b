/**
 * Owns: a sandbox whose calls are processes of the host behind a wall.
 * Does not own: the wall (process.ts, userkernel.ts), watching a call (confined.ts), calls (calls.ts).
 */
import type { IsolatedTier, Outcome } from "../actor/outcome.ts";
import type { SandboxLimits } from "../actor/walls.ts";
import { Calls } from "./calls.ts";
import { outcomeOf, refusal } from "./collect.ts";
import { sizeOf } from "./command.ts";
import { type Confined, runConfined } from "./confined.ts";
import type { Image } from "./image.ts";
import type { CommandOutput, OutputChunk, Sandbox, SandboxRequest } from "./sandbox.ts";

type Confine = (image: Image, request: SandboxRequest, limits: SandboxLimits) => Confined;

export class ConfinedSandbox implements Sandbox {
  readonly tier: IsolatedTier;
  readonly #confine: Confine;
  readonly #close: () => Promise<void>;
  readonly #calls: Calls;

  /** @param close what is left to do when nothing runs any more */
  constructor(tier: IsolatedTier, confine: Confine, close: () => Promise<void> = async () => {}) {
    this.tier = tier;
    this.#confine = confine;
    this.#close = close;
    this.#calls = new Calls(tier, refusal);
  }

  run(
    request: SandboxRequest,
    limits: SandboxLimits,
    signal: AbortSignal,
    output: (chunk: OutputChunk) => void,
  ): Promise<Outcome<CommandOutput>> {
    return this.#calls.run(request, limits, signal, output, async (call) => {
      const { collected } = call;
      const confined = this.#confine(call.image, request, limits);
      const { end, ...used } = await runConfined(confined, limits, call.signal, collected);
      const usage = { ...used, bytesIn: sizeOf(request), bytesOut: collected.bytes };
      return outcomeOf(this.tier, limits, usage, end, collected);
    });
  }

  async close(): Promise<void> {
    await this.#calls.close();
    await this.#close();
  }
}
