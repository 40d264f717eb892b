/**
 * Owns: how long a node that is killed while it works with n stored actors is away: from SIGKILL to the
 * answer of one of them in a new process. Does not own: the nodes (sleepers/).
 */
import type { Outcome } from "./lib/outcome.ts";
import { figuresBySize } from "./lib/sizes.ts";
import { nodeOf, speaking } from "./sleepers/running.ts";

export async function run(n: number): Promise<Outcome> {
  const away = await figuresBySize("awayMs", n, async (count) => {
    const before = await nodeOf(count, "speak");
    await before.hear(speaking);
    const killedAt = performance.now();
    await before.kill();
    const after = await nodeOf(count, "rest");
    const ms = performance.now() - killedAt;
    await after.kill();
    return ms;
  });
  return { n, seconds: (away.awayMs as number) / 1_000, ...away };
}
