/**
 * Owns: a node's end of a Redis store, opened and checked: connections, settings, leases, lines.
 * Does not own: which thread it runs on (redis-main.ts), what the node does with what it hears.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { ActorError } from "../actor/errors.ts";
import type { RedisSpec } from "../actor/store.ts";
import type { Spread } from "./partition.ts";
import { Away, type Destination, type Question, type Word } from "./redis-away.ts";
import { RedisBooks } from "./redis-books.ts";
import { checkSettings, RedisConnections, script, shownUrl, unreachable } from "./redis-connect.ts";
import { type Joining, LIVING, livingOf, othersLive, waitForShare } from "./redis-joining.ts";
import { LEASE_CLOCK, type LeaseListener, Leases, type Member } from "./redis-leases.ts";
import { RedisStore } from "./redis-store.ts";

/** Raised with each change of the layout. */
export const REDIS_SCHEMA = 1;

/** What a node's store says, when it happens. */
export type StoreNews =
  | { readonly kind: "taken" | "leaving" | "lost"; readonly partition: number; why: string }
  | { readonly kind: "nudged"; readonly paths: readonly string[] }
  /** From another node. */
  | { readonly kind: "heard"; readonly envelope: Uint8Array }
  /** Where a question to another node is: with `node`, on its way (null), or never heard (`late`). */
  | { readonly kind: "asked"; question: Question; node: string | null; late: boolean }
  | { readonly kind: "members"; readonly members: readonly Member[] }
  /** It has its share among the others. */
  | { readonly kind: "joined" }
  /** Redis does not answer as it should. */
  | { readonly kind: "trouble"; readonly why: string };

export interface OpenRedis {
  readonly node: string;
  /** Number of this start: higher than that of any start before. */
  readonly epoch: number;
  readonly store: RedisStore;
  readonly leases: Leases;
  readonly connections: RedisConnections;
  /** Books of quotas that all nodes share. */
  readonly books: RedisBooks;
  /** What is weaker than it might seem. */
  readonly weak: readonly string[];
  /** The tree runs: it takes its share, if others live. Otherwise it has it already. */
  join(): Promise<void>;
  /** What ran in a partition that was `leaving` has ended. */
  left(partition: number): void;
  /** Sends an envelope to another node, at most once. */
  forward(to: Destination, envelope: Uint8Array, question: Question | null): void;
  close(): Promise<void>;
}

const living = script(LIVING);
const JOINING: Joining = {
  now: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
/** Most that one outage says of itself: not each call that is made again. @unit ms */
const QUIET_MS = 1_000;

/**
 * @param name of this node among all; two of one name share their leases, so only tests give one
 * @throws ActorError E_PEER_MISSING E_STORE_REACH E_STORE_SETTINGS E_STORE_VERSION
 */
export async function openRedis(
  spec: RedisSpec,
  dynamic: readonly string[] | null,
  news: (what: StoreNews) => void,
  name?: string,
): Promise<OpenRedis> {
  const connections = await RedisConnections.open(spec);
  try {
    const weak = checkSettings(await connections.settings(), spec);
    await checkApp(connections, spec);
    const epoch = await connections.client.incr(`{${spec.prefix}}:epoch`);
    const node = name ?? `${epoch}-${randomBytes(4).toString("hex")}`;
    const nodes = [`{${spec.prefix}}:nodes`];
    const look = async () => livingOf(await connections.call(0, living, nodes, []));
    const isAlone = name !== undefined || !(await othersLive(look, JOINING));
    const open = await listen(spec, dynamic, news, { connections, weak, epoch, node });
    if (isAlone)
      await open.leases.round().catch((thrown: unknown) => {
        open.leases.abandon();
        throw thrown;
      });
    const share = () => waitForShare(open.leases, spec.leaseMs, JOINING);
    if (isAlone && name === undefined) await share();
    const join = async () => {
      if (!isAlone) await share();
      news({ kind: "joined" });
    };
    return { ...open, join };
  } catch (thrown) {
    connections.close();
    throw thrown instanceof ActorError ? thrown : unreachable(shownUrl(spec.url), thrown);
  }
}

/** The number of partitions and the layout are those of the first start. */
async function checkApp(connections: RedisConnections, spec: RedisSpec): Promise<void> {
  const { client } = connections;
  const key = `{${spec.prefix}}:app`;
  await client.hsetnx(key, "schema", String(REDIS_SCHEMA));
  await client.hsetnx(key, "partitions", String(spec.partitions));
  const { schema, partitions } = await client.hgetall(key);
  const at = `${shownUrl(spec.url)}, prefix ${spec.prefix}`;
  if (schema !== String(REDIS_SCHEMA)) {
    const fact = `the data has layout ${schema}; this program reads ${REDIS_SCHEMA}`;
    const fix = "run the version of Coppice that wrote it, or use another prefix";
    throw new ActorError("E_STORE_VERSION", fact, { at, fix });
  }
  if (partitions !== String(spec.partitions)) {
    const fact = `the data is in ${partitions} partitions, the app asks for ${spec.partitions}`;
    const fix = `say redis({ partitions: ${partitions} }), or use another prefix`;
    throw new ActorError("E_STORE_SETTINGS", fact, { at, fix });
  }
}

type Basis = Pick<OpenRedis, "connections" | "weak" | "epoch" | "node">;

async function listen(
  spec: RedisSpec,
  dynamic: readonly string[] | null,
  news: (what: StoreNews) => void,
  basis: Basis,
): Promise<Omit<OpenRedis, "join">> {
  const { connections, node } = basis;
  const { prefix, partitions, leaseMs } = spec;
  const spread: Spread = { partitions, dynamic };
  const leaving = new Map<number, () => void>();
  /** Of mail for an actor. @param to another node, or null */
  const tellOf = (path: string, to: string | null) =>
    to === null ? news({ kind: "nudged", paths: [path] }) : away.say(to, { kind: "nudge", path });
  const troubled = troubleTeller(news);
  const books = new RedisBooks({ prefix, node, leaseMs, connections, troubled });
  const store: RedisStore = new RedisStore({
    prefix,
    spread,
    node,
    client: randomBytes(8).toString("hex"),
    nudge: (to, path) => tellOf(path, to === node ? null : to),
    connections,
    troubled,
    fenced: (partition) => leases.drop(partition, "a commit was refused: another node holds it"),
  });
  const leases = new Leases({
    ...{ node, facts: factsOf(), prefix, partitions, leaseMs, connections, clock: LEASE_CLOCK },
    listener: {
      ...listenerOf(() => store, leaving, news),
      freed: (members) => {
        for (const other of members) if (other !== node) away.say(other, { kind: "round" });
      },
    },
  });
  const heard = hearing(news, () => void leases.round().catch(() => {}));
  const patienceMs = 2 * leaseMs;
  const away = new Away({
    ...{ prefix, node, patienceMs, counted: !spec.cluster, connections, heard },
    asked: (question, at, late) => news({ kind: "asked", question, node: at, late }),
  });
  await away.listen();
  return {
    ...basis,
    ...{ store, leases, books },
    left(partition) {
      leaving.get(partition)?.();
      leaving.delete(partition);
    },
    forward: (to, envelope, question) => away.forward(to, envelope, question),
    async close() {
      for (const done of leaving.values()) done();
      away.close();
      await books.close();
      await leases.end().catch(() => {});
      store.close();
      connections.close();
    },
  };
}

/** What words of other nodes mean. */
function hearing(news: (what: StoreNews) => void, round: () => void) {
  return (word: Word) => {
    if (word.kind === "nudge") news({ kind: "nudged", paths: [word.path] });
    else if (word.kind === "envelope") news({ kind: "heard", envelope: word.bytes });
    else round();
  };
}

/** What a node says of itself. */
function factsOf() {
  const since = new Date().toISOString();
  return (held: readonly number[]) =>
    JSON.stringify({ host: hostname(), pid: process.pid, since, held });
}

/** What leases mean for the store, and what is said of them. */
function listenerOf(
  store: () => RedisStore,
  leaving: Map<number, () => void>,
  news: (what: StoreNews) => void,
): Omit<LeaseListener, "freed"> {
  return {
    async taken(partition, token) {
      await store().take(partition, token);
      news({ kind: "taken", partition, why: "" });
    },
    async leaving(partition) {
      const left = new Promise<void>((resolve) => leaving.set(partition, resolve));
      news({ kind: "leaving", partition, why: "another node should have it" });
      await left;
      await store().settled(partition);
      store().drop(partition);
    },
    lost(partition, why) {
      store().drop(partition);
      leaving.get(partition)?.();
      const left = new Promise<void>((resolve) => leaving.set(partition, resolve));
      news({ kind: "lost", partition, why });
      return left;
    },
    nudged: (_, paths) => news({ kind: "nudged", paths }),
    members: (members) => news({ kind: "members", members }),
  };
}

/** Says once per outage, and at most once a second, what is wrong. */
function troubleTeller(news: (what: StoreNews) => void): (thrown: unknown) => void {
  let said = 0;
  return (thrown) => {
    const now = Date.now();
    if (now - said < QUIET_MS) return;
    said = now;
    news({ kind: "trouble", why: (thrown as Error).message || String(thrown) });
  };
}
