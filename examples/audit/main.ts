/**
 * npm start: audits a project's dependencies with the crew of app.ts.
 *
 * Owns the run from the command line to the report: start the node, hand the plan over, show
 * progress, collect, write, stop. Everything that must survive a crash lies with the actors.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { ActorError, formatReason, ref, type System, start } from "coppice";
import { Auditor, journalFile, planner, reporter } from "./app.ts";
import { Chaos } from "./chaos.ts";
import { listPackages } from "./list.ts";
import type { PackageAudit, Run } from "./model.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { writeReport } from "./report.ts";
import { type Progress, Screen } from "./screen.ts";

/** How often progress is asked for. @unit ms */
const POLL_MS = 40;

/** What supervisors restarted, and why. */
class Restarts {
  readonly #counts = new Map<string, { path: string; reason: string; count: number }>();
  readonly #why = new Map<string, string>();
  total = 0;

  /** The node's events: an end with its reason, then the new start. */
  readonly see: NonNullable<NonNullable<Parameters<typeof start>[1]>["onEvent"]> = (event) => {
    if (event.type === "child_terminated") this.#why.set(event.path, formatReason(event.reason));
    if (event.type !== "child_started" || event.cause !== "restart") return;
    this.total++;
    const reason = this.#why.get(event.path) ?? "restarted with its group";
    const key = `${event.path} ${reason}`;
    const known = this.#counts.get(key);
    if (known) known.count++;
    else this.#counts.set(key, { path: event.path, reason, count: 1 });
  };

  list(): Run["restartReasons"] {
    return [...this.#counts.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }
}

/** Packages that earlier processes finished, by run. */
function finishedBefore(journal: string): Map<number, Set<string>> {
  const finished = new Map<number, Set<string>>();
  if (!existsSync(journal)) return finished;
  for (const line of readFileSync(journal, "utf8").split("\n")) {
    let entry: { run: number; event: string; package: string };
    try {
      entry = JSON.parse(line);
    } catch {
      continue; // the last line of a killed run may be cut
    }
    if (entry.event !== "done") continue;
    const done = finished.get(entry.run) ?? new Set();
    finished.set(entry.run, done.add(entry.package));
  }
  return finished;
}

function projectName(project: string): string {
  try {
    const { name } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
    if (typeof name === "string" && name !== "") return name;
  } catch {
    // no or broken package.json: the folder's name is good enough
  }
  return basename(project);
}

type Plan = { run: number; packages: { package: string; path: string }[] };

/** Waits until every auditor is done. */
async function work(
  system: System,
  plan: Plan,
  screen: Screen,
  chaos: Chaos | null,
  restarts: Restarts,
) {
  const total = plan.packages.length;
  const paths = plan.packages.map((each) => each.path);
  for (;;) {
    const { done } = await system.ask(reporter, "progress", { run: plan.run }, { timeout: "1m" });
    const progress: Progress = { done, total, restarts: restarts.total };
    await screen.show(progress, done >= total);
    if (done >= total) return screen.close();
    await chaos?.strike(paths, done / total);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function collect(system: System, plan: Plan): Promise<PackageAudit[]> {
  const asked = plan.packages.map(({ path }) =>
    system.ask(ref(path, Auditor), "result", {}, { timeout: "1m" }),
  );
  const results = await Promise.all(asked);
  return results.filter((each) => each !== null);
}

async function audit(
  options: Options,
  system: System,
  restarts: Restarts,
  before: Map<number, Set<string>>,
  importing: string,
): Promise<Run> {
  const began = performance.now();
  const startedAt = new Date().toISOString();
  const journal = journalFile(options.data);
  const { project, chaos: seed } = options;
  const packages = listPackages(project);
  const plan = await system.ask(
    planner,
    "begin",
    { project, packages, journal },
    { timeout: "10m" },
  );
  const alreadyDone = before.get(plan.run)?.size ?? 0;
  const { threads: views } = await system.inspect.tree();
  const threads = views.length - 1;
  const note = alreadyDone > 0 ? `, ${alreadyDone} were done before` : "";
  console.log(`run ${plan.run}: ${plan.packages.length} packages on ${threads} threads${note}`);
  const chaos = seed === undefined ? null : new Chaos(system, seed, threads);
  await work(system, plan, new Screen(system, process.stdout), chaos, restarts);
  const results = await collect(system, plan);
  const run: Run = {
    seconds: Math.round((performance.now() - began) / 10) / 100,
    audited: results.length - alreadyDone,
    alreadyDone,
    failed: results.filter((each) => each.problemCounts.failed > 0).length,
    restarts: restarts.total,
    threads,
    restartReasons: restarts.list(),
    startedAt,
    importing: `${importing}${notImported(results, options)}`,
    ...(seed === undefined ? {} : { chaosSeed: seed }),
  };
  const files = writeReport(options.out, { project: projectName(project), packages: results, run });
  await system.tell(planner, "finish", { run: plan.run });
  for (const file of files) console.log(`wrote ${relative(process.cwd(), file) || file}`);
  return run;
}

/** How many there was no time for. */
function notImported(results: readonly PackageAudit[], { importMs }: Options): string {
  const left = results.filter((each) => each.loading === null && each.problemCounts.failed === 0);
  if (process.env.COPPICE_AUDIT_IMPORT_UNTIL === "0") return "";
  if (left.length === 0) return ".";
  const time = `as long as there was time (--import-seconds ${importMs / 1_000})`;
  return `, ${time}: ${left.length} of ${results.length} were not.`;
}

/** Before anything starts: a path that cannot be audited ends here. */
function refuseBadProject(project: string): void {
  try {
    listPackages(project);
  } catch (cause) {
    throw new ActorError("E_USAGE", (cause as Error).message, {
      at: "npm start -- PATH",
      fix: "give a folder with a node_modules folder, or install the project's dependencies first",
      cause,
    });
  }
}

function sayRestarts(run: Run): void {
  if (run.restarts === 0) return console.log("nothing was restarted");
  console.log(`${run.restarts} restarts:`);
  const byReason = new Map<string, { count: number; paths: Set<string> }>();
  for (const { path, reason, count } of run.restartReasons) {
    const known = byReason.get(reason) ?? { count: 0, paths: new Set() };
    known.count += count;
    byReason.set(reason, { ...known, paths: known.paths.add(path) });
  }
  for (const [reason, { count, paths }] of byReason) {
    const [first] = paths;
    const who = paths.size === 1 ? first : `${paths.size} actors, such as ${first}`;
    console.log(`  ${String(count).padStart(4)} × ${reason}: ${who}`);
  }
}

/** @unit ms */
const BUILD_MS = 90_000;

/** Builds the guest that packages are imported in, if it is not there. @returns why it is not */
function buildGuest(): Promise<string | null> {
  console.log(
    "building the guest for imports, if it is not there (Debian packages, no installation)",
  );
  const command = new URL("bin/coppice.mjs", import.meta.resolve("coppice/package.json")).pathname;
  const stdio = ["ignore", "ignore", "inherit"] as const;
  const child = spawn(process.execPath, [command, "image", "build", "node"], {
    stdio: [...stdio],
    timeout: BUILD_MS,
  });
  const by = "coppice image build node builds it at leisure";
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => {
      if (code === 0) return resolve(null);
      resolve(`the guest ${signal ? "takes too long to build" : "could not be built"}; ${by}`);
    });
  });
}

/** Starts the crew; where there are no machines it works without imports, and says so. */
async function startCrew(options: Options, restarts: Restarts) {
  const begin = () =>
    start(new URL("./app.ts", import.meta.url), {
      data: options.data,
      log: options.chaos === undefined ? "warn" : "error",
      onEvent: restarts.see,
      ...(options.threads === undefined ? {} : { threads: options.threads }),
    });
  const without = "No package was imported";
  const off = async (why: string) => {
    process.env.COPPICE_AUDIT_IMPORT_UNTIL = "0";
    return { system: await begin(), importing: `${without}: ${why}.` };
  };
  if (options.importMs === 0) return off("it was not asked for (--import)");
  const fault = await buildGuest();
  if (fault !== null) return off(fault);
  process.env.COPPICE_AUDIT_IMPORT_UNTIL = `${Date.now() + options.importMs}`;
  try {
    const importing = "Each package was imported in a microVM of its own, without a network";
    return { system: await begin(), importing };
  } catch (error) {
    if (!(error instanceof ActorError && error.code === "E_SANDBOX_MISSING")) throw error;
    return off(error.describe().replaceAll(/\s+/g, " "));
  }
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env.INIT_CWD ?? process.cwd());
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  refuseBadProject(options.project);
  mkdirSync(options.data, { recursive: true });
  const restarts = new Restarts();
  // Before anything starts: what the last process left unfinished goes on at once.
  const before = finishedBefore(journalFile(options.data));
  const { system, importing } = await startCrew(options, restarts);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      console.log("\nstopping; npm start goes on from here (again to stop at once)");
      process.once(signal, () => process.exit(130));
      void system.stop().then(() => process.exit(signal === "SIGINT" ? 130 : 143));
    });
  }
  try {
    const run = await audit(options, system, restarts, before, importing);
    sayRestarts(run);
    console.log(`${run.audited} audited, ${run.alreadyDone} done before, in ${run.seconds} s`);
    if (options.json) console.log(JSON.stringify(run));
    return 0;
  } finally {
    await system.stop();
  }
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    const known = error instanceof ActorError;
    console.error(
      known ? error.describe() : error instanceof Error ? error.message : String(error),
    );
    if (process.env.COPPICE_STACK === "1") console.error(error);
    process.exitCode = 1;
  },
);
