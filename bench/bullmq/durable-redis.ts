/**
 * Owns: the job of coppice/durable-redis.ts for BullMQ: n jobs of one queue, each adds one to the
 * counter of its key, in Redis. Its promise is less: a job whose worker dies runs again, and is
 * counted again. Does not own: the server.
 */
import { imported } from "../lib/fetched.ts";
import type { Outcome } from "../lib/outcome.ts";
import { COUNTERS } from "../lib/sizes.ts";

const { Queue, Worker } = await imported("bullmq", "bullmq");
const { Redis } = await imported("bullmq", "ioredis");
const { hostname: host, port } = new URL(process.env.BENCH_REDIS as string);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const queue = new Queue("counters", { connection });
const counts = new Redis(connection);
/** Jobs at a time: more make it no faster. */
const CONCURRENCY = 256;
const BULK = 1_000;
let left = 0;
let finished: () => void = () => {};

const worker = new Worker(
  "counters",
  async (job: { data: { key: number } }) => {
    await counts.hincrby("counts", String(job.data.key), 1);
  },
  { connection, concurrency: CONCURRENCY },
);
worker.on("completed", () => {
  if (--left === 0) finished();
});
worker.on("failed", (_: unknown, error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
await worker.waitUntilReady();

export async function run(_: unknown, n: number): Promise<Outcome> {
  const done = new Promise<void>((resolve) => {
    finished = resolve;
  });
  left = n;
  const beganAt = performance.now();
  for (let at = 0; at < n; at += BULK) {
    const jobs = Array.from({ length: Math.min(BULK, n - at) }, (_, i) => ({
      name: "add",
      data: { key: (at + i) % COUNTERS },
      opts: { removeOnComplete: true },
    }));
    await queue.addBulk(jobs);
  }
  await done;
  return { n, seconds: (performance.now() - beganAt) / 1_000 };
}
