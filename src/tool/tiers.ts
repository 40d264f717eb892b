/**
 * Owns: which sandbox drivers there are, which of them this host has, and which one runs a tool: the
 * weakest that is at least what the tool asks for. Never a weaker one.
 * Does not own: the drivers, and what they are asked (sandbox.ts).
 */
import { ActorError } from "../actor/errors.ts";
import { ISOLATED_TIERS, type IsolatedTier } from "../actor/outcome.ts";
import type { Sandbox, SandboxDriver, Tell, TierReport } from "./sandbox.ts";

/** How to get at the driver of a tier; absent: this version has none. */
export type Drivers = Partial<Record<IsolatedTier, () => Promise<SandboxDriver>>>;

/** The drivers of this version. */
export const DRIVERS: Drivers = {
  process: async () => (await import("./process.ts")).processes,
  userkernel: async () => (await import("./userkernel.ts")).userkernel,
  "microvm-tcg": async () => (await import("./microvm.ts")).microvmTcg,
  microvm: async () => (await import("./microvm.ts")).microvmKvm,
};

const absent = (tier: IsolatedTier): TierReport => ({
  tier,
  available: false,
  why: "this version has no driver for it",
  fix: "give the tool a function, or another minimum tier",
});

async function probe(tier: IsolatedTier, drivers: Drivers): Promise<TierReport> {
  const load = drivers[tier];
  return load === undefined ? absent(tier) : (await load()).probe();
}

/** What this host has of every tier. */
export function probeTiers(drivers: Drivers = DRIVERS): Promise<TierReport[]> {
  return Promise.all(ISOLATED_TIERS.map((tier) => probe(tier, drivers)));
}

/** The tiers that are at least `minimum`, weakest first. */
const atLeast = (minimum: IsolatedTier) => ISOLATED_TIERS.slice(ISOLATED_TIERS.indexOf(minimum));

/**
 * The tier that will run what asks for `minimum`.
 *
 * @throws ActorError E_SANDBOX_MISSING with what each tier lacks
 */
export async function tierFor(
  minimum: IsolatedTier,
  tool: string,
  drivers: Drivers = DRIVERS,
): Promise<IsolatedTier> {
  const lacks: string[] = [];
  let fix = "";
  for (const tier of atLeast(minimum)) {
    const report = await probe(tier, drivers);
    if (report.available) return tier;
    lacks.push(`${tier}: ${report.why}`);
    fix ||= report.fix;
  }
  throw new ActorError("E_SANDBOX_MISSING", `tool ${tool} needs at least the tier ${minimum}`, {
    at: lacks.join("; "),
    fix,
  });
}

/** The open sandboxes of a node: a driver is opened by the first call that needs it. */
export class Sandboxes {
  readonly #tell: Tell;
  readonly #drivers: Drivers;
  readonly #chosen = new Map<IsolatedTier, Promise<IsolatedTier>>();
  readonly #open = new Map<IsolatedTier, Promise<Sandbox>>();

  constructor(tell: Tell, drivers: Drivers = DRIVERS) {
    this.#tell = tell;
    this.#drivers = drivers;
  }

  /** @throws ActorError E_SANDBOX_MISSING; what the driver's `open` throws */
  async for(minimum: IsolatedTier, tool: string): Promise<Sandbox> {
    let chosen = this.#chosen.get(minimum);
    if (chosen === undefined) {
      chosen = tierFor(minimum, tool, this.#drivers);
      this.#chosen.set(minimum, chosen);
      // A host may get the tier later: what failed is looked at again with the next call.
      chosen.catch(() => this.#chosen.delete(minimum));
    }
    return this.#sandbox(await chosen);
  }

  #sandbox(tier: IsolatedTier): Promise<Sandbox> {
    const known = this.#open.get(tier);
    if (known !== undefined) return known;
    const load = this.#drivers[tier] as () => Promise<SandboxDriver>;
    const opened = load().then((driver) => driver.open(this.#tell));
    this.#open.set(tier, opened);
    opened.catch(() => this.#open.delete(tier));
    return opened;
  }

  /** Ends all sandboxes. */
  async close(): Promise<void> {
    const open = await Promise.allSettled(this.#open.values());
    this.#open.clear();
    for (const each of open) if (each.status === "fulfilled") await each.value.close();
  }
}
