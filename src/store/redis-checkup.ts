/**
 * Owns: a look at a Redis server or Cluster, without a node: is it there, and what would it lose?
 * Does not own: what an app is refused for (redis-connect.ts), words for people (cli/).
 */
import { ActorError } from "../actor/errors.ts";
import { type RedisSpec, redis } from "../actor/store.ts";
import { checkSettings, RedisConnections, type ServerSettings, shownUrl } from "./redis-connect.ts";

export interface RedisCheckup {
  /** Its address, without a password. */
  readonly at: string;
  /** One, or the masters of a Cluster; empty when none can be reached. */
  readonly servers: readonly ServerSettings[];
  /** What is weaker than it might seem. */
  readonly weak: readonly string[];
  /** Why an app would not start on it. */
  readonly wrong: { readonly code: string; readonly fact: string; readonly fix: string } | null;
}

/** @throws ActorError E_SPEC_RANGE for what is no address, E_PEER_MISSING */
export async function checkRedis(url: string, cluster: boolean): Promise<RedisCheckup> {
  const spec = redis({ url, cluster }) as RedisSpec;
  const at = shownUrl(url);
  let connections: RedisConnections | null = null;
  let servers: readonly ServerSettings[] = [];
  try {
    connections = await RedisConnections.open(spec);
    servers = await connections.settings();
    return { at, servers, weak: checkSettings(servers, spec), wrong: null };
  } catch (thrown) {
    if (!(thrown instanceof ActorError) || thrown.code === "E_PEER_MISSING") throw thrown;
    const { code, message: fact, fix = "" } = thrown;
    return { at, servers, weak: [], wrong: { code, fact, fix } };
  } finally {
    connections?.close();
  }
}
