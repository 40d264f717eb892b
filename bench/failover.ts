/**
 * Owns: how long actors of a node that is killed are away: two nodes with the default lease share the
 * ledger's agents on a Redis; n times one is killed, and the other goes on with each of its agents.
 * Does not own: the ledger, its nodes and its check (test/kill).
 */
import { isFlawless, killOften } from "../test/kill/conductor.ts";
import type { Outcome } from "./lib/outcome.ts";

/** The store's default. @unit ms */
const LEASE_MS = 5_000;
/** Before the peer's process would be ended, with what it has started left over. @unit ms */
const LIMIT_MS = 150_000;

export async function run(n: number): Promise<Outcome> {
  const report = await killOften({
    ...{ store: "redis", nodes: 2, kills: n, calm: true, leaseMs: LEASE_MS, seed: 1 },
    progress: () => {},
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  if (!isFlawless(report)) throw new Error(`something went wrong: ${JSON.stringify(report)}`);
  const { recoveries, seconds } = report;
  if (recoveries < n)
    throw new Error(`${recoveries} of ${n} kills in ${seconds} s took actors away`);
  const { recoveryP50Ms: p50Ms, recoveryP99Ms: p99Ms } = report;
  return { n, seconds, p50Ms, p99Ms, p99BehindLeaseMs: p99Ms - LEASE_MS };
}
