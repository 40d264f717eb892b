/** What every campaign of kills has: the world outside, the store, nodes that start, the comparison. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RedisServer, startRedis } from "../redis/server.ts";
import { Child } from "./child.ts";
import { AGENTS, acts, BALANCE, type LedgerState, TOKENS } from "./ledger.ts";
import { type KillStore, randomFrom } from "./moments.ts";
import type { FromNode } from "./node.ts";
import type { FromOutside, OutsideReport } from "./outside.ts";

export interface KillOptions {
  readonly store: KillStore;
  /** Processes at one time; more than one on Redis only. @default 1 */
  readonly nodes?: number;
  readonly kills: number;
  readonly seed: number;
  /** Agents that are idle for so long leave the memory. @unit ms @default null: never */
  readonly idleMs?: number | null;
  /** Of nodes on Redis. @unit ms @default 2 s */
  readonly leaseMs?: number;
  /** Of several nodes: each kill comes when all is well, and is followed. @default one in ten */
  readonly calm?: boolean;
  /** Told what has been done so far. */
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Times are in milliseconds: of one node from a kill to the first effect of the next process, of
 * several from a kill until each actor of who was killed has acted elsewhere.
 */
export interface KillReport {
  store: KillStore;
  nodes: number;
  seed: number;
  kills: number;
  /** So many kills came before the last comparison of what all hold; the world outside saw all. */
  compared: number;
  atPoints: number;
  /** How often an agent came back that was in the store only; of many lives the last moment is not known. */
  woken: number;
  /** How often a node was stopped for longer than its lease, and went on. */
  stops: number;
  /** Crash points that were not reached in time: the process was killed all the same. */
  missed: string[];
  messages: number;
  effects: number;
  /** Effects asked for again with the same key, as a step that was cut off is. */
  repeats: number;
  lost: number;
  doubled: number;
  /** Tool calls whose outcome nobody knows; this ledger's are all idempotent. */
  unknown: number;
  /** Anything else that was wrong. */
  faults: string[];
  /** Of a node's partitions; null: no Redis. */
  leaseMs: number | null;
  /** Recoveries that were measured. */
  recoveries: number;
  recoveryP50Ms: number;
  recoveryP99Ms: number;
  seconds: number;
}

/** A life of a node. */
export interface Life {
  readonly child: Child<FromNode>;
  readonly boot: number;
  /** Where it dies by itself, or null. */
  readonly point: string | null;
}

/** Of all nodes, unless another one is asked for. @unit ms */
const LEASE_MS = 2_000;

/** A start is mostly compiling; a process that ends in order leaves the result to the next. */
const COMPILED = join(tmpdir(), "coppice-kill-compiled");

/** The surroundings of the nodes, and the books. */
export class Stage {
  readonly options: KillOptions;
  readonly random: () => number;
  readonly leaseMs: number;
  readonly outside = new Child<FromOutside>("outside.ts", [], {});
  readonly recoveries: number[] = [];
  readonly faults: string[] = [];
  readonly missed: string[] = [];
  /** Settles when no more is wanted. */
  readonly aborted: Promise<"late">;
  atPoints = 0;
  stops = 0;
  woken = 0;
  kills = 0;
  readonly #began = performance.now();
  readonly #data = mkdtempSync(join(tmpdir(), "coppice-kill-"));
  readonly #living = new Set<Life>();
  #url = "";
  #redis: RedisServer | null = null;
  #boots = 0;
  #messages = 0;
  #missing = 0;
  #compared = 0;
  #doubled = 0;

  constructor(options: KillOptions) {
    this.options = options;
    this.random = randomFrom(options.seed);
    this.leaseMs = options.leaseMs ?? LEASE_MS;
    const { signal } = options;
    this.aborted = new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve("late"), { once: true });
    });
  }

  async open(): Promise<void> {
    if (this.options.store === "redis") this.#redis = await startRedis();
    const { port } = await this.outside.next("port");
    this.#url = `http://127.0.0.1:${port}/`;
  }

  /** Ends every process. @param keep something went wrong: the store can be looked at afterwards */
  async close(keep: boolean): Promise<void> {
    await Promise.all([...this.#living].map(({ child }) => child.kill()));
    await this.outside.kill();
    await this.#redis?.end(keep);
    const isHere = keep && this.#redis === null;
    if (!isHere) rmSync(this.#data, { recursive: true, force: true });
    if (keep) this.options.progress(`the store is kept: ${this.#redis?.folder ?? this.#data}`);
  }

  /** A new process. @param point where it is to die by itself */
  start(point: string | null = null): Life {
    const boot = ++this.#boots;
    const redis = this.#redis && {
      COPPICE_KILL_REDIS: this.#redis.url,
      COPPICE_KILL_LEASE: `${this.leaseMs}ms`,
    };
    const { idleMs = null } = this.options;
    const child = new Child<FromNode>("node.ts", [this.#data], {
      NODE_COMPILE_CACHE: COMPILED,
      ...redis,
      ...(idleMs !== null && { COPPICE_KILL_IDLE: `${idleMs}ms` }),
      ...(point && { COPPICE_CRASH_AT: point }),
      COPPICE_KILL_OUTSIDE: this.#url,
      COPPICE_KILL_BOOT: String(boot),
    });
    const life = { child, boot, point };
    this.#living.add(life);
    child.listen("woken", ({ count }) => {
      this.woken += count;
      return false;
    });
    void child.exited.then(() => this.#living.delete(life));
    return life;
  }

  /** One more kill is done. */
  killed(): void {
    this.kills++;
    if (this.kills % 10 === 0)
      this.options.progress(`${this.kills} of ${this.options.kills} kills`);
  }

  /** @returns whether a process that was to die at a point has done so */
  died({ child, boot, point }: Life): void {
    if (!child.over) this.missed.push(point ?? "?");
    else if (child.process.signalCode === "SIGKILL") this.atPoints++;
    else this.faults.push(`boot ${boot} ended by itself, not at ${point}`);
  }

  /** All comes to rest, is compared and goes on. @param lives that run: all there are */
  async check(lives: readonly Life[]): Promise<void> {
    const nodes = lives.map(({ child }) => child);
    const first = nodes[0] as Child<FromNode>;
    const { states, rested } = await first.ask("check", "checked");
    const world = await this.world();
    this.#compare(states, world);
    if (!rested) this.faults.push("not all tokens came to rest");
    const counts = await Promise.all(nodes.map((node) => node.ask("letters", "letters")));
    const letters = counts.reduce((sum, { count }) => sum + count, 0);
    if (letters > 0) this.faults.push(`${letters} dead letters`);
    for (const { some } of counts) for (const each of some) this.options.progress(each);
    await first.ask("go", "gone");
  }

  async world(): Promise<OutsideReport> {
    return (await this.outside.ask({ ask: "report" }, "report")).report;
  }

  async report(): Promise<KillReport> {
    const world = await this.world();
    const { store, nodes = 1, seed, idleMs = null } = this.options;
    if (idleMs !== null && this.woken === 0) this.faults.push("no agent has slept");
    const times = this.recoveries.sort((a, b) => a - b);
    const at = (part: number) => Math.round(times[Math.floor(times.length * part)] ?? 0);
    return {
      ...{
        store,
        nodes,
        seed,
        kills: this.kills,
        compared: this.#compared,
        atPoints: this.atPoints,
        stops: this.stops,
      },
      woken: this.woken,
      missed: this.missed,
      messages: this.#messages,
      effects: world.effects,
      repeats: world.repeats,
      lost: world.lost + this.#missing,
      doubled: world.doubled + this.#doubled,
      unknown: 0,
      faults: this.faults.slice(0, 20),
      leaseMs: store === "redis" ? this.leaseMs : null,
      recoveries: times.length,
      recoveryP50Ms: at(0.5),
      recoveryP99Ms: at(0.99),
      seconds: Math.round((performance.now() - this.#began) / 100) / 10,
    };
  }

  #compare(states: readonly LedgerState[], world: OutsideReport): void {
    const held = states.flatMap((each) => each.held);
    const tokens = new Set(held.map(({ token }) => token));
    this.#compared = this.kills;
    this.#missing = TOKENS - tokens.size;
    this.#doubled = held.length - tokens.size;
    this.#messages = held.reduce((sum, { hop }) => sum + hop, 0);
    const owned = states.reduce((sum, { balance }) => sum + balance, 0);
    const amounts = held.reduce((sum, { amount }) => sum + amount, 0);
    const sum = owned + amounts;
    const whole = AGENTS * BALANCE + TOKENS;
    if (sum !== whole) this.faults.push(`the sum is ${sum}, not ${whole}`);
    for (const { faults } of states) this.faults.push(...faults);
    for (const { token, hop } of held) {
      const expected = acts(hop) ? hop : hop - 1;
      const last = world.last[token] ?? 0;
      if (last !== expected) this.faults.push(`token ${token} is at ${hop}, the world at ${last}`);
    }
  }
}
