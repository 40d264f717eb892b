/**
 * Owns: `npm run bench`: arguments, the order of programs, what is printed, Ctrl-C, the exit code.
 * Does not own: measuring (lib/measure.ts), which programs there are (lib/catalogue.ts).
 */
import { parseArgs } from "node:util";
import { PEERS, type Peer, PROGRAMS, type Program } from "./lib/catalogue.ts";
import { isMeasured, type Line, measure, type Plan } from "./lib/measure.ts";
import { killPeers } from "./lib/peer.ts";
import { save } from "./lib/results.ts";
import { block } from "./lib/table.ts";

const listed = PROGRAMS.map(
  ({ name, about, onDemand }) => `  ${(onDemand ? `${name}*` : name).padEnd(12)} ${about}\n`,
);

const HELP = `npm run bench -- [--json] [--quick] [--runs N] [--save NAME] [--peers A,B] [PROGRAM…]

  --json      one JSON line per measurement on stdout, nothing else
  --quick     one short run each: does everything still run? The figures mean little
  --runs N    runs of each peer, the median counts; at least 5 for figures to keep (5)
  --save NAME keeps the figures in bench/results/NAME.json (those of other programs stay in it)
              and writes bench/BENCHMARKS.md anew
  --peers A,B only these: ${PEERS.join(", ")}

Programs; without a name, all but those marked *:
${listed.join("")}`;

class UsageError extends Error {}

interface Wanted extends Plan {
  readonly json: boolean;
  /** Name of the results file, or null. */
  readonly save: string | null;
  readonly peers: readonly Peer[];
  readonly programs: readonly Program[];
}

function wanted(args: string[]): Wanted | "help" {
  const options = {
    json: { type: "boolean" },
    quick: { type: "boolean" },
    runs: { type: "string" },
    save: { type: "string" },
    peers: { type: "string" },
    help: { type: "boolean", short: "h" },
  } as const;
  const { values, positionals } = parsed(() =>
    parseArgs({ args, options, allowPositionals: true, strict: true }),
  );
  if (values.help) return "help";
  const runs = Number(values.runs ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(runs) || runs < 1) throw new UsageError(`--runs ${values.runs}: from 1 on`);
  const peers = values.peers?.split(",") ?? PEERS;
  const names = positionals.length > 0 ? positionals : byDefault();
  return {
    json: values.json ?? false,
    save: nameOf(values.save),
    quick: values.quick ?? false,
    runs,
    peers: PEERS.filter((peer) => known("peer", peers, PEERS).includes(peer)),
    programs: known("program", names, allNames()).map(
      (name) => PROGRAMS.find((program) => program.name === name) as Program,
    ),
    progress: (text) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
    },
  };
}

function nameOf(save: string | undefined): string | null {
  if (save === undefined) return null;
  if (/^[a-z0-9-]+$/.test(save)) return save;
  throw new UsageError(`--save ${JSON.stringify(save)}: small letters, digits and - only`);
}

const allNames = () => PROGRAMS.map(({ name }) => name);
const byDefault = () => PROGRAMS.filter(({ onDemand }) => !onDemand).map(({ name }) => name);

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function known(what: string, names: readonly string[], all: readonly string[]): readonly string[] {
  const unknown = names.find((name) => !all.includes(name));
  if (unknown === undefined) return names;
  throw new UsageError(`no ${what} ${JSON.stringify(unknown)}; there are: ${all.join(", ")}`);
}

function print(plan: Wanted, program: Program, lines: readonly Line[]): void {
  if (plan.json) {
    for (const line of lines) process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  process.stdout.write(`${program.name}: ${program.about}\n${block(lines)}\n`);
}

async function main(args: string[]): Promise<number> {
  const plan = wanted(args);
  if (plan === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  const all: Line[] = [];
  const programs = plan.programs.values();
  const work = async () => {
    for (const program of programs) {
      const lines = await measure(program, plan.peers, plan);
      if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
      print(plan, program, lines);
      if (plan.save !== null) save(plan.save, plan.runs, lines);
      all.push(...lines);
    }
  };
  // Two at a time would disturb each other: good enough to see that everything runs.
  await Promise.all(plan.quick ? [work(), work(), work()] : [work()]);
  const count = (test: (line: Line) => boolean) => all.filter(test).length;
  const skipped = count((line) => !isMeasured(line) && line.skipped !== undefined);
  const failed = count((line) => !isMeasured(line) && line.failed !== undefined);
  process.stderr.write(`${count(isMeasured)} measured, ${skipped} skipped, ${failed} failed\n`);
  return failed > 0 ? 1 : 0;
}

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  process.on(signal, () => {
    killPeers();
    process.stderr.write(`\ninterrupted\n`);
    process.exit(code);
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  killPeers();
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`bench: ${error.message}\nRemedy: npm run bench -- --help\n`);
  process.exitCode = 2;
}
