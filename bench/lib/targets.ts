/**
 * Owns: what the figures of Coppice are meant to be, as data. Does not own: measuring them, and
 * showing which are missed (report.ts).
 */
import type { Peer } from "./catalogue.ts";

/** A target for a program: a rate at least so many times a peer's, or a figure of its own. */
export type Target =
  | { readonly bench: string; readonly peer: Peer; readonly times: number }
  | { readonly bench: string; readonly figure: string; readonly atLeast: number }
  | { readonly bench: string; readonly figure: string; readonly below: number };

const times = (benches: string, peer: Peer, factor: number): Target[] =>
  benches.split(" ").map((bench) => ({ bench, peer, times: factor }));

export const TARGETS: readonly Target[] = [
  ...times("pingpong threadring chameneos", "beam1", 5),
  ...times("pingpong threadring chameneos", "nact", 20),
  ...times("big concdict", "beam1", 4),
  ...times("big", "nact", 5),
  ...times("concdict", "nact", 10),
  ...times("count fjthrput bang fjcreate", "beam1", 1),
  ...times("pingpong threadring chameneos big concdict count fjthrput bang", "raw", 0.5),
  ...times("ask", "beam1", 2),
  { bench: "bang2", figure: "opsPerS", atLeast: 4_000_000 },
  { bench: "bang2-100", figure: "opsPerS", atLeast: 1_000_000 },
  { bench: "ask2", figure: "p50Us", below: 25 },
  { bench: "memory1m", figure: "bytesNever", below: 400 },
  { bench: "durable", figure: "opsPerS", atLeast: 100_000 },
  ...times("durable", "restate", 5),
  ...times("durable", "dbos", 20),
  { bench: "durable-redis", figure: "opsPerS", atLeast: 80_000 },
  { bench: "durable-redis-always", figure: "opsPerS", atLeast: 50_000 },
  ...times("durable-redis durable-redis-always", "bullmq", 10),
  ...times("overhead", "coppice-bare", 0.97),
  { bench: "durable-one", figure: "p50Us", below: 1_000 },
  { bench: "durable-steps", figure: "p50Us", below: 5_000 },
  { bench: "passive", figure: "startMs", below: 2_000 },
  { bench: "passive", figure: "bytesEach", below: 200 },
  { bench: "failover", figure: "p99BehindLeaseMs", below: 1_000 },
  { bench: "restart", figure: "opsPerS", atLeast: 200_000 },
  { bench: "restart-exit", figure: "opsPerS", atLeast: 200_000 },
  { bench: "fair-async", figure: "p99Ms", below: 10 },
  { bench: "fair-below", figure: "p99Ms", below: 150 },
  { bench: "fair-above", figure: "p99Ms", below: 150 },
  { bench: "abort", figure: "p99Ms", below: 20 },
  { bench: "idle", figure: "cpuPercent", below: 1 },
  { bench: "tools", figure: "policyP99Us", below: 50 },
  { bench: "tools", figure: "brokerUs", below: 20 },
  { bench: "sandbox", figure: "pooledNodeMs", below: 15 },
  { bench: "sandbox", figure: "pooledPythonMs", below: 15 },
  { bench: "sandbox", figure: "pooledShMs", below: 15 },
  { bench: "sandbox", figure: "freshNodeMs", below: 150 },
  { bench: "sandbox", figure: "freshPythonMs", below: 80 },
  { bench: "sandbox", figure: "freshShMs", below: 100 },
  { bench: "sandbox", figure: "templateNodeMs", below: 5_000 },
  { bench: "sandbox", figure: "privateNodeMb", below: 70 },
  { bench: "sandbox", figure: "destroyMs", below: 20 },
  { bench: "meter", figure: "cpuBoundPercent", below: 15 },
  { bench: "meter", figure: "agentLikePercent", below: 3 },
];
