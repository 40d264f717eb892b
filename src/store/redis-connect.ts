/**
 * Owns: the connections to a Redis server or Cluster, calls of scripts over them, what its errors
 * mean, and whether its settings keep what they promise.
 * Does not own: what is called when (redis-store.ts), whether a call is made again (redis-line.ts).
 */
import { createHash } from "node:crypto";
import type { Cluster, Redis } from "ioredis";
import { ActorError } from "../actor/errors.ts";
import type { RedisSpec } from "../actor/store.ts";
import type { Arg } from "./redis-bytes.ts";
import type { Reply } from "./redis-wire.ts";

/** A call is given up after this time; then nobody knows whether it was executed. @unit ms */
const CALL_MS = 5_000;
/** The first connection is given up after this time. @unit ms */
const CONNECT_MS = 5_000;
const RETRY_MAX_MS = 500;
/** The server reads little per connection and turn: several make a flush worth more. */
const CONNECTIONS = 4;

/** A script with its digest. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

export function script(source: string): Script {
  return { source, sha: createHash("sha1").update(source).digest("hex") };
}

/** Replies that mean "not now": the server starts, fails over, is full, or runs something long. */
const NOT_NOW =
  /^(LOADING|BUSY|MASTERDOWN|READONLY|CLUSTERDOWN|TRYAGAIN|OOM|MISCONF|NOREPLICAS|UNBLOCKED)/;

/** Can the same call succeed later? Lost connections and time-outs can, wrong calls cannot. */
export function isPassing(thrown: unknown): boolean {
  const { name, message } = thrown as Error;
  return name !== "ReplyError" || NOT_NOW.test(message);
}

/** The server has no room: it takes nothing new. */
export const isFull = (thrown: unknown): boolean =>
  (thrown as Error)?.message?.startsWith("OOM") ?? false;

/** The partition has another holder. */
export const isFenced = (thrown: unknown): boolean =>
  /^(FENCED|STALE)/.test((thrown as Error)?.message ?? "");

/** Where the server is, without its password. */
export function shownUrl(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//…@");
}

/** What a server promises about what it has answered. */
export interface ServerSettings {
  readonly version: string;
  /** master or slave, as Redis says it. */
  readonly role: string;
  readonly replicas: number;
  readonly usedBytes: number;
  /** null where the server does not tell. */
  readonly appendonly: string | null;
  readonly appendfsync: string | null;
  readonly maxmemoryPolicy: string | null;
  readonly maxmemory: number | null;
}

/** Open connections. */
export class RedisConnections {
  readonly #clients: readonly (Redis | Cluster)[];
  readonly #listener: Redis | Cluster;
  readonly #at: string;

  private constructor(
    clients: readonly (Redis | Cluster)[],
    listener: Redis | Cluster,
    at: string,
  ) {
    this.#clients = clients;
    this.#listener = listener;
    this.#at = at;
  }

  /** @throws ActorError E_PEER_MISSING E_STORE_REACH */
  static async open(spec: RedisSpec): Promise<RedisConnections> {
    const { Redis, Cluster } = await importClient();
    const common = {
      lazyConnect: true,
      // What was under way when a connection broke is ours to repeat: we know how.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: CALL_MS,
      connectTimeout: CONNECT_MS,
      protocol: 2 as const,
      connectionName: "coppice",
      // A demoted master stays connected: look for the new one.
      reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
    };
    const retryStrategy = (times: number) => Math.min(times * 50, RETRY_MAX_MS);
    // The client's own way to subscribe again leaves a failure to nobody.
    const single = {
      ...common,
      ...{ enableOfflineQueue: false, retryStrategy, autoResubscribe: false },
    };
    const at = shownUrl(spec.url);
    const make = () => {
      if (!spec.cluster) return new Redis(spec.url, single);
      return new Cluster([spec.url], {
        lazyConnect: true,
        enableOfflineQueue: false,
        clusterRetryStrategy: retryStrategy,
        redisOptions: common,
      });
    };
    const clients = Array.from({ length: CONNECTIONS }, make);
    const listener = make();
    const connections = new RedisConnections(clients, listener, at);
    for (const client of [...clients, listener]) client.on("error", () => {});
    try {
      await Promise.all([...clients, listener].map((client) => client.connect()));
    } catch (thrown) {
      connections.close();
      throw unreachable(at, thrown);
    }
    return connections;
  }

  /** Calls a script on the connection of a lane: calls of one lane keep their order. */
  async call(lane: number, { source, sha }: Script, keys: string[], args: Arg[]): Promise<Reply> {
    const client = this.#clients[lane % this.#clients.length] as Redis;
    const rest = [keys.length, ...keys, ...args];
    try {
      return (await client.callBuffer("evalsha", [sha, ...rest])) as Reply;
    } catch (thrown) {
      if (!(thrown as Error).message?.startsWith("NOSCRIPT")) throw thrown;
      return (await client.callBuffer("eval", [source, ...rest])) as Reply;
    }
  }

  /** A plain client for what is no script. */
  get client(): Redis {
    return this.#clients[0] as Redis;
  }

  /** Told what others publish on a channel; after a lost connection it goes on. */
  async listen(channel: string, heard: (message: Buffer) => void): Promise<void> {
    await this.#listener.subscribe(channel);
    // A connection that breaks again will be ready again.
    this.#listener.on("ready", () => void this.#listener.subscribe(channel).catch(() => {}));
    this.#listener.on("messageBuffer", (at: Buffer, message: Buffer) => {
      if (at.toString() === channel) heard(message);
    });
  }

  /** Of each server that takes writes: several in a Cluster. */
  async settings(): Promise<ServerSettings[]> {
    const { client } = this;
    const servers = "nodes" in client ? (client as unknown as Cluster).nodes("master") : [client];
    try {
      return await Promise.all(servers.map(settingsOf));
    } catch (thrown) {
      throw unreachable(this.#at, thrown);
    }
  }

  close(): void {
    for (const client of [...this.#clients, this.#listener]) client.disconnect();
  }
}

async function settingsOf(server: Redis): Promise<ServerSettings> {
  const info = await server.info();
  const said = (name: string) => new RegExp(`^${name}:(\\S*)`, "m").exec(info)?.[1] ?? null;
  const read = async (name: string) => {
    // Hosted servers forbid the question.
    const answer = (await server.config("GET", name).catch(() => [])) as string[];
    return answer[1] ?? null;
  };
  const maxmemory = await read("maxmemory");
  return {
    version: said("redis_version") ?? "?",
    role: said("role") ?? "?",
    replicas: Number(said("connected_slaves") ?? 0),
    usedBytes: Number(said("used_memory") ?? 0),
    appendonly: await read("appendonly"),
    appendfsync: await read("appendfsync"),
    maxmemoryPolicy: await read("maxmemory-policy"),
    maxmemory: maxmemory === null ? null : Number(maxmemory),
  };
}

async function importClient() {
  try {
    return await import("ioredis");
  } catch (thrown) {
    throw new ActorError("E_PEER_MISSING", "the redis store needs the package ioredis", {
      at: "app({ store: redis() })",
      fix: "npm install ioredis",
      cause: thrown,
    });
  }
}

export function unreachable(at: string, thrown: unknown): ActorError {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ActorError("E_STORE_REACH", `Redis cannot be used: ${message || "no answer"}`, {
    at,
    fix: "start the server, or correct its address, user and password",
    cause: thrown,
  });
}

/**
 * Refuses a server that would forget what it has answered, of a Cluster any of them.
 *
 * @returns what is weaker than it might seem, in words
 * @throws ActorError E_STORE_SETTINGS
 */
export function checkSettings(servers: readonly ServerSettings[], spec: RedisSpec): string[] {
  return [...new Set(servers.flatMap((each) => checkServer(each, spec)))];
}

function checkServer(settings: ServerSettings, spec: RedisSpec): string[] {
  const { appendonly, appendfsync, maxmemory, maxmemoryPolicy, version } = settings;
  const at = shownUrl(spec.url);
  const refuse = (fact: string, fix: string) =>
    new ActorError("E_STORE_SETTINGS", fact, { at, fix });
  if (Number.parseInt(version, 10) < 6) {
    throw refuse(`the server is Redis ${version}`, "use Redis 6.2 or newer, or Valkey");
  }
  if ((maxmemory ?? 0) > 0 && maxmemoryPolicy !== null && maxmemoryPolicy !== "noeviction") {
    const fact = `the server throws data away when it is full: maxmemory-policy ${maxmemoryPolicy}`;
    throw refuse(fact, "set maxmemory-policy noeviction");
  }
  const weak: string[] = [];
  if (appendonly === null) {
    weak.push("the server does not tell how it keeps data: flushed means what its operator set");
  } else if (spec.durability === "flushed" && appendonly !== "yes") {
    const fix = 'set appendonly yes, or say redis({ durability: "committed" })';
    throw refuse("the server keeps data in memory only: appendonly no", fix);
  } else if (spec.durability === "flushed" && appendfsync !== "always") {
    weak.push(`a power cut may take the last moments: appendfsync is ${appendfsync}, not always`);
  }
  if (settings.replicas > 0) {
    weak.push("its replicas follow a moment later: one that is promoted may lack what came last");
  }
  return weak;
}
