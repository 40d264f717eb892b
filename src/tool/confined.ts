/**
 * Owns: one command as a process of the host behind some wall, from its start to its end: streams,
 * deadline, cancel, and a watch on what its processes use together.
 * Does not own: the wall (process.ts, userkernel.ts).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Duplex, Readable, Writable } from "node:stream";
import type { KillLimit } from "../actor/outcome.ts";
import type { SandboxLimits } from "../actor/walls.ts";
import type { Collector, CommandExit, Cut } from "./collect.ts";
import type { Spawn } from "./jail.ts";
import { descendants, endTree, runs, useOf } from "./processes.ts";

const FIRST_LOOK_MS = 5;
const LOOK_MS = 40;
/** The kernel ends a namespace at once; this is for a host that is very busy. @unit ms */
const GONE_MS = 10_000;

/** What is started, and what is watched of it. */
export interface Confined {
  readonly spawn: Spawn;
  readonly stdin: Uint8Array;
  /** Written to descriptor 3, if there is something. */
  readonly filter: Buffer | null;
  /** Processes of the wall itself. */
  readonly own: number;
  /** Memory of the wall itself. @unit bytes @default 0 */
  readonly extraBytes?: number;
  /** Count memory that processes share, each its part; else only what is their own. */
  readonly shared?: true;
  /** What is done when nothing of it runs any more. */
  readonly after: (() => Promise<void>) | null;
  /** Does somebody else hold the number of processes? Else the watch ends the call. */
  readonly counted: boolean;
}

export interface ConfinedEnd {
  readonly end: Cut | CommandExit;
  readonly wallMs: number;
  readonly cpuMs: number | null;
  readonly memoryBytes: number | null;
}

/** What the processes of a call used, as far as somebody looked. */
class Watch {
  readonly #pid: number;
  readonly #confined: Confined;
  readonly #limits: SandboxLimits;
  #cpuMs = 0;
  #memory = 0;
  #looks = 0;
  #most = 0;
  /** Processes that were seen: all must be gone in the end. */
  readonly seen = new Set<number>();

  constructor(pid: number, confined: Confined, limits: SandboxLimits) {
    this.#pid = pid;
    this.#confined = confined;
    this.#limits = limits;
  }

  /** @returns the limit that is passed, if one is */
  look(): KillLimit | null {
    const pids = descendants(this.#pid);
    if (pids.length === 0) return null;
    let cpu = 0;
    let memory = 0;
    for (const pid of pids) {
      this.seen.add(pid);
      const use = useOf(pid, this.#confined.shared);
      cpu += use.cpuMs;
      memory += use.memoryBytes;
    }
    this.#looks++;
    this.#cpuMs = Math.max(this.#cpuMs, cpu);
    this.#memory = Math.max(this.#memory, memory);
    const count = pids.length - this.#confined.own;
    this.#most = Math.max(this.#most, count);
    const extra = this.#confined.extraBytes ?? 0;
    if (memory > this.#limits.memoryBytes + extra) return "memory";
    return !this.#confined.counted && count > this.#limits.processes ? "processes" : null;
  }

  /** Of a command that did not succeed: the limit it ran into without being ended for it. */
  get hit(): KillLimit | null {
    return this.#most >= this.#limits.processes ? "processes" : null;
  }

  get used() {
    const looked = this.#looks > 0;
    return { cpuMs: looked ? this.#cpuMs : null, memoryBytes: looked ? this.#memory : null };
  }
}

/** Runs it. @param cut ends it from outside @returns when no process of it is left */
export async function runConfined(
  confined: Confined,
  limits: SandboxLimits,
  signal: AbortSignal,
  collected: Collector,
  cut?: Promise<Cut>,
): Promise<ConfinedEnd> {
  const began = performance.now();
  const { file, args, env } = confined.spawn;
  const child = spawn(file, args, { env, stdio: ["pipe", "pipe", "pipe", "pipe"] });
  const closed = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", () => child.pid === undefined && resolve());
  });
  const watch = new Watch(child.pid ?? 0, confined, limits);
  const own = ending(child, watch, confined, limits, signal, collected);
  const end = await (cut === undefined ? own : Promise.race([own, cut]));
  await endTree(child);
  await closed;
  await allGone(watch.seen);
  await confined.after?.();
  return { end, wallMs: performance.now() - began, ...watch.used };
}

function ending(
  child: ChildProcess,
  watch: Watch,
  confined: Confined,
  limits: SandboxLimits,
  signal: AbortSignal,
  collected: Collector,
): Promise<Cut | CommandExit> {
  return new Promise((resolve) => {
    const finish = (end: Cut | CommandExit) => {
      clearTimeout(timer);
      clearTimeout(looking);
      signal.removeEventListener("abort", dropped);
      resolve(end);
    };
    const killed = (limit: KillLimit, why: string) => finish({ tag: "killed", limit, why });
    const dropped = () => killed("owner", "nobody wants its answer any more");
    const timer = setTimeout(() => finish({ tag: "timeout" }), limits.timeoutMs);
    const look = () => {
      const limit = watch.look();
      if (limit !== null)
        return killed(limit, `together its processes passed the limit of ${limit}`);
      looking = setTimeout(look, LOOK_MS);
    };
    let looking = setTimeout(look, FIRST_LOOK_MS);
    child.once("error", (error) =>
      finish({ tag: "absent", why: `it cannot be started: ${error.message}` }),
    );
    child.once("close", (code, name) => finish(lost(name) ?? exitOf(code, watch)));
    for (const stream of ["stdout", "stderr"] as const) {
      (child[stream] as Readable).on("data", (bytes: Buffer) => {
        const cut = collected.push(stream, bytes);
        if (cut !== null) finish(cut);
      });
    }
    feed(child.stdin as Writable, confined.stdin);
    feed(child.stdio[3] as Duplex, confined.filter ?? Buffer.alloc(0));
    if (signal.aborted) return dropped();
    signal.addEventListener("abort", dropped);
  });
}

function feed(stream: Writable, bytes: Uint8Array): void {
  stream.on("error", () => {}); // it need not read what it is given
  stream.end(bytes);
}

/** A signal to the wall itself comes from outside: what ran behind it is gone, and has not ended. */
const lost = (signal: string | null): Cut | null =>
  signal === null
    ? null
    : { tag: "unknown", why: `its sandbox was ended from outside by ${signal}` };

/** bubblewrap, like a shell, tells of a signal as 128 and its number. */
function exitOf(code: number | null, watch: Watch): CommandExit {
  const number = (code ?? 0) - 128;
  const signal = Object.entries(constants.signals).find(([, each]) => each === number)?.[0];
  return { code: signal === undefined ? code : null, signal: signal ?? null, hit: watch.hit };
}

async function allGone(pids: ReadonlySet<number>): Promise<void> {
  const until = performance.now() + GONE_MS;
  while ([...pids].some(runs) && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
