/**
 * Owns: which store an app wants, as data: each thread opens its own end of it.
 * Does not own: opening it (store/, node/).
 */
import { ActorError, shown } from "./errors.ts";
import { type Names, onlyKnown } from "./names.ts";
import { settings } from "./settings.ts";
import type { Duration } from "./units.ts";

/** `flushed`: an answer means it is on disk; `committed`: it is visible, and a power cut may take it. */
export type Durability = "flushed" | "committed";

export interface RedisSpec {
  readonly kind: "redis";
  readonly url: string;
  readonly cluster: boolean;
  readonly prefix: string;
  readonly partitions: number;
  readonly leaseMs: number;
  readonly durability: Durability;
}

/** Which store keeps durable actors. Made by {@link memory}, {@link sqlite} and {@link redis}. */
export type StoreSpec =
  | { readonly kind: "memory" }
  | {
      readonly kind: "sqlite";
      /** Folder of the data, or null: the node's `--data`, else `.coppice` beside the app. */
      readonly folder: string | null;
      readonly durability: Durability;
    }
  | RedisSpec;

/** How {@link redis} keeps an app's actors; every setting has a default. */
export interface RedisOptions {
  /** Address with user and password, `redis://` or `rediss://`. @default host and port */
  url?: string;
  /** @default "127.0.0.1" */
  host?: string;
  /** @default 6379 @limit 1 … 65_535 */
  port?: number;
  /** The server is a Redis Cluster; the address is that of any of its members. @default false */
  cluster?: boolean;
  /** Begins every key. Apps on one server need different ones. @default "coppice" */
  prefix?: string;
  /**
   * Parts that nodes hold, commit to and take over; fixed at the first start on a prefix.
   * @default 64 @limit 1 … 4_096
   */
  partitions?: number;
  /**
   * After this time without a word from a node its partitions are free.
   * @default "5s" @limit 2 s … 1 h
   */
  lease?: Duration;
  /**
   * `flushed` asks for a server that keeps an append-only file; how soon it is on disk is its
   * `appendfsync`. `committed` takes any server. @default "flushed"
   */
  durability?: Durability;
}

/**
 * The embedded store: one SQLite file, one owning node.
 *
 * @param folder where the file lies. @default the node's data folder
 * @param options.durability `flushed` (default): effects leave when the commit is on disk;
 *   `committed`: when it is visible, so a power cut may take the last moments
 * @throws E_SPEC_SETTING E_SPEC_STRATEGY
 */
export function sqlite(
  folder: string | null = null,
  options?: { durability?: Durability },
): StoreSpec {
  const at = "sqlite()";
  if (folder !== null && typeof folder !== "string") {
    throw new ActorError("E_SPEC_STRATEGY", `folder: ${shown(folder)} is no path`, {
      at,
      fix: 'write sqlite("folder", { durability })',
    });
  }
  const { durability } = onlyKnown(options, { durability: true }, at);
  return {
    kind: "sqlite",
    folder,
    durability: settings.word(durability, ["flushed", "committed"], "durability", at),
  };
}

/** The store that forgets: for tests and simulations. */
export function memory(): StoreSpec {
  return { kind: "memory" };
}

const AT = "redis()";
const OPTIONS: Names<RedisOptions> = {
  url: true,
  host: true,
  port: true,
  cluster: true,
  prefix: true,
  partitions: true,
  lease: true,
  durability: true,
};
const PREFIX = /^[A-Za-z0-9_.:-]{1,64}$/;
const LEASE_MS = [2_000, 3_600_000] as const;

/**
 * The store on a Redis server or Cluster (6.2 or newer, Valkey too). Needs the package `ioredis`.
 *
 * @throws E_SPEC_COMBINATION E_SPEC_ID E_SPEC_RANGE E_SPEC_SETTING E_SPEC_STRATEGY E_UNITS
 * @source ADR 0021
 */
export function redis(given?: RedisOptions): StoreSpec {
  const options = onlyKnown(given, OPTIONS, AT);
  const { url, host, port, prefix = "coppice" } = options;
  if (url !== undefined && (host !== undefined || port !== undefined)) {
    throw new ActorError("E_SPEC_COMBINATION", "url and host or port exclude each other", {
      at: AT,
      fix: "give one of them",
    });
  }
  if (!PREFIX.test(prefix)) {
    throw new ActorError(
      "E_SPEC_ID",
      `prefix: ${shown(prefix)} is empty or holds other characters`,
      {
        at: AT,
        fix: "use 1–64 letters, digits or _ . : -",
      },
    );
  }
  const number = settings.integer(port, 6_379, [1, 65_535], "port", AT);
  const address = url ?? `redis://${host ?? "127.0.0.1"}:${number}`;
  if (!/^rediss?:$/.test(URL.parse(address)?.protocol ?? "")) {
    throw new ActorError("E_SPEC_RANGE", "url: this is no address of a Redis server", {
      at: AT,
      fix: "write redis://HOST:PORT, or rediss://USER:PASSWORD@HOST:PORT/DB",
    });
  }
  return {
    kind: "redis",
    url: address,
    cluster: settings.flag(options.cluster, false, "cluster", AT),
    prefix,
    partitions: settings.integer(options.partitions, 64, [1, 4_096], "partitions", AT),
    leaseMs: leaseMs(options.lease),
    durability: settings.word(options.durability, ["flushed", "committed"], "durability", AT),
  };
}

function leaseMs(lease: Duration | undefined): number {
  const ms = settings.period(lease, 5_000, "lease", AT);
  return settings.integer(ms, 5_000, LEASE_MS, "lease (ms)", AT);
}
