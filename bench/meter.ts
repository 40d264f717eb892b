/**
 * Owns: what counting reductions costs: each program of programs/meter/ with the meter and without,
 * in one process, taking turns. Does not own: the programs, printing (run.ts).
 *
 * The fastest run of each counts: the ratio of two runs of some milliseconds is wanted, and whatever
 * else the machine does only adds to either.
 */
import { readdirSync } from "node:fs";
import { installMeter } from "../src/node/meter.ts";

export interface MeterRow {
  readonly bench: "meter";
  readonly peer: "metered" | "unmetered";
  /** Agent-like ones begin with "agent-". */
  readonly program: string;
  readonly n: number;
  /** Of the fastest run. */
  readonly seconds: number;
  readonly runs: number;
  /** Counted in one run; 0 without the meter. */
  readonly reductions: number;
}

export interface MeterResult {
  readonly rows: readonly MeterRow[];
  /** Geometric mean of metered time by unmetered time: 1.1 is 10 % slower. */
  readonly cpuBound: number;
  readonly agentLike: number;
}

/** Each fills some milliseconds. */
const SIZES: Readonly<Record<string, number>> = {
  fannkuch: 9,
  fib: 29,
  mandelbrot: 200,
  map: 60,
  matmul: 30,
  nbody: 60_000,
  queens: 11,
  richards: 800_000,
  sieve: 150,
  sort: 30,
  sums: 800,
  text: 300,
  tokenizer: 500,
  trees: 60,
  "agent-json": 250,
  "agent-plan": 600,
  "agent-prompt": 2_500,
  "agent-rank": 500,
  "agent-state": 15_000,
};

const FOLDER = new URL("./programs/meter/", import.meta.url);

type Run = (n: number) => number;

async function load(program: string, how: string): Promise<Run> {
  const { run } = await import(new URL(`${program}.ts?${how}`, FOLDER).href);
  return run;
}

/** Measures all programs. `runs`: of each, in turns; at least 5 for figures to keep. */
export async function measureMeter(runs = 15): Promise<MeterResult> {
  const programs = readdirSync(FOLDER).map((file) => file.replace(/\.ts$/, ""));
  const meters = (url: string) => url.startsWith(FOLDER.href) && url.endsWith("?metered");
  const failed = (url: string, why: string) => {
    throw new Error(`${url} is not metered: ${why}`);
  };
  const { meter, uninstall } = installMeter({ meters, onUnmetered: failed });
  const rows: MeterRow[] = [];
  const ratios = { cpuBound: [] as number[], agentLike: [] as number[] };
  for (const program of programs) {
    const n = SIZES[program];
    if (n === undefined) throw new Error(`bench/meter.ts has no size for ${program}`);
    const [plain, metered] = [await load(program, "plain"), await load(program, "metered")];
    const fastest = compare(plain, metered, n, runs, () => meter.arm(1e9, 1e9));
    const row = { bench: "meter", program, n, runs } as const;
    const reductions = meter.used();
    rows.push({ ...row, peer: "unmetered", seconds: fastest.plain / 1_000, reductions: 0 });
    rows.push({ ...row, peer: "metered", seconds: fastest.metered / 1_000, reductions });
    const kind = program.startsWith("agent-") ? "agentLike" : "cpuBound";
    ratios[kind].push(fastest.metered / fastest.plain);
  }
  meter.arm(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  uninstall();
  return { rows, cpuBound: mean(ratios.cpuBound), agentLike: mean(ratios.agentLike) };
}

const WARM_UP = 3;

function compare(plain: Run, metered: Run, n: number, runs: number, arm: () => void) {
  const fastest = { plain: Number.POSITIVE_INFINITY, metered: Number.POSITIVE_INFINITY };
  for (let i = -WARM_UP; i < runs; i++) {
    const began = performance.now();
    const expected = plain(n);
    const between = performance.now();
    arm();
    const result = metered(n);
    const ended = performance.now();
    if (result !== expected) throw new Error(`${result} instead of ${expected} with the meter`);
    if (i < 0) continue;
    fastest.plain = Math.min(fastest.plain, between - began);
    fastest.metered = Math.min(fastest.metered, ended - between);
  }
  return fastest;
}

const mean = (ratios: readonly number[]) =>
  Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
