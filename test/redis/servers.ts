// A real Redis Cluster of three masters, each with a third of the slots.

import { type RedisServer, startRedis } from "./server.ts";

const SLOTS = 16_384;

export interface RedisCluster {
  /** Of one of them: it knows the others. */
  readonly url: string;
  readonly servers: readonly RedisServer[];
  end(): Promise<void>;
}

export async function startCluster(): Promise<RedisCluster> {
  const more = { "cluster-enabled": "yes", "cluster-node-timeout": "5000" };
  const servers = await Promise.all([1, 2, 3].map(() => startRedis(more)));
  const [first] = servers as [RedisServer];
  for (const [at, { client, port }] of servers.entries()) {
    const from = Math.floor((SLOTS * at) / servers.length);
    const to = Math.floor((SLOTS * (at + 1)) / servers.length);
    const slots = Array.from({ length: to - from }, (_, n) => String(from + n));
    await client.call("cluster", "addslots", ...slots);
    await first.client.call("cluster", "meet", "127.0.0.1", String(port));
  }
  const isWhole = async () => {
    const all = await Promise.all(servers.map(({ client }) => client.call("cluster", "info")));
    return all.every((info) => /cluster_state:ok[\s\S]*cluster_known_nodes:3/.test(String(info)));
  };
  while (!(await isWhole())) await new Promise((resolve) => setTimeout(resolve, 50));
  return {
    url: first.url,
    servers,
    end: async () => void (await Promise.all(servers.map((each) => each.end()))),
  };
}
