/**
 * Owns: measuring one program on its peers: every peer has its process, a warm-up finds how many
 * operations fill a run, then the peers take turns; the median run is the result.
 * Does not own: arguments and printing (run.ts), the processes (peer.ts).
 */
import { builtImages, lacking, RUNTIMES } from "../../src/tool/image.ts";
import { type Peer, type Program, RUN_SECONDS } from "./catalogue.ts";
import type { Outcome } from "./outcome.ts";
import { missing, PeerProcess } from "./peer.ts";
import { quantile } from "./quantile.ts";

export interface Measurement {
  readonly bench: string;
  readonly peer: Peer;
  readonly unit: string;
  readonly n: number;
  /** Of the median run, as all figures. */
  readonly seconds: number;
  readonly opsPerS: number;
  readonly runs: number;
  readonly opsPerSMin: number;
  readonly opsPerSMax: number;
  /**
   * How many times this peer's rate coppice's is: the median of the ratios of runs that followed one
   * another, so that what else the machine did in those seconds is in both. Absent: coppice itself,
   * or coppice was not measured.
   */
  readonly coppiceTimes?: number;
  readonly [figure: string]: number | string | undefined;
}

/** A measurement that was not taken, and why. */
export interface NotMeasured {
  readonly bench: string;
  readonly peer: Peer;
  readonly skipped?: string;
  readonly failed?: string;
}

export type Line = Measurement | NotMeasured;
export const isMeasured = (line: Line): line is Measurement => "opsPerS" in line;

export interface Plan {
  readonly runs: number;
  readonly quick: boolean;
  /** Told what happens, for whoever waits. */
  readonly progress: (text: string) => void;
}

interface Entry {
  readonly peer: Peer;
  readonly process: PeerProcess;
  readonly outcomes: Outcome[];
  n: number;
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** What this machine has not built for the program, or null. */
function lackingFor({ images }: Program): string | null {
  if (images !== true || builtImages().length === RUNTIMES.length) return null;
  const { why, fix } = lacking();
  return `${why}; ${fix}`;
}

/** Measures a program on those of `peers` that have it. */
export async function measure(program: Program, peers: readonly Peer[], plan: Plan) {
  const lines: Line[] = [];
  const entries: Entry[] = [];
  const { name: bench } = program;
  const fail = (peer: Peer, error: unknown) => lines.push({ bench, peer, failed: reasonOf(error) });
  const warmUp = async (peer: Peer) => {
    const skipped = lackingFor(program) ?? missing(peer, plan.quick);
    if (skipped !== null) return void lines.push({ bench, peer, skipped });
    plan.progress(`${bench}: ${peer} warms up`);
    await prepare(program, peer, plan).then(
      (entry) => entries.push(entry),
      (error) => fail(peer, error),
    );
  };
  const having = peers.filter((peer) => program.peers.includes(peer));
  // Side by side they would disturb each other, which matters to figures, not to a smoke test.
  if (plan.quick) await Promise.all(having.map(warmUp));
  else for (const peer of having) await warmUp(peer);
  const failed = new Set<Entry>();
  const runs = program.runs ?? plan.runs;
  for (let run = 1; run <= runs; run++) {
    for (const entry of entries) {
      if (failed.has(entry)) continue;
      plan.progress(`${bench}: run ${run} of ${runs}: ${entry.peer}, n = ${entry.n}`);
      try {
        entry.outcomes.push(await entry.process.run(entry.n));
      } catch (error) {
        failed.add(entry);
        fail(entry.peer, error);
      }
    }
  }
  const ours = entries.find((entry) => entry.peer === "coppice" && !failed.has(entry)) ?? null;
  for (const entry of entries) {
    await entry.process.end();
    if (!failed.has(entry)) lines.push(summary(program, entry, ours));
  }
  return lines.sort((a, b) => peers.indexOf(a.peer) - peers.indexOf(b.peer));
}

/** Starts the process and warms it up: the compiler has seen the program before it is measured. */
async function prepare(program: Program, peer: Peer, plan: Plan): Promise<Entry> {
  const process = await PeerProcess.start(peer, program);
  const n = plan.quick ? program.quick : (program.fewer?.[peer] ?? program.n);
  const entry: Entry = { peer, process, outcomes: [], n };
  if (plan.quick || program.cold) return entry;
  try {
    const { seconds } = await process.run(entry.n);
    if (program.fixed) return entry;
    const again = await process.run(Math.ceil((0.5 * RUN_SECONDS * n) / Math.max(seconds, 1e-6)));
    const fits = (RUN_SECONDS * again.n) / Math.max(again.seconds, 1e-6);
    return { ...entry, n: Math.max(entry.n, Math.round(fits / 1_000) * 1_000) };
  } catch (error) {
    await process.end();
    throw error;
  }
}

function summary(program: Program, entry: Entry, ours: Entry | null): Measurement {
  const { peer, outcomes } = entry;
  const sorted = outcomes.toSorted((a, b) => rate(a) - rate(b));
  const median = sorted[sorted.length >> 1] as Outcome;
  const { n, seconds, ...figures } = median;
  return {
    bench: program.name,
    peer,
    unit: program.unit,
    n,
    seconds,
    opsPerS: rate(median),
    runs: sorted.length,
    opsPerSMin: rate(sorted[0] as Outcome),
    opsPerSMax: rate(sorted.at(-1) as Outcome),
    ...(ours === null || ours === entry ? {} : { coppiceTimes: times(ours, entry) }),
    ...figures,
  };
}

/** The median ratio of the runs that the two had one after the other. */
function times(ours: Entry, other: Entry): number {
  const pairs = Math.min(ours.outcomes.length, other.outcomes.length);
  const ratios = Array.from({ length: pairs }, (_, i) => {
    const [mine, theirs] = [ours.outcomes[i] as Outcome, other.outcomes[i] as Outcome];
    return mine.n / mine.seconds / (theirs.n / theirs.seconds);
  });
  return Number(quantile(Float64Array.from(ratios), 0.5).toPrecision(4));
}

const rate = ({ n, seconds }: Outcome) => {
  const value = n / seconds;
  return value < 100 ? Number(value.toPrecision(4)) : Math.round(value);
};
