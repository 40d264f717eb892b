/**
 * Owns: which store a node opens, and what it tells people about it.
 * Does not own: the stores (store/), a thread's line to one (store-link.ts).
 */
import { type App, dynamicPaths } from "../actor/app.ts";
import { startRedis } from "../store/redis-client.ts";
import type { StoreNews } from "../store/redis-open.ts";
import { startSqliteWriter } from "../store/sqlite-client.ts";
import { memoryHost, type StoreHost } from "./store-link.ts";

type Say = (level: "info" | "warn", message: string, fields?: unknown) => void;

/** @throws ActorError E_NODE_RUNNING E_PEER_MISSING E_STORE_… */
export async function openStore(app: App, folder: string | null, say: Say): Promise<StoreHost> {
  const { store } = app;
  if (store.kind === "redis") {
    const news = (what: StoreNews) => {
      const { kind } = what;
      if (kind === "trouble") say("warn", `Redis: ${what.why}; calls are made again`);
      else if (kind === "lost") say("warn", `partition ${what.partition} is lost: ${what.why}`);
    };
    const client = await startRedis(store, dynamicPaths(app.root), news);
    for (const fact of client.weak)
      say("warn", `the Redis store is weaker than it could be: ${fact}`);
    return client;
  }
  if (store.kind === "memory" || folder === null) return memoryHost();
  return startSqliteWriter(folder, { durability: store.durability });
}
