// npm test: the stages below, in order, up to the first that fails; then the summary.
// Started by run.mjs, so it runs on Node ≥ 24 with everything installed.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "./launch.mjs";

const root = join(import.meta.dirname, "..");
const temporary = mkdtempSync(join(tmpdir(), "coppice-test-"));
const vitest = "node_modules/vitest/vitest.mjs";
const SOURCE = ["--conditions=coppice-source"];
const cli = [...SOURCE, "src/cli/main.ts"];
/** Files that may have a second try: more is no accident. */
const AGAIN_MAX = 3;
const SMOKE = ["--quick", "--peers", "coppice,raw"];

const STAGES = [
  {
    name: "check",
    title: "biome: format and lint",
    run: (args) =>
      node("node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", ...args),
  },
  {
    name: "types",
    title: "tsc: types",
    run: (args) => node("node_modules/typescript/bin/tsc", "--noEmit", ...args),
  },
  {
    name: "guests",
    title: "guests: images of the sandboxes, from the distribution's packages",
    run: (args) => buildGuests(args),
  },
  {
    name: "vitest",
    title: "vitest: unit, table, tidy, …",
    run: (args) => runVitest("vitest", ["--exclude", "test/pack/**", ...args]),
  },
  {
    name: "conformance",
    title: "conformance: traces recorded from Erlang/OTP",
    run: (args) => runCounted("conformance", ...(args.length > 0 ? args : traces())),
  },
  {
    name: "sim",
    title: "sim: seeded simulation",
    run: (args) => runCounted("sim", ...(args.length > 0 ? args : ["--seeds", "2000"])),
  },
  {
    name: "bench",
    title: "bench: every program runs, here and by hand",
    run: (args) => node(...SOURCE, "bench/run.ts", ...(args.length > 0 ? args : SMOKE)),
  },
  {
    name: "pack",
    title: "pack: the npm package in an empty project",
    run: (args) => runVitest("pack", ["test/pack", ...args]),
  },
];

const HELP = `npm test                           all stages, up to the first that fails
npm test -- STAGE [ARGUMENT…]      one stage; the arguments go to its tool

${STAGES.map(({ name, title }) => `  ${name.padEnd(12)} ${title}`).join("\n")}

npm test -- vitest tidy            the test files whose path contains "tidy"
npm test -- vitest -t "restart"    the tests whose name contains "restart"
npm test -- sim --seeds 20         twenty seeds
The last line of stdout is "N passed, N failed": vitest tests, traces and seeds together.
A stage that fails without a failed test of its own counts as one. Up to ${AGAIN_MAX} test files that failed
are tried once more, alone: the last line says how many tests passed only then.
`;

/** The outcome of a stage: its exit code, and what it counted. */
const outcome = (code, counts = {}) => ({
  ...{ code, passed: 0, failed: 0, skipped: 0, again: 0 },
  ...counts,
});

let interruptedBy = null;

async function node(...args) {
  return outcome(await run(args));
}

async function run(args, onLine) {
  const { code, signal } = await launch(process.execPath, args, { cwd: root, onLine });
  interruptedBy ??= signal;
  return code;
}

/**
 * Tests of threads, processes and machines share this host with others: a few files that failed get
 * a second try, alone, which is said and counted. What fails twice has failed.
 */
async function runVitest(name, args) {
  const first = await tryVitest(name, args);
  const { files } = first;
  if (first.code === 0 || interruptedBy || files.length === 0 || files.length > AGAIN_MAX) {
    return first;
  }
  process.stdout.write(`\nSECOND TRY: ${files.length} of the files failed\n`);
  const second = await tryVitest(`${name}-again`, ["--maxWorkers=1", ...files]);
  const again = Math.max(first.failed - second.failed, second.code === 0 ? 1 : 0);
  const passed = first.passed + again;
  return { ...outcome(second.code), passed, failed: second.failed, skipped: first.skipped, again };
}

async function tryVitest(name, args) {
  const file = join(temporary, `${name}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const code = await run([vitest, "run", ...reporters, ...args]);
  return { files: [], ...outcome(code, readVitestCounts(file)) };
}

function readVitestCounts(file) {
  try {
    const result = JSON.parse(readFileSync(file, "utf8"));
    const skipped = result.numPendingTests + (result.numTodoTests ?? 0);
    const files = result.testResults
      .filter(({ status }) => status === "failed")
      .map((each) => each.name);
    return { passed: result.numPassedTests, failed: result.numFailedTests, skipped, files };
  } catch {
    return {}; // vitest ended before it could write: its exit code says so
  }
}

/** Without them the sandboxes' tests are skipped: that is said, and counted. */
async function buildGuests(args) {
  const code = await run([...cli, "image", "build", ...args]);
  if (code === 0) return outcome(0);
  process.stdout.write(
    "SKIPPED: no guest images could be built: the tests of sandboxes are skipped\n",
  );
  return outcome(0, { skipped: 1 });
}

/** conformance and sim end with "N passed, N failed" themselves. */
async function runCounted(...args) {
  let counts;
  const code = await run([...cli, ...args], (line) => {
    const found = /^(\d+) passed, (\d+) failed/.exec(line);
    if (found) counts = { passed: Number(found[1]), failed: Number(found[2]) };
  });
  if (counts || code !== 0) return outcome(code, counts);
  process.stderr.write(`coppice ${args[0]} printed no line "N passed, N failed"\n`);
  return outcome(1);
}

function traces() {
  const folder = join("test", "conformance");
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith(".jsonl.gz"));
  if (names.length === 0) throw new Error(`${folder} holds no *.jsonl.gz`);
  return names.sort().map((name) => join(folder, name));
}

async function runStage(stage, args) {
  process.stdout.write(`\n── ${stage.title}\n`);
  const startedAt = performance.now();
  const result = await attempt(stage, args);
  const failed = Math.max(result.failed, result.code === 0 ? 0 : 1);
  const seconds = (performance.now() - startedAt) / 1000;
  return { ...result, failed, name: stage.name, seconds };
}

async function attempt(stage, args) {
  try {
    return await stage.run(args);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    return outcome(1);
  }
}

function printSummary(stages, results) {
  process.stdout.write("\n── summary\n");
  for (const { name } of stages) {
    const result = results.find((candidate) => candidate.name === name);
    process.stdout.write(`${result ? summaryLine(result) : `${name.padEnd(12)} not run`}\n`);
  }
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  const skipped = sum("skipped") > 0 ? `, ${sum("skipped")} skipped` : "";
  const again = sum("again") > 0 ? `, ${sum("again")} only on the second try` : "";
  process.stdout.write(`${sum("passed")} passed, ${sum("failed")} failed${skipped}${again}\n`);
}

function summaryLine({ name, seconds, code, failed, passed, again }) {
  const bad = interruptedBy && code !== 0 ? "interrupted" : "FAILED";
  const verdict = failed > 0 ? bad : "ok";
  const counted = passed + failed > 1 ? `  ${passed} passed, ${failed} failed` : "";
  const late = again > 0 ? `, ${again} only on the second try` : "";
  return `${name.padEnd(12)} ${seconds.toFixed(1).padStart(6)} s  ${verdict}${counted}${late}`;
}

async function main([first, ...rest]) {
  if (first === "--help" || first === "-h" || first === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  const stages = first === undefined ? STAGES : STAGES.filter(({ name }) => name === first);
  if (stages.length === 0) {
    process.stderr.write(`no stage ${JSON.stringify(first)}\n\n${HELP}`);
    return 2;
  }
  const results = [];
  for (const stage of stages) {
    const result = await runStage(stage, rest);
    results.push(result);
    if (result.failed > 0 || interruptedBy) break;
  }
  printSummary(stages, results);
  if (interruptedBy) return 128 + constants.signals[interruptedBy];
  return results.every((result) => result.failed === 0) ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
