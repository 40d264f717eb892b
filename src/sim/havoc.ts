/**
 * Owns: the faults that come from outside of the actors: kills, suspensions, lost threads, delays.
 * Does not own: how likely they are (faults.ts), faults inside of handlers (session.ts, workload.ts).
 */
import type { ExitReason } from "../actor/exit.ts";
import type { Envelope } from "../kernel/ports.ts";
import type { Chaos } from "./chaos.ts";
import { below, pick, type Random } from "./programs.ts";

/** What has been seen running in this run. */
export interface Paths {
  readonly actors: string[];
  /** The root first. */
  readonly supervisors: string[];
  readonly dynamics: string[];
}

const REASONS: readonly ExitReason[] = [
  { tag: "normal" },
  { tag: "shutdown", detail: "signal" },
  { tag: "error", name: "Signal", message: "sent by hand" },
];

/** Whoever breaks things. */
export class Havoc {
  readonly #chaos: Chaos;
  readonly #random: Random;
  readonly #paths: Paths;
  readonly #suspended = new Set<string>();
  /** Where each life is, or was when it ended: what is left of its code goes with that thread. */
  readonly #threads = new Map<number, number>();

  constructor(chaos: Chaos, random: Random, paths: Paths) {
    this.#chaos = chaos;
    this.#random = random;
    this.#paths = paths;
    chaos.stream.listen((event) => {
      if (event.type === "starting" || event.type === "moved") {
        this.#threads.set(event.life, event.thread);
      }
      if (event.type === "moved") chaos.workload.moves(event.life);
      else if (event.type === "vanished") this.#gone(event.path, event.reason);
    });
  }

  /** How many processes are suspended. */
  get suspended(): number {
    return this.#suspended.size;
  }

  /** Perhaps a fault. @returns whether one happened */
  strike(): boolean {
    const { faults } = this.#chaos;
    if (faults.fires("kill actor")) return this.#kill(this.#actor());
    if (faults.fires("kill supervisor")) return this.#killSupervisor();
    if (faults.fires("several deaths")) return this.#severalDeaths();
    if (faults.fires("lose thread")) return this.#loseThread();
    if (faults.fires("store error before")) return this.#storeError(0);
    if (faults.fires("store error after")) return this.#storeError(1);
    if (faults.fires("suspend process")) return this.#suspend(this.#anybody());
    if (faults.fires("shut down child")) {
      const reason: ExitReason = { tag: "shutdown", detail: "operator" };
      return this.#signal("shut down", { kind: "shutdown", to: this.#child(), life: 0, reason });
    }
    if (faults.fires("exit signal")) {
      const reason = pick(this.#random, REASONS);
      const to = this.#anybody();
      return this.#signal("exit", { kind: "exit", to, from: "", reason, linked: false });
    }
    return this.#slow();
  }

  #slow(): boolean {
    const { faults, world, swarm } = this.#chaos;
    const random = this.#random;
    const between = (min: number, max: number) => Math.round(min + random() * (max - min));
    const thread = below(random, swarm.threads + 1);
    if (faults.fires("stall thread")) world.stall("turn", thread, between(100, 10_000));
    else if (faults.fires("delay link")) world.stall("link", thread, between(10, 3_000));
    else if (faults.fires("delay store")) world.stall("store", thread, between(10, 3_000));
    else if (faults.fires("delay answers")) world.stall("answers", thread, between(10, 3_000));
    else if (faults.fires("clock jump")) world.advance(world.nowMs + between(1, 500));
    else if (faults.fires("clock pause")) world.advance(world.nowMs + 30_000);
    else return false;
    return true;
  }

  #anybody(): string {
    const { actors, supervisors, dynamics } = this.#paths;
    return pick(this.#random, [...actors, ...supervisors, ...dynamics]);
  }

  #actor(): string {
    return pick(this.#random, this.#paths.actors);
  }

  /** Anybody, but the root seldom: after its end nothing happens any more. */
  #child(): string {
    const to = this.#anybody();
    const root = to === this.#paths.supervisors[0];
    return root && this.#random() < 0.9 ? this.#actor() : to;
  }

  #signal(what: string, envelope: Envelope): boolean {
    const { world, stream } = this.#chaos;
    stream.emit({ type: "fault", what, at: envelope.to });
    world.send(envelope);
    return true;
  }

  #kill(to: string): boolean {
    return this.#signal("kill", { kind: "kill", to, life: 0, by: "operator" });
  }

  #killSupervisor(): boolean {
    const { supervisors, dynamics } = this.#paths;
    const all = [...supervisors.slice(1), ...dynamics];
    return all.length === 0 ? false : this.#kill(pick(this.#random, all));
  }

  #severalDeaths(): boolean {
    const { actors, supervisors, dynamics } = this.#paths;
    const to = pick(this.#random, [...supervisors, ...dynamics]);
    this.#suspend(to);
    const children = actors.filter((path) => path.startsWith(`${to}/`));
    for (const path of children) if (this.#random() < 0.6) this.#kill(path);
    return true;
  }

  #suspend(to: string): boolean {
    this.#suspended.add(to);
    return this.#signal("suspend", { kind: "suspend", to });
  }

  /** What a thread had asked of the store is done, or not, and nobody tells it. @param part 0 or 1 */
  #storeError(part: number): boolean {
    const { world } = this.#chaos;
    const asking = [...world.hosts.keys()].filter(
      (thread) => thread > 0 && (world.hosts[thread]?.store.size ?? 0) > 0,
    );
    return asking.length > 0 && this.#loseThread(pick(this.#random, asking), part);
  }

  #loseThread(
    thread = 1 + below(this.#random, this.#chaos.swarm.threads),
    part: number | null = null,
  ): boolean {
    const { world, stream, workload, census } = this.#chaos;
    const host = world.hosts[thread];
    if (!host?.alive) return false;
    const reason: ExitReason = { tag: "thread_lost", thread };
    const lives = [...host.kernel.members.values()];
    world.loseThread(thread, part);
    stream.emit({ type: "lost", lost: thread });
    for (const [life, at] of this.#threads) {
      if (at === thread && !census.isAlive(life)) workload.goes(life);
    }
    for (const { path, life } of lives) {
      workload.goes(life);
      stream.emit({ type: "gone", path, life, reason });
    }
    return true;
  }

  /** It was on its way, or is known to be gone already. */
  #gone(path: string, reason: ExitReason): void {
    const { census, workload, stream } = this.#chaos;
    const life = census.living.get(path)?.life;
    if (life === undefined) return;
    workload.goes(life);
    stream.emit({ type: "gone", path, life, reason });
  }

  resumeOne(): void {
    const to = pick(this.#random, [...this.#suspended]);
    this.#suspended.delete(to);
    this.#signal("resume", { kind: "resume", to });
  }

  resumeAll(): void {
    for (const to of this.#suspended) this.#signal("resume", { kind: "resume", to });
    this.#suspended.clear();
  }

  /** Some are suspended when the stop comes: they must obey all the same. */
  suspendSome(): void {
    for (const path of this.#paths.actors) if (this.#random() < 0.1) this.#suspend(path);
  }
}
