/**
 * Owns: what metering costs, as one outcome of the bench: geometric means in percent over the
 * CPU-bound and the agent-like programs. Does not own: measuring it (meter.ts).
 */
import { measureMeter } from "./meter.ts";

/** @param n how often each program runs */
export async function run(n: number) {
  const beganAt = performance.now();
  const { rows, cpuBound, agentLike } = await measureMeter(n);
  const seconds = (performance.now() - beganAt) / 1_000;
  const percent = (ratio: number) => 100 * (ratio - 1);
  const figures = { cpuBoundPercent: percent(cpuBound), agentLikePercent: percent(agentLike) };
  return { n: rows.length / 2, seconds, ...figures };
}
