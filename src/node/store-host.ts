/**
 * Owns: which store a node opens, and what it tells people about it.
 * Does not own: the stores (store/), a thread's line to one (store-link.ts).
 */
import { type App, dynamicPaths } from "../actor/app.ts";
import { startRedis } from "../store/redis-client.ts";
import type { StoreNews } from "../store/redis-open.ts";
import { startSqliteWriter } from "../store/sqlite-client.ts";
import { Cluster, type Say } from "./cluster.ts";
import { memoryHost, type StoreHost } from "./store-link.ts";

/** @throws ActorError E_NODE_RUNNING E_PEER_MISSING E_STORE_… */
export async function openStore(app: App, folder: string | null, say: Say): Promise<StoreHost> {
  const { store } = app;
  if (store.kind === "redis") {
    let cluster: Cluster | null = null;
    const early: StoreNews[] = [];
    const news = (what: StoreNews) => void (cluster ? cluster.hear(what) : early.push(what));
    const client = await startRedis(store, dynamicPaths(app.root), news);
    for (const fact of client.weak)
      say("warn", `the Redis store is weaker than it could be: ${fact}`);
    const left = (partition: number) => client.tell({ kind: "left", partition });
    const join = () => client.tell({ kind: "join" });
    const ends = { left, join, weak: client.weak };
    cluster = new Cluster(app, client.node, store.partitions, ends, say);
    for (const what of early) cluster.hear(what);
    cluster.begin();
    return { ...client, cluster };
  }
  if (store.kind === "memory" || folder === null) return memoryHost();
  return startSqliteWriter(folder, { durability: store.durability });
}
