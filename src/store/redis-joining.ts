/**
 * Owns: how a node comes to its share. Where others live it joins them once its tree runs: until
 * then a partition that becomes free is for those who can begin with it at once. A node that is
 * alone has its share before its tree starts.
 * Does not own: who should hold what, and does (redis-leases.ts).
 */
import { number, type Reply, text } from "./redis-wire.ts";

/** How much longer than a lease a node waits for those of its predecessor. @unit ms */
const PATIENCE_MS = 3_000;
/** How often it looks. @unit ms */
const LOOK_MS = 100;

/** Who lives. KEYS: nodes. Answers: names, each with when it is gone by Redis' clock, in ms. */
export const LIVING = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'WITHSCORES')
`;

/** Until when each node lives if nothing more is heard of it. @unit ms, Redis' clock */
export type Living = ReadonlyMap<string, number>;

export function livingOf(reply: Reply): Living {
  const all = reply as Reply[];
  const names = all.flatMap((name, at) => (at % 2 ? [] : [text(name)]));
  return new Map(names.map((name, at) => [name, number(all[2 * at + 1] as Reply)]));
}

/** What is waited with. */
export interface Joining {
  /** @unit ms, monotonic */
  now(): number;
  sleep(ms: number): Promise<void>;
}

/**
 * Do others live? One that has died is noted until its lease would end, and says nothing more: so
 * this waits until one of those noted is heard of again, or none is left.
 */
export async function othersLive(
  look: () => Promise<Living>,
  { sleep }: Joining,
): Promise<boolean> {
  const before = await look();
  for (let living = before; living.size > 0; living = await look()) {
    const isHeard = ([name, until]: [string, number]) => until > (before.get(name) ?? 0);
    if ([...living].some(isHeard)) return true;
    await sleep(LOOK_MS);
  }
  return false;
}

/**
 * Resolves when a node has its share. Partitions of a node that has crashed are free when its leases
 * end; one that lives gives some of its own. What comes later than this is taken when it comes. Over
 * when the node ends meanwhile.
 */
export async function waitForShare(
  leases: { readonly complete: boolean; readonly over: boolean; round(): Promise<void> },
  leaseMs: number,
  { now, sleep }: Joining,
): Promise<void> {
  const until = now() + leaseMs + PATIENCE_MS;
  while (!leases.complete && !leases.over && now() < until) {
    await sleep(LOOK_MS);
    await leases.round().catch(() => {});
  }
}
