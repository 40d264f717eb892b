/**
 * Owns: a sandbox whose calls are processes of the host behind a wall.
 * Does not own: the wall (process.ts, userkernel.ts), watching a call (confined.ts), calls (calls.ts).
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { IsolatedTier, Outcome } from "../actor/outcome.ts";
import type { SandboxLimits } from "../actor/walls.ts";
import { type Call, Calls } from "./calls.ts";
import { type Cut, outcomeOf, refusal } from "./collect.ts";
import { sizeOf } from "./command.ts";
import { type Confined, runConfined } from "./confined.ts";
import { openDoor } from "./door.ts";
import type { Image } from "./image.ts";
import type { Jail } from "./jail.ts";
import { outletOf } from "./outlet.ts";
import type { CommandOutput, OutputChunk, Sandbox, SandboxRequest } from "./sandbox.ts";

/** The walls of one call. */
export interface Walls {
  readonly image: Image;
  readonly request: SandboxRequest;
  readonly limits: SandboxLimits;
  /** Who it runs as; null: as this process does. */
  readonly user: Jail["user"];
  /** The socket that leads to the hosts it was granted; null: none. */
  readonly door: string | null;
}

/** How a tier builds walls. */
export interface Confining {
  readonly tier: IsolatedTier;
  /** Of this sandbox alone; made when it is needed, removed in the end. */
  readonly folder: string;
  /** Chooses who a call runs as. */
  readonly user: () => Jail["user"];
  readonly confine: (walls: Walls) => Confined;
}

export class ConfinedSandbox implements Sandbox {
  readonly tier: IsolatedTier;
  readonly #confining: Confining;
  readonly #calls: Calls;
  #doors = 0;

  constructor(confining: Confining) {
    this.tier = confining.tier;
    this.#confining = confining;
    this.#calls = new Calls(this.tier, refusal);
  }

  run(
    request: SandboxRequest,
    limits: SandboxLimits,
    signal: AbortSignal,
    output: (chunk: OutputChunk) => void,
  ): Promise<Outcome<CommandOutput>> {
    return this.#calls.run(request, limits, signal, output, (call) => this.#perform(call));
  }

  async close(): Promise<void> {
    await this.#calls.close();
    await rm(this.#confining.folder, { recursive: true, force: true });
  }

  async #perform({ request, limits, image, signal, collected }: Call) {
    const { confine, folder } = this.#confining;
    const user = this.#confining.user();
    const { promise: cut, resolve: over } = Promise.withResolvers<Cut>();
    const outlet = outletOf(limits, over);
    const door = outlet && (await openDoor(join(folder, `door-${++this.#doors}`), user, outlet));
    try {
      const confined = confine({ image, request, limits, user, door: door?.path ?? null });
      const { end, ...used } = await runConfined(confined, limits, signal, collected, cut);
      const usage = {
        ...used,
        bytesIn: sizeOf(request),
        bytesOut: collected.bytes,
        ...(outlet && { network: outlet.rows }),
      };
      return outcomeOf(this.tier, limits, usage, end, collected);
    } finally {
      await door?.close();
    }
  }
}
