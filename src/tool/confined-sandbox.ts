/**
 * Owns: a sandbox whose calls are processes of the host behind a wall.
 * Does not own: the wall (process.ts, userkernel.ts), watching a call (confined.ts), calls (calls.ts).
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type IsolatedTier, NO_USAGE, type Outcome } from "../actor/outcome.ts";
import type { SandboxLimits } from "../actor/walls.ts";
import { type Call, Calls } from "./calls.ts";
import { type Cut, outcomeOf, refusal } from "./collect.ts";
import { sizeOf } from "./command.ts";
import { type Confined, runConfined } from "./confined.ts";
import { type Door, openDoor } from "./door.ts";
import type { Image } from "./image.ts";
import type { Jail } from "./jail.ts";
import { outletOf } from "./outlet.ts";
import { runFolder } from "./run-folder.ts";
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
  /** Of this sandbox alone, removed in the end; null: one is chosen when it is needed. */
  readonly folder: string | null;
  /** Chooses who a call runs as. */
  readonly user: () => Jail["user"];
  readonly confine: (walls: Walls) => Confined;
}

export class ConfinedSandbox implements Sandbox {
  readonly tier: IsolatedTier;
  readonly #confining: Confining;
  readonly #calls: Calls;
  #folder: string | null;
  #doors = 0;

  constructor(confining: Confining) {
    this.tier = confining.tier;
    this.#confining = confining;
    this.#folder = confining.folder;
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
    if (this.#folder !== null) await rm(this.#folder, { recursive: true, force: true });
  }

  async #perform({ request, limits, image, signal, collected }: Call) {
    const user = this.#confining.user();
    const { promise: cut, resolve: over } = Promise.withResolvers<Cut>();
    const outlet = outletOf(limits, over);
    let door: Door | null = null;
    try {
      door = outlet && (await openDoor(this.#doorFolder(), user, outlet));
    } catch (thrown) {
      const why = `its way to the hosts it was granted cannot be opened: ${(thrown as Error).message}`;
      return outcomeOf(this.tier, limits, NO_USAGE, { tag: "absent", why }, collected);
    }
    try {
      const confined = this.#confining.confine({
        image,
        request,
        limits,
        user,
        door: door?.path ?? null,
      });
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

  #doorFolder(): string {
    this.#folder ??= runFolder();
    return join(this.#folder, `door-${++this.#doors}`);
  }
}
