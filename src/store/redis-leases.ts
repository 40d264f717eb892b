/**
 * Owns: which partitions this node holds: its presence among the nodes, its leases, when it takes
 * one, gives one back or has lost one.
 * Does not own: what is done with a partition (redis-store.ts).
 *
 * Invariants: Redis alone decides who holds a lease; each change of holder raises the token that
 * every commit is checked against (K11). A node counts a lease from before it asked for it, on its
 * own monotonic clock, and believes in it for a second less than it lasts.
 */
import { performance } from "node:perf_hooks";
import { preferred } from "./partition.ts";
import { isFull, type RedisConnections, script } from "./redis-connect.ts";
import { LEASE, PRESENCE, RELEASE } from "./redis-lease-script.ts";
import { number, type Reply, text } from "./redis-wire.ts";

/** A node stops believing in a lease this much before it ends. @unit ms */
const MARGIN_MS = 1_000;
/** Words to Redis per lease: three may get lost. */
const WORDS_PER_LEASE = 4;
/** How often a node looks whether a lease is over. @unit ms */
const WATCH_MS = 100;
/** Leases of a node that is gone end within moments of its presence: asked for again so soon. @unit ms */
const AGAIN_MS = 100;

const SCRIPTS = { lease: script(LEASE), release: script(RELEASE), presence: script(PRESENCE) };

/** A node among those of an app. */
export interface Member {
  readonly node: string;
  /** What it said of itself: JSON. */
  readonly facts: string;
}

/** Told what happens to leases. */
export interface LeaseListener {
  /** Ours from now on. The lease is given back if it throws. */
  taken(partition: number, token: number): Promise<void>;
  /** Another node should have it: resolves when nothing of ours runs in it any more. */
  leaving(partition: number): Promise<void>;
  /** It is not ours any more, or we cannot know: resolves when nothing of ours runs in it any more. */
  lost(partition: number, why: string): Promise<void>;
  /** Actors of a partition of ours have mail from other nodes. */
  nudged(partition: number, paths: readonly string[]): void;
  members(members: readonly Member[]): void;
  /** Partitions were given back: these nodes may want them. */
  freed(nodes: readonly string[]): void;
}

/** A node's own time, monotonic. It may go slower or faster than others'. @unit ms */
export interface LeaseClock {
  now(): number;
  /** @returns what cancels it */
  after(ms: number, then: () => void): () => void;
}

export const LEASE_CLOCK: LeaseClock = {
  now: () => performance.now(),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};

export interface LeaseOptions {
  readonly clock: LeaseClock;
  readonly node: string;
  /** What this node says of itself, with the partitions it holds. */
  readonly facts: (held: readonly number[]) => string;
  readonly prefix: string;
  readonly partitions: number;
  readonly leaseMs: number;
  readonly connections: RedisConnections;
  readonly listener: LeaseListener;
}

/** Keys of a partition. All have one hash tag. */
export function keysOf(prefix: string, partition: number) {
  const base = `{${prefix}/${partition}}:`;
  return { base, meta: `${base}meta`, lease: `${base}lease` };
}

/** A node's leases. */
export class Leases {
  readonly #options: LeaseOptions;
  /** Partition → until when it is certainly ours. @unit ms, monotonic */
  readonly #until = new Map<number, number>();
  readonly #leaving = new Set<number>();
  /** Lost, and something of ours still runs there. */
  readonly #ending = new Set<number>();
  #cancelRound = () => {};
  #cancelWatch = () => {};
  #round: Promise<void> | null = null;
  #ended = false;
  /** Who lived when last asked. */
  #nodes: readonly string[] = [];
  /** When the next round is due if a node dies now, or has died. @unit ms from the last one on */
  #soonMs = Number.POSITIVE_INFINITY;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#watch();
  }

  /** Certainly ours now, also when nobody has looked for a while. */
  get held(): number[] {
    const now = this.#options.clock.now();
    const certain = [...this.#until].filter(([, until]) => now < until);
    return certain.map(([partition]) => partition).sort((a, b) => a - b);
  }

  /** Does it hold all that it should? */
  get complete(): boolean {
    const { partitions, node } = this.#options;
    if (this.#nodes.length === 0) return false;
    for (let each = 0; each < partitions; each++) {
      if (preferred(each, this.#nodes) === node && !this.#until.has(each)) return false;
    }
    return true;
  }

  /** Has it been given up, or given back? */
  get over(): boolean {
    return this.#ended;
  }

  /** One round now: presence, renewals, claims. Rounds never overlap, and none follows the end. */
  round(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    this.#round ??= this.#doRound().finally(() => {
      this.#round = null;
      if (this.#ended) return;
      this.#cancelRound();
      const { clock, leaseMs } = this.#options;
      const again = () => void this.round().catch(() => {});
      this.#cancelRound = clock.after(Math.min(leaseMs / WORDS_PER_LEASE, this.#soonMs), again);
    });
    return this.#round;
  }

  /** Stops without a word, as a crash does. */
  abandon(): void {
    this.#ended = true;
    this.#cancelRound();
    this.#cancelWatch();
  }

  /** Gives everything back. */
  async end(): Promise<void> {
    this.abandon();
    await this.#round?.catch(() => {});
    const held = [...this.#until.keys()];
    this.#until.clear();
    await Promise.allSettled([this.#present(0), ...held.map((each) => this.#release(each))]);
    this.#options.listener.freed(this.#nodes);
  }

  /** A partition turned out to have another holder. */
  drop(partition: number, why: string): void {
    if (!this.#until.delete(partition)) return;
    this.#ending.add(partition);
    void this.#options.listener.lost(partition, why).then(() => this.#ending.delete(partition));
  }

  async #doRound(): Promise<void> {
    const { partitions, listener, node } = this.#options;
    let full: unknown = null;
    this.#soonMs = Number.POSITIVE_INFINITY;
    try {
      const members = await this.#present(this.#options.leaseMs);
      listener.members(members);
      this.#nodes = members.map((member) => member.node);
    } catch (thrown) {
      // A full server takes no word of ours: what we hold we hold on.
      if (!isFull(thrown)) throw thrown;
      full = thrown;
    }
    const nodes = this.#nodes;
    const work: Promise<void>[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      const isOurs = preferred(partition, nodes) === node;
      if (this.#until.has(partition)) work.push(this.#renew(partition, isOurs));
      // What runs there does not know what another holder has done: it must not see the next token.
      else if (isOurs && !this.#ending.has(partition)) work.push(this.#claim(partition));
    }
    for (const { reason } of (await Promise.allSettled(work)).filter(isRejected)) throw reason;
    if (full !== null) throw full;
  }

  async #renew(partition: number, keep: boolean): Promise<void> {
    const asked = this.#options.clock.now();
    const [token, holder, nudged] = await this.#ask(partition);
    if (!this.#until.has(partition)) return;
    if (token === 0) return this.drop(partition, `node ${holder} holds it`);
    this.#until.set(partition, asked + this.#options.leaseMs - MARGIN_MS);
    if (nudged.length > 0) this.#options.listener.nudged(partition, nudged);
    if (keep || this.#leaving.has(partition)) return;
    this.#leaving.add(partition);
    void this.#leave(partition);
  }

  async #leave(partition: number): Promise<void> {
    try {
      await this.#options.listener.leaving(partition);
      if (!this.#until.delete(partition)) return;
      await this.#release(partition);
      this.#options.listener.freed(this.#nodes);
    } catch {
      // Redis does not answer: the lease ends by itself.
    } finally {
      this.#leaving.delete(partition);
    }
  }

  async #claim(partition: number): Promise<void> {
    const asked = this.#options.clock.now();
    const [token, holder] = await this.#ask(partition);
    if (token === 0) {
      if (!this.#nodes.includes(holder)) this.#soonMs = Math.min(this.#soonMs, AGAIN_MS);
      return;
    }
    try {
      await this.#options.listener.taken(partition, token);
    } catch (thrown) {
      await this.#release(partition);
      throw thrown;
    }
    this.#until.set(partition, asked + this.#options.leaseMs - MARGIN_MS);
  }

  #watch(): void {
    this.#cancelWatch = this.#options.clock.after(WATCH_MS, () => {
      this.#expire();
      if (!this.#ended) this.#watch();
    });
  }

  #expire(): void {
    const now = this.#options.clock.now();
    for (const [partition, until] of this.#until) {
      if (now >= until) this.drop(partition, "Redis did not renew the lease in time");
    }
  }

  async #ask(partition: number): Promise<[token: number, holder: string, nudged: string[]]> {
    const { connections, prefix, node, leaseMs } = this.#options;
    const { base, meta, lease } = keysOf(prefix, partition);
    const keys = [base, meta, lease];
    const reply = await connections.call(partition, SCRIPTS.lease, keys, [node, String(leaseMs)]);
    const [token, holder, nudged] = reply as [Reply, Reply, Reply[]];
    return [number(token), text(holder), nudged.map(text)];
  }

  async #release(partition: number): Promise<void> {
    const { connections, prefix, node } = this.#options;
    const { lease } = keysOf(prefix, partition);
    await connections.call(partition, SCRIPTS.release, [lease], [node]);
  }

  async #present(ms: number): Promise<Member[]> {
    const { connections, prefix, node, facts } = this.#options;
    const keys = [`{${prefix}}:nodes`, `{${prefix}}:facts`];
    const args = [node, String(ms), facts(this.held)];
    const reply = await connections.call(0, SCRIPTS.presence, keys, args);
    const [next, ...all] = (reply as Reply[]).map(text);
    if (Number(next) >= 0) this.#soonMs = Number(next) + AGAIN_MS / 2;
    return all.flatMap((name, at) => (at % 2 ? [] : [{ node: name, facts: all[at + 1] ?? "" }]));
  }
}

const isRejected = (each: PromiseSettledResult<void>): each is PromiseRejectedResult =>
  each.status === "rejected";
