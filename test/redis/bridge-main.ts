// A Redis store on a thread, asked synchronously: the acceptance suite's engines are synchronous.

import { type MessagePort, workerData } from "node:worker_threads";
import type { Cluster, Redis } from "ioredis";
import type { RedisSpec } from "../../src/actor/store.ts";
import { keysOf } from "../../src/store/redis-leases.ts";
import { type OpenRedis, openRedis } from "../../src/store/redis-open.ts";
import type { StoreOp } from "../../src/store/store.ts";

export interface BridgeData {
  readonly flag: SharedArrayBuffer;
  readonly port: MessagePort;
}

/** A store to open, operations for it, the paths of all actors, or the end of it. */
export type Request = { open: RedisSpec } | { ops: readonly StoreOp[] } | "paths" | "close";

const { flag, port } = workerData as BridgeData;
const bell = new Int32Array(flag);

/** The store that is open. */
let store: OpenRedis | null = null;
let bases: string[] = [];

function ring(reply: { value: unknown } | { error: string }): void {
  port.postMessage(reply);
  Atomics.add(bell, 0, 1);
  Atomics.notify(bell, 0);
}

/** Of all servers of a Cluster. */
async function keysOn(client: Redis | Cluster, pattern: string): Promise<string[]> {
  const servers = "nodes" in client ? client.nodes("master") : [client];
  return (await Promise.all(servers.map((each) => each.keys(pattern)))).flat();
}

async function paths({ connections: { client } }: OpenRedis): Promise<string[]> {
  const found: string[] = [];
  for (const base of bases) {
    for (const key of await keysOn(client, `${base.replace(/[{}]/g, "?")}a:*`)) {
      if ((await client.hexists(key, "born")) === 1) found.push(key.slice(base.length + 2));
    }
  }
  return found.sort();
}

async function answer(request: Request): Promise<unknown> {
  if (request === "close") {
    // Not closed in order: its leases stay, as those of a node that comes back at once.
    store?.leases.abandon();
    store?.store.close();
    store?.connections.close();
    store = null;
    return null;
  }
  if (typeof request === "object" && "open" in request) {
    const { prefix, partitions } = request.open;
    bases = Array.from({ length: partitions }, (_, at) => keysOf(prefix, at).base);
    store = await openRedis(request.open, null, () => {}, "tck");
    return null;
  }
  const open = store as OpenRedis;
  if (request === "paths") return paths(open);
  return open.store.execute(request.ops);
}

port.on("message", async (request: Request) => {
  try {
    ring({ value: await answer(request) });
  } catch (thrown) {
    ring({ error: String(thrown) });
  }
});
