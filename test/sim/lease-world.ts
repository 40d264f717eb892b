// Nodes with clocks of their own, and a Redis, in virtual time: what becomes of leases when words are
// late or lost, clocks go wrong, and nodes are stopped or die.

import type { RedisConnections, Script } from "../../src/store/redis-connect.ts";
import { LEASE, PRESENCE } from "../../src/store/redis-lease-script.ts";
import type { LeaseOptions, Leases } from "../../src/store/redis-leases.ts";
import type { Reply } from "../../src/store/redis-wire.ts";

export type LeasesClass = new (options: LeaseOptions) => Leases;

export interface LeaseRun {
  /** What went wrong, in words; null: nothing. */
  violation: string | null;
  taken: number;
  lost: number;
  /** Commits behind a newer holder's back. */
  refused: number;
  accepted: number;
}

const PARTITIONS = 6;
const MARGIN_MS = 1_000;
/** A node hears of a lease that is over within this time of its own. @unit ms */
const NOTICE_MS = 300;

interface Lease {
  node: string;
  until: number;
}

/** The scripts of redis-lease-script.ts, as they are in Redis. */
class Server {
  readonly leases = new Map<string, Lease>();
  readonly meta = new Map<string, { holder: string; token: number }>();
  readonly #members = new Map<string, { until: number; facts: string }>();

  call(now: number, { source }: Script, keys: string[], args: string[]): Reply {
    const [node = "", ms = "0"] = args;
    if (source === PRESENCE) return this.#present(now, node, Number(ms), args[2] ?? "");
    const key = keys.at(-1) as string;
    const holder = this.#holder(key, now);
    if (source !== LEASE) return holder === node && this.leases.delete(key) ? 1 : 0;
    if (holder !== null && holder !== node) return [0, Buffer.from(holder), []];
    this.leases.set(key, { node, until: now + Number(ms) });
    const meta = this.meta.get(key) ?? { holder: "", token: 0 };
    if (meta.holder !== node) this.meta.set(key, { holder: node, token: meta.token + 1 });
    return [this.meta.get(key)?.token ?? 0, Buffer.from(node), []];
  }

  #holder(key: string, now: number): string | null {
    const lease = this.leases.get(key);
    return lease !== undefined && lease.until > now ? lease.node : null;
  }

  #present(now: number, node: string, ms: number, facts: string): Reply {
    for (const [name, { until }] of this.#members) if (until <= now) this.#members.delete(name);
    if (ms === 0) this.#members.delete(node);
    else this.#members.set(node, { until: now + ms, facts });
    const others = [...this.#members].filter(([name]) => name !== node);
    const next = Math.min(...others.map(([, { until }]) => until - now));
    const living = [...this.#members].sort().flatMap(([name]) => [name, "{}"]);
    return [Number.isFinite(next) ? next : -1, ...living.map((each) => Buffer.from(each))];
  }
}

/** A node, with a clock that goes `rate` times as fast as it should. */
class Member {
  readonly name: string;
  readonly leases: Leases;
  readonly tokens = new Map<number, number>();
  /** Partitions that are lost, where actors of this node still run. */
  readonly ending = new Set<number>();
  /** Partition → since when its lease has been over without a word. @unit ms of its own */
  readonly over = new Map<number, number>();
  readonly #world: LeaseWorld;
  readonly #rate: number;
  readonly #skew: number;
  /** Stopped until then. */
  stopped = 0;
  dead = false;

  constructor(world: LeaseWorld, name: string, rate: number) {
    this.name = name;
    this.#world = world;
    this.#rate = rate;
    this.#skew = world.random() * 1e6;
    const tell = { members: () => {}, nudged: () => {}, freed: () => world.rounds() };
    this.leases = new world.Leases({
      node: name,
      facts: () => "{}",
      prefix: "sim",
      partitions: PARTITIONS,
      leaseMs: world.leaseMs,
      clock: { now: () => this.now, after: (ms, then) => world.at(ms / rate, then, this) },
      connections: { call: this.#call } as unknown as RedisConnections,
      listener: {
        ...tell,
        taken: async (partition, token) => {
          world.run.taken++;
          if (this.ending.has(partition)) world.fail(`${name} takes ${partition} with old actors`);
          this.tokens.set(partition, token);
        },
        leaving: async (partition) => {
          await new Promise<void>((left) => world.at(world.random() * 500, left, this));
          this.tokens.delete(partition);
        },
        lost: async (partition) => {
          world.run.lost++;
          this.tokens.delete(partition);
          this.ending.add(partition);
          const ms = world.calm ? 1 : world.random() * 1.5 * world.leaseMs;
          await new Promise<void>((left) => world.at(ms, left, this));
          this.ending.delete(partition);
        },
      },
    });
  }

  get now(): number {
    return this.#skew + this.#world.now * this.#rate;
  }

  get runs(): boolean {
    return !this.dead && this.stopped <= this.#world.now;
  }

  /** For a while; nobody can be told anything meanwhile. */
  stop(ms: number): void {
    this.stopped = Math.max(this.stopped, this.#world.now + ms);
    this.over.clear();
  }

  #call = (_lane: number, script: Script, keys: string[], args: string[]): Promise<Reply> => {
    const world = this.#world;
    return new Promise((resolve, reject) => {
      const fate = world.calm ? 1 : world.random();
      const lost = () => world.at(5_000, () => reject(new Error("no answer")), this);
      if (fate < 0.05) return void lost();
      world.at(world.delay(), () => {
        const reply = world.server.call(world.now, script, keys, args);
        if (fate < 0.1) lost();
        else world.at(world.delay(), () => resolve(reply), this);
      });
    });
  };
}

/** One run. */
export class LeaseWorld {
  readonly Leases: LeasesClass;
  readonly random: () => number;
  readonly leaseMs: number;
  readonly server = new Server();
  readonly run: LeaseRun = { violation: null, taken: 0, lost: 0, refused: 0, accepted: 0 };
  readonly #members: Member[] = [];
  readonly #wild: boolean;
  #queue: { at: number; nth: number; run: () => void; member: Member | null }[] = [];
  #nth = 0;
  now = 0;
  calm = false;

  /** @param wild clocks so slow that no margin helps: then the token alone protects */
  constructor(Leases: LeasesClass, random: () => number, wild: boolean) {
    this.Leases = Leases;
    this.random = random;
    this.#wild = wild;
    this.leaseMs = 2_000 + Math.floor(random() * 6_000);
  }

  delay(): number {
    if (this.calm) return 1;
    return this.random() < 0.05 ? this.random() * 3_000 : 1 + this.random() * 40;
  }

  /** @returns what cancels it */
  at(ms: number, run: () => void, member: Member | null = null): () => void {
    const entry = { at: this.now + ms, nth: this.#nth++, run, member };
    this.#queue.push(entry);
    return () => {
      entry.run = () => {};
    };
  }

  /** Partitions were given back: whoever may want them asks. */
  rounds(): void {
    for (const { leases, runs } of this.#members) if (runs) void leases.round().catch(() => {});
  }

  async live(): Promise<LeaseRun> {
    const count = 2 + Math.floor(this.random() * 3);
    for (let n = 0; n < count; n++) this.#join(n);
    this.#trouble();
    await this.#until(20 * this.leaseMs);
    this.calm = true;
    await this.#until(this.now + 12 * this.leaseMs);
    this.#settled();
    for (const { leases } of this.#members) leases.abandon();
    return this.run;
  }

  /** One of two nodes dies. @returns how long its partitions are nobody's, beyond their lease. @unit ms */
  async failover(): Promise<number> {
    this.calm = true;
    for (const n of [0, 1]) this.#join(n);
    await this.#until((4 + this.random()) * this.leaseMs);
    const [dies, stays] = this.#members as [Member, Member];
    this.#die(dies);
    const died = this.now;
    while (stays.leases.held.length < PARTITIONS && this.run.violation === null) {
      await this.#until(this.now + 10);
    }
    stays.leases.abandon();
    return this.now - died - this.leaseMs;
  }

  #join(n: number): void {
    // A node believes in a lease for its time less the margin: slower than this is too slow.
    const slowest = this.#wild ? 0.2 : (this.leaseMs - MARGIN_MS) / this.leaseMs + 0.01;
    const member = new Member(this, `n${n}`, slowest + this.random() * (1.3 - slowest));
    this.#members.push(member);
    this.at(this.random() * this.leaseMs, () => void member.leases.round().catch(() => {}), member);
  }

  /** Nodes are stopped, some die; all the time they commit. */
  #trouble(): void {
    this.at(this.random() * 300, () => {
      const member = this.#members[Math.floor(this.random() * this.#members.length)] as Member;
      const fate = this.random();
      if (this.calm) return;
      if (fate < 0.02) member.stop(this.random() * 3 * this.leaseMs);
      else if (fate < 0.023 && this.#members.filter(({ dead }) => !dead).length > 1)
        this.#die(member);
      else if (member.runs) this.#commit(member);
      this.#trouble();
    });
  }

  #die(member: Member): void {
    member.dead = true;
    member.leases.abandon();
  }

  /** K11: of two nodes that both believe, one at most may commit. */
  #commit(member: Member): void {
    for (const [partition, token] of member.tokens) {
      const current = this.server.meta.get(`{sim/${partition}}:lease`);
      if (token !== current?.token) this.run.refused++;
      else if (current.holder === member.name) this.run.accepted++;
      else this.fail(`${member.name} commits with ${current.holder}'s token`);
    }
  }

  async #until(end: number): Promise<void> {
    while (this.run.violation === null) {
      let first = this.#queue[0];
      for (const each of this.#queue) {
        if (
          first === undefined ||
          each.at < first.at ||
          (each.at === first.at && each.nth < first.nth)
        )
          first = each;
      }
      if (first === undefined || first.at > end) break;
      this.now = Math.max(this.now, first.at);
      const { member } = first;
      if (member !== null && !member.dead && member.stopped > this.now) {
        first.at = member.stopped;
        continue;
      }
      this.#queue.splice(this.#queue.indexOf(first), 1);
      if (member?.dead) continue;
      first.run();
      // Promises of this event, of whatever depth, before the next one.
      await new Promise((resolve) => setImmediate(resolve));
      this.#check();
    }
    this.now = Math.max(this.now, end);
  }

  #check(): void {
    const running = this.#members.filter(({ runs }) => runs);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const sure = running.filter(({ leases }) => leases.held.includes(partition));
      if (!this.#wild && sure.length > 1) {
        this.fail(`${sure.map(({ name }) => name).join(" and ")} both hold ${partition}`);
      }
    }
    for (const member of running) this.#told(member);
  }

  /** Whoever runs is told soon that a lease is over. */
  #told(member: Member): void {
    const { leases, tokens, over, name } = member;
    const held = new Set(leases.held);
    for (const partition of [...over.keys()]) {
      if (held.has(partition) || !tokens.has(partition)) over.delete(partition);
    }
    for (const partition of tokens.keys()) {
      if (held.has(partition)) continue;
      const since = over.get(partition) ?? member.now;
      over.set(partition, since);
      // (A claim whose answer took long may be over before it is taken: it is not over for longer.)
      if (member.now - since > NOTICE_MS)
        this.fail(`${name} is not told that it lost ${partition}`);
    }
  }

  /** With no more faults each partition has its one holder. */
  #settled(): void {
    const living = this.#members.filter(({ dead }) => !dead);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const holders = living.filter(({ leases }) => leases.held.includes(partition));
      if (holders.length !== 1)
        this.fail(`${partition} is held by ${holders.length} nodes at the end`);
    }
  }

  fail(what: string): void {
    this.run.violation ??= `at ${Math.round(this.now)} ms: ${what}`;
  }
}
