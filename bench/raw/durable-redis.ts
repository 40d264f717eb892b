/**
 * Owns: the ceiling of coppice/durable-redis.ts: the writes that keeping a message, then its ack and
 * the new state takes, in scripts of 1,000 messages: no actors, no fences, no encoding, no partitions.
 */
import { Redis } from "ioredis";
import type { Outcome } from "../lib/outcome.ts";
import { COUNTERS } from "../lib/sizes.ts";

const client = new Redis(process.env.BENCH_REDIS as string);
const KEEP = `for i = 1, #ARGV, 3 do redis.call('HSET', ARGV[i], ARGV[i + 1], ARGV[i + 2]) end`;
const ACK = `for i = 1, #ARGV, 4 do
  redis.call('HDEL', ARGV[i], ARGV[i + 1])
  redis.call('HSET', ARGV[i + 2], 'state', ARGV[i + 3])
end`;
const [keep, ack] = (await Promise.all(
  [KEEP, ACK].map((source) => client.script("LOAD", source)),
)) as [string, string];
const body = Buffer.alloc(24);
let seq = 0;

export async function run(_: unknown, n: number): Promise<Outcome> {
  const beganAt = performance.now();
  for (let left = n; left > 0; left -= COUNTERS) {
    const keys = Math.min(COUNTERS, left);
    const first = seq;
    const kept = Array.from({ length: keys }, (_, key) => [`m:${key}`, `${++seq}`, body]);
    await client.evalsha(keep, 0, ...kept.flat());
    const acks = Array.from({ length: keys }, (_, key) => {
      return [`m:${key}`, `${first + key + 1}`, `a:${key}`, body];
    });
    await client.evalsha(ack, 0, ...acks.flat());
  }
  return { n, seconds: (performance.now() - beganAt) / 1_000 };
}
