/**
 * Owns: what one chaos run is made of, drawn from its seed: number of threads, a supervision tree of
 * simulated actors with all strategies, restart and shutdown kinds, and how long it goes on.
 * Does not own: the behaviours (workload.ts), faults (faults.ts), driving it (chaos.ts).
 */
import {
  type ActorSettings,
  type ChildSpec,
  child,
  dynamic,
  type SupervisorSpec,
  supervisor,
} from "../actor/spec.ts";
import { below, drawInit, pick, pickWeighted, type Random } from "./programs.ts";
import { PROBE } from "./run-context.ts";
import type { WorkerArgs, Workload } from "./workload.ts";

const DEPTH_MAX = 3;
const ACTORS_MAX = 24;
const ROOT = "root";

/** A run before it begins. */
export interface Swarm {
  readonly threads: number;
  readonly root: SupervisorSpec;
  /** Do faults begin only when the tree has started? */
  readonly calmStart: boolean;
  /** Macro steps of the chaos phase. */
  readonly steps: number;
  /** Chance that the driver does something instead of a step. */
  readonly pressure: number;
  /** Envelopes between two threads before senders rest. */
  readonly lineMax: number;
}

/** @param sleep decides about hibernation: of its own, so that it leaves all else as it was */
export function drawSwarm(random: Random, workload: Workload, sleep: Random): Swarm {
  const drawing = new Drawing(random, workload, sleep);
  return {
    threads: pick(random, [1, 2, 3, 3, 4]),
    root: drawing.supervisor(ROOT, `/${ROOT}`, 0),
    calmStart: random() < 0.8,
    steps: pick(random, [150, 300, 300, 600, 1_200]),
    pressure: pick(random, [0.05, 0.1, 0.2, 0.35]),
    lineMax: pick(random, [2, 6, 1_000, 1_000]),
  };
}

/** Draws specs; also those that are added while the tree runs. */
export class Drawing {
  readonly #random: Random;
  readonly #workload: Workload;
  readonly #sleep: Random;
  readonly #actors: string[] = [];

  constructor(random: Random, workload: Workload, sleep: Random) {
    this.#sleep = sleep;
    this.#random = random;
    this.#workload = workload;
  }

  supervisor(id: string, path: string, depth: number): SupervisorSpec {
    const random = this.#random;
    const autoShutdown =
      depth === 0
        ? "never"
        : pick(random, ["never", "never", "any_significant", "all_significant"]);
    const flags = {
      ...this.#flags(depth),
      strategy: pick(random, ["one_for_one", "one_for_all", "rest_for_one"] as const),
      autoShutdown: autoShutdown as "never" | "any_significant" | "all_significant",
    };
    const count = 2 + below(random, depth === 0 ? 4 : 3);
    const children = Array.from({ length: count }, (_, nth): ChildSpec => {
      const name = `${"abcdef"[nth]}${depth}`;
      const at = `${path}/${name}`;
      const full = depth >= DEPTH_MAX || this.#actors.length > ACTORS_MAX;
      const kind = pickWeighted(random, [
        [depth === 0 ? 4 : 6, "actor"],
        [full ? 0 : 3, "supervisor"],
        [full ? 0 : 2, "dynamic"],
      ] as const);
      if (kind === "supervisor") return this.supervisor(name, at, depth + 1);
      if (kind === "dynamic") return this.#dynamic(name, at, depth + 1);
      return this.actor(name, at, autoShutdown !== "never");
    });
    return supervisor(id, flags, children);
  }

  #flags(depth: number) {
    const random = this.#random;
    const patient = depth === 0 && random() < 0.85;
    return {
      intensity: patient ? 1_000 : pick(random, [0, 1, 1, 2, 3, 5, 10]),
      period: pick(random, [500, 1_000, 5_000, 30_000]),
      restart: pickWeighted(random, [
        [7, "permanent"],
        [2, "transient"],
        [1, "temporary"],
      ] as const),
      shutdown: pickWeighted<"infinity" | "brutal_kill" | number>(random, [
        [8, "infinity"],
        [1, 3_000],
        [1, "brutal_kill"],
      ]),
    };
  }

  #dynamic(id: string, path: string, depth: number): SupervisorSpec {
    const random = this.#random;
    const flags = { ...this.#flags(depth), maxChildren: pick(random, [2, 8, 1_000]) };
    if (random() < 0.2) return dynamic(id, flags, this.supervisor("sub", `${path}/*`, DEPTH_MAX));
    const settings = this.#settings(false, random() < 0.4, true);
    const often = settings.durable && this.#sleep() < 0.8;
    const hibernateAfter = pick(this.#sleep, [1, 5, 50, 500, 5_000]);
    const sleeping = often ? { ...settings, hibernateAfter } : settings;
    return dynamic(id, flags, this.#behaviour(), sleeping);
  }

  #behaviour() {
    const { behaviours } = this.#workload;
    const { plain, trapping, deaf } = behaviours;
    return pickWeighted(this.#random, [
      [4, plain],
      [5, trapping],
      [1, deaf],
    ] as const);
  }

  actor(id: string, path: string, significant: boolean, durable = this.#random() < 0.4): ChildSpec {
    const random = this.#random;
    if (durable) this.#workload.ledger.declare(path);
    const busy = this.#actors.length > 0 && random() < 0.25;
    const args: WorkerArgs = {
      init: busy ? drawInit(random, this.#actors) : [],
      ignores: random() < 0.1 ? 0.3 : 0,
    };
    if (!path.includes("*")) this.#actors.push(path);
    const settings = { ...this.#settings(significant, durable, args.init.length === 0), args };
    return child(id, this.#behaviour() as never, settings as never);
  }

  /** @param quick its init does not wait: only then a short time is enough for it */
  #settings(significant: boolean, durable: boolean, quick: boolean): ActorSettings {
    const random = this.#random;
    const { faults } = this.#workload;
    const restart = pickWeighted(random, [
      [6, "permanent"],
      [2, "transient"],
      [2, "temporary"],
    ] as const);
    const small = faults.fires("small mailbox");
    return {
      durable,
      movable: true,
      restart,
      significant: significant && restart !== "permanent" && random() < 0.6,
      shutdown: pick(random, ["brutal_kill", 100, 5_000, 5_000, "infinity"] as const),
      tools: [PROBE],
      ...(random() < 0.2 ? { maxDeliveries: 1 } : {}),
      ...(random() < 0.2 ? { maxInterruptions: 1 } : {}),
      ...(small ? { mailboxMax: 1 + below(random, 6) } : {}),
      overflow: pick(random, ["mute", "mute", "reject", "drop"] as const),
      ...(quick && faults.fires("short start") ? { startTimeout: 50 } : {}),
    };
  }
}
