/**
 * Owns: the simulator as a command: its options, its progress, how failures and marks are told.
 * Does not own: running seeds (simulate-seeds.ts).
 */
import { ActorError } from "../actor/errors.ts";
import { FAULTS, type Fault } from "./faults.ts";
import {
  runSeeds,
  type SeedFailure,
  type SeedsProgress,
  type SeedsResult,
} from "./simulate-seeds.ts";

/** Where the command writes; on a terminal it also shows its progress. */
interface Out {
  write(text: string): void;
  readonly isTTY?: boolean;
}

interface Options {
  seeds: number;
  seed: number;
  checkDeterminism: boolean;
  always: Fault[];
  json: boolean;
  help: boolean;
}

/** From this many seeds on every mark must have been hit. */
const MARKS_FROM = 2_000;

const HELP = `coppice sim [options]        random supervision trees under random work and faults

Each seed runs a scenario on the kernel and on a model of Erlang/OTP, step by step, and then a whole
simulated node under faults, watched by checks. Same seed, same run.

  --seeds N                how many seeds (default 100)
  --seed S                 the first one (default 1)
  --with FAULT             this fault is on in every run, as "move actor"; may come several times
  --check-determinism      every seed twice; the hashes of all events must be equal
  --json                   one JSON object instead of text
  --help                   this text

The last line is "N passed, N failed". From ${MARKS_FROM} seeds on, a mark that was never seen counts as
failed. Exit status: 0 when nothing failed, 1 otherwise, 2 for a bad command line, 130 when stopped.
`;

const TAIL = 20;
const LINE_MAX = 220;
/** Between two signs of progress. @unit ms */
const PROGRESS_MS = 200;
const STOPPED = 130;

/**
 * Runs the command.
 *
 * @param signal ends the run after the present seed; without it, Ctrl-C and SIGTERM do
 * @returns the exit status
 * @throws ActorError E_USAGE for a command line that cannot be understood
 */
export async function simCommand(
  args: readonly string[],
  out: Out,
  signal?: AbortSignal,
): Promise<number> {
  const options = readOptions(args);
  if (options.help) {
    out.write(HELP);
    return 0;
  }
  const stop = signal === undefined ? interruptible() : { signal, end: () => {} };
  try {
    return await run(options, out, stop.signal);
  } finally {
    stop.end();
  }
}

async function run(options: Options, out: Out, signal: AbortSignal): Promise<number> {
  const { seeds, seed: from, checkDeterminism, always, json } = options;
  const startedAt = performance.now();
  const progress = progressOn(json ? {} : out, seeds);
  const onProgress = (now: SeedsProgress) => {
    const { failure, seed } = now.run;
    if (failure !== null && !json) {
      progress.clear();
      tell(seed, failure, always, out);
    }
    progress.show(now);
  };
  const result = await runSeeds({ seeds, from, checkDeterminism, always, onProgress, signal });
  progress.clear();
  const seconds = (performance.now() - startedAt) / 1_000;
  const blind = seeds >= MARKS_FROM && !signal.aborted ? neverHit(result) : [];
  const failed = result.failed + blind.length;
  if (json) out.write(`${JSON.stringify({ ...result, failed, neverHit: blind, seconds })}\n`);
  else report(result, blind, seconds, out);
  if (failed > 0) return 1;
  return signal.aborted ? STOPPED : 0;
}

const neverHit = ({ marks }: SeedsResult) =>
  marks.flatMap(([mark, count]) => (count === 0 ? [mark] : []));

function readOptions(args: readonly string[]): Options {
  const flags = { checkDeterminism: false, json: false, help: false };
  const options: Options = { seeds: 100, seed: 1, always: [], ...flags };
  const words = [...args];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [name, given] = word.split("=", 2);
    if (name === "--seeds") options.seeds = whole(name, given ?? words.shift(), 1);
    else if (name === "--seed") options.seed = whole(name, given ?? words.shift(), 0);
    else if (name === "--with") options.always.push(faultNamed(given ?? words.shift()));
    else if (word === "--check-determinism") options.checkDeterminism = true;
    else if (word === "--json") options.json = true;
    else if (word === "--help" || word === "-h") options.help = true;
    else throw usage(`sim has no option ${JSON.stringify(word)}`);
  }
  return options;
}

function whole(name: string, text: string | undefined, min: number): number {
  const value = Number(text);
  const fits = /^\d+$/.test(text ?? "") && value >= min && value <= 1e9;
  if (fits) return value;
  throw usage(`${name} wants a whole number from ${min} to 1000000000, not ${text ?? "nothing"}`);
}

function faultNamed(name = "nothing"): Fault {
  if (name in FAULTS) return name as Fault;
  throw usage(`--with wants one of ${Object.keys(FAULTS).join(", ")}, not ${name}`);
}

const usage = (fact: string) =>
  new ActorError("E_USAGE", fact, { fix: "coppice sim --help lists the options" });

/** Ctrl-C and its relatives end the run after the present seed. */
function interruptible() {
  const controller = new AbortController();
  const stop = () => controller.abort();
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const each of signals) process.on(each, stop);
  const end = () => {
    for (const each of signals) process.off(each, stop);
  };
  return { signal: controller.signal, end };
}

/** A counter on a terminal that goes away again. */
function progressOn(out: Partial<Out>, total: number) {
  let shownAt = Number.NEGATIVE_INFINITY;
  let shown = false;
  return {
    show: ({ done, failed }: SeedsProgress) => {
      const now = performance.now();
      if (out.isTTY !== true || now - shownAt < PROGRESS_MS) return;
      shownAt = now;
      shown = true;
      out.write?.(`\r${done} of ${total} seeds${failed > 0 ? `, ${failed} failed` : ""}\u001b[K`);
    },
    clear: () => {
      if (shown) out.write?.("\r\u001b[K");
      shown = false;
    },
  };
}

function tell(
  seed: number,
  { check, detail, tail }: SeedFailure,
  always: readonly Fault[],
  out: Out,
): void {
  const faults = always.map((each) => ` --with "${each}"`).join("");
  const lines = [
    `SEED=${seed}  replay: npm run sim -- --seeds 1 --seed ${seed}${faults}`,
    `  check: ${check}`,
    ...detail.split("\n").map((line) => `  ${line}`),
    ...(tail.length > 0 ? ["  last events:"] : []),
    ...tail.slice(-TAIL).map((line) => `    ${cut(line)}`),
  ];
  out.write(`${lines.join("\n")}\n\n`);
}

const cut = (line: string) => (line.length > LINE_MAX ? `${line.slice(0, LINE_MAX)}…` : line);

function report(result: SeedsResult, blind: string[], seconds: number, out: Out): void {
  const { marks, steps, events, passed, failed } = result;
  const width = Math.max(...marks.map(([, count]) => String(count).length));
  const lines = marks.map(([mark, count]) => `  ${String(count).padStart(width)}  ${mark}`);
  const rate = Math.round(steps / Math.max(seconds, 0.001));
  out.write(`marks, and how often each was seen:\n${lines.join("\n")}\n`);
  for (const mark of blind) out.write(`NEVER SEEN  ${mark}\n`);
  const done = passed + failed;
  out.write(`${done} seeds, ${steps} steps, ${events} events in ${seconds.toFixed(1)} s`);
  out.write(` (${rate} steps/s)\n`);
  out.write(`${passed} passed, ${failed + blind.length} failed\n`);
}
