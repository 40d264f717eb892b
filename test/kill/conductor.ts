/** Kills the ledger's process again and again, and finds out what that has cost: nothing, or what. */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CRASH_POINTS, type CrashPoint } from "../../src/store/crash-point.ts";
import { type RedisServer, startRedis } from "../redis/server.ts";
import { AGENTS, acts, BALANCE, type LedgerState, TOKENS } from "./ledger.ts";
import type { FromNode } from "./node.ts";
import type { FromOutside, OutsideReport } from "./outside.ts";

export type KillStore = "sqlite" | "redis";

export interface KillOptions {
  readonly store: KillStore;
  readonly kills: number;
  readonly seed: number;
  /** Told what has been done so far. */
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Times are in milliseconds, from a kill to the first effect of the next process. */
export interface KillReport {
  store: KillStore;
  seed: number;
  kills: number;
  atPoints: number;
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
  recoveryP50Ms: number;
  recoveryP99Ms: number;
  seconds: number;
}

/** All is put to rest and compared after so many kills, and at the end. */
const CHECK_EVERY = 100;
/** Longest wait for a crash point, an answer, a start: then something hangs. @unit ms */
const PATIENCE_MS = 120_000;
const POINT_MS = 60_000;

/** A small generator of numbers in [0, 1), the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** It keeps nobody: what is waited for meanwhile does. */
const sleep = (ms: number) =>
  new Promise<"late">((resolve) => void setTimeout(resolve, ms, "late").unref());

/** A child process with its messages. */
class Child<M extends { kind: string }> {
  readonly process: ChildProcess;
  readonly exited: Promise<void>;
  over = false;

  constructor(file: string, args: readonly string[], env: Record<string, string>) {
    const execArgv = ["--conditions=coppice-source"];
    const path = join(import.meta.dirname, file);
    const options = { execArgv, env: { ...process.env, ...env } };
    this.process = fork(path, [...args], {
      ...options,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.exited = new Promise((resolve) => {
      const end = () => {
        this.over = true;
        resolve();
      };
      this.process.once("exit", end);
      this.process.once("error", end);
    });
  }

  /** The next message that fits. @throws Error when it ends before, or takes too long */
  async next<K extends M["kind"]>(
    kind: K,
    fits: (message: Extract<M, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<M, { kind: K }>> {
    const found = new Promise<Extract<M, { kind: K }>>((resolve) => {
      const on = (message: M) => {
        if (message.kind !== kind || !fits(message as never)) return;
        this.process.off("message", on);
        resolve(message as never);
      };
      this.process.on("message", on);
    });
    const first = await Promise.race([found, this.exited, sleep(PATIENCE_MS)]);
    if (typeof first === "object") return first;
    throw new Error(first === "late" ? `no "${kind}" in time` : `it ended before "${kind}"`);
  }

  async kill(): Promise<void> {
    if (!this.over) this.process.kill("SIGKILL");
    await this.exited;
  }
}

/** How one life ends: at a point, or after a time from its start or from its first effect. */
type Death =
  | { readonly at: CrashPoint; readonly count: number }
  | { readonly after: "start" | "effect"; readonly ms: number };

const POINTS = CRASH_POINTS.filter((each) => each !== "open:created");

/** Those on a thread's side of its line to the store, whichever store that is. */
const REDIS_POINTS = POINTS.filter((each) =>
  ["batch:taken", "batch:heard", "batch:released", "tool:called", "tool:done"].includes(each),
);

function deathOf(kill: number, store: KillStore, random: () => number): Death {
  const points = store === "redis" ? REDIS_POINTS : POINTS;
  // A store is made once.
  if (kill === 0 && store === "sqlite") return { at: "open:created", count: 1 };
  if (kill % 3 === 0) {
    const at = points[(kill / 3) % points.length] as CrashPoint;
    const most = at.startsWith("open:") ? 1 : at.startsWith("load:") ? AGENTS : 40;
    return { at, count: 1 + Math.floor(random() * most) };
  }
  // In the middle of starting and reading the store, or some time into the work.
  // (On Redis a start begins by waiting for the lease of who was killed.)
  const starting = store === "redis" ? 4_000 : 900;
  if (kill % 3 === 1) return { after: "start", ms: random() * starting };
  return { after: "effect", ms: random() * 400 };
}

class Conductor {
  readonly #options: KillOptions;
  readonly #data = mkdtempSync(join(tmpdir(), "coppice-kill-"));
  readonly #random: () => number;
  readonly #outside = new Child<FromOutside>("outside.ts", [], {});
  readonly #recoveries: number[] = [];
  readonly #faults: string[] = [];
  readonly #missed: string[] = [];
  #url = "";
  #redis: RedisServer | null = null;
  #boot = 0;
  #node: Child<FromNode> | null = null;
  #killedAt: number | null = null;
  #atPoints = 0;
  #messages = 0;
  #missing = 0;
  #doubled = 0;

  constructor(options: KillOptions) {
    this.#options = options;
    this.#random = randomFrom(options.seed);
  }

  async run(): Promise<KillReport> {
    const began = performance.now();
    const { kills, signal, progress, seed, store } = this.#options;
    try {
      if (store === "redis") this.#redis = await startRedis();
      const { port } = await this.#outside.next("port");
      this.#url = `http://127.0.0.1:${port}/`;
      let done = 0;
      for (; done < kills && !signal.aborted; done++) {
        await this.#liveAndDie(deathOf(done, store, this.#random));
        if (done % 10 === 9) progress(`${done + 1} of ${kills} kills`);
        if (done % CHECK_EVERY === CHECK_EVERY - 1) await this.#check();
      }
      if (!signal.aborted && done % CHECK_EVERY !== 0) await this.#check();
      const world = await this.#world();
      return { ...this.#sums(world), store, seed, kills: done, ...since(began) };
    } finally {
      await this.#node?.kill();
      await this.#outside.kill();
      await this.#redis?.end();
      if (this.#faults.length === 0) rmSync(this.#data, { recursive: true, force: true });
      else progress(`the store is kept: ${this.#data}`);
    }
  }

  #sums(world: OutsideReport) {
    const times = this.#recoveries.sort((a, b) => a - b);
    const at = (part: number) => Math.round(times[Math.floor(times.length * part)] ?? 0);
    return {
      atPoints: this.#atPoints,
      missed: this.#missed,
      messages: this.#messages,
      effects: world.effects,
      repeats: world.repeats,
      lost: world.lost + this.#missing,
      doubled: world.doubled + this.#doubled,
      unknown: 0,
      faults: this.#faults.slice(0, 20),
      recoveryP50Ms: at(0.5),
      recoveryP99Ms: at(0.99),
    };
  }

  #start(env: Record<string, string>): Child<FromNode> {
    const boot = ++this.#boot;
    const redis = this.#redis === null ? {} : { COPPICE_KILL_REDIS: this.#redis.url };
    const ours = { ...redis, COPPICE_KILL_OUTSIDE: this.#url, COPPICE_KILL_BOOT: String(boot) };
    const node = new Child<FromNode>("node.ts", [this.#data], { ...ours, ...env });
    this.#node = node;
    const { process } = this.#outside;
    const on = (message: FromOutside) => {
      if (message.kind !== "first" || message.boot !== boot) return;
      process.off("message", on);
      if (this.#killedAt !== null) this.#recoveries.push(performance.now() - this.#killedAt);
    };
    process.on("message", on);
    void node.exited.then(() => process.off("message", on));
    return node;
  }

  async #liveAndDie(death: Death): Promise<void> {
    if ("at" in death) return this.#dieAt(`${death.at}:${death.count}`);
    const node = this.#start({});
    if (death.after === "effect") {
      await this.#outside
        .next("first", ({ boot }) => boot === this.#boot)
        .catch((error) => {
          this.#faults.push(`boot ${this.#boot}: ${error.message}`);
        });
    }
    await Promise.race([sleep(death.ms), node.exited]);
    if (node.over) this.#faults.push(`boot ${this.#boot} ended by itself`);
    this.#killedAt = performance.now();
    await node.kill();
  }

  async #dieAt(point: string): Promise<void> {
    const node = this.#start({ COPPICE_CRASH_AT: point });
    await Promise.race([node.exited, sleep(POINT_MS)]);
    this.#killedAt = performance.now();
    if (!node.over) this.#missed.push(point);
    else if (node.process.signalCode === "SIGKILL") this.#atPoints++;
    else this.#faults.push(`boot ${this.#boot} ended by itself, not at ${point}`);
    await node.kill();
  }

  /** A life that is not killed: all comes to rest, is compared and goes on. */
  async #check(): Promise<void> {
    const node = this.#start({});
    await node.next("up");
    node.process.send("check");
    const { states, deadLetters, rested } = await node.next("checked");
    const world = await this.#world();
    this.#compare(states, world);
    if (!rested) this.#faults.push("not all tokens came to rest");
    if (deadLetters > 0) this.#faults.push(`${deadLetters} dead letters`);
    node.process.send("end");
    await Promise.race([node.exited, sleep(PATIENCE_MS)]);
    this.#killedAt = null;
    await node.kill();
  }

  #compare(states: readonly LedgerState[], world: OutsideReport): void {
    const held = states.flatMap((each) => each.held);
    const tokens = new Set(held.map(({ token }) => token));
    this.#missing = TOKENS - tokens.size;
    this.#doubled = held.length - tokens.size;
    this.#messages = held.reduce((sum, { hop }) => sum + hop, 0);
    const owned = states.reduce((sum, { balance }) => sum + balance, 0);
    const amounts = held.reduce((sum, { amount }) => sum + amount, 0);
    const sum = owned + amounts;
    const whole = AGENTS * BALANCE + TOKENS;
    if (sum !== whole) this.#faults.push(`the sum is ${sum}, not ${whole}`);
    for (const { faults } of states) this.#faults.push(...faults);
    for (const { token, hop } of held) {
      const expected = acts(hop) ? hop : hop - 1;
      const last = world.last[token] ?? 0;
      if (last !== expected) this.#faults.push(`token ${token} is at ${hop}, the world at ${last}`);
    }
  }

  async #world(): Promise<OutsideReport> {
    this.#outside.process.send("report");
    return (await this.#outside.next("report")).report;
  }
}

const since = (began: number) => ({ seconds: Math.round((performance.now() - began) / 100) / 10 });

/** Kills the ledger as often as asked. @throws Error when a process does not do its part */
export const killOften = (options: KillOptions): Promise<KillReport> =>
  new Conductor(options).run();

/** Has nothing been lost, doubled or otherwise gone wrong, and was each point reached? */
export function isFlawless({ lost, doubled, faults, missed }: KillReport): boolean {
  return lost + doubled + faults.length + missed.length === 0;
}
