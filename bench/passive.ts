/**
 * Owns: what actors cost that are in the store only: how long a node with n of them takes to its first
 * message, and its memory. Does not own: the node (sleepers/), its end by force (recovery.ts).
 */
import type { Outcome } from "./lib/outcome.ts";
import { figuresBySize } from "./lib/sizes.ts";
import { nodeOf, resting } from "./sleepers/running.ts";

/** `bytesEach`: what the whole process holds more than one with ten of them. */
export async function run(n: number): Promise<Outcome> {
  const rss: number[] = [];
  const starts = await figuresBySize("startMs", n, async (count) => {
    const node = await nodeOf(count, "rest");
    rss.push((await node.hear(resting)).rss);
    await node.kill();
    return node.startMs;
  });
  const [few = 0, many = 0] = [rss[0], rss.at(-1)];
  const seconds = (starts.startMs as number) / 1_000;
  return { n, seconds, ...starts, bytesEach: (many - few) / n, rssMb: many / 1e6 };
}
