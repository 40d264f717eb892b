/**
 * The crew that audits a project's dependencies, as a supervision tree.
 *
 *     /audit             one_for_all
 *     ├─ scanners        a pool: the threads' parsing power, lent out
 *     ├─ reporter        durable: what is done
 *     ├─ auditors        dynamic, durable: one per package, keeps its result
 *     └─ planner         durable: which run, which packages
 *
 * Owns the tree and who says what to whom. Reading packages is in scan.ts, the report in report.ts,
 * the command line in main.ts.
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ActorError, actor, app, ask, type Context, child, dynamicRef, ref, sqlite } from "coppice";
import { crew } from "coppice/supervisors/crew";
import { pool, poolRouter } from "coppice/supervisors/pool";
import { z } from "zod";
import { failedAudit } from "./draft.ts";
import { IMPORTING, importer, inTime, loadingFailed } from "./loading.ts";
import { type Loading, type PackageAudit, packageAuditSchema } from "./model.ts";
import { scanPackage } from "./scan.ts";

/** What one auditor is about. `journal`: a file that tells what was scanned and finished, when. */
const job = z.object({
  project: z.string(),
  package: z.string(),
  run: z.number(),
  journal: z.string(),
});
type Job = z.infer<typeof job>;

/** One line of the journal: how people (and tests) see that nothing is done twice. */
function note(about: Job, event: "scan" | "done"): void {
  const line = { at: new Date().toISOString(), run: about.run, event, package: about.package };
  appendFileSync(about.journal, `${JSON.stringify(line)}\n`);
}

/** Reads and parses one package at a time. Ephemeral: its work is asked for again. */
export const Scanner = actor("scanner", {
  state: z.object({ scanned: z.number() }),
  messages: { scan: ask(job, packageAuditSchema) },
  init: () => ({ scanned: 0 }),
  on: {
    async scan({ scanned }, about, ctx) {
      note(about, "scan");
      const pause = () => new Promise<void>((resolve) => setImmediate(resolve));
      const { signal } = ctx;
      ctx.reply(await scanPackage(about.project, about.package, { signal, pause }));
      return { scanned: scanned + 1 };
    },
  },
});

/** Scans are tried this often: the scanner's thread may be lost on the way. */
const TRIES = 5;
const SCAN_TIMEOUT = "5m";
/** In words that are the same in every run: which scanner failed and how is in the log. */
const GIVEN_UP = `the scan was given up after ${TRIES} tries`;
/** How long the router may take to come back before it is asked again. @unit ms */
const PAUSE_MS = 50;
const router = poolRouter("/audit/scanners");

/** One package. What it found is its state, committed before anybody hears of it. */
export const Auditor = actor("auditor", {
  args: job,
  state: z.object({ job, result: packageAuditSchema.nullable() }),
  messages: {
    audit: z.object({}),
    result: ask(z.object({}), packageAuditSchema.nullable()),
    /** A new run has begun: this one's result is not wanted any more. */
    retire: z.object({}),
  },
  /** A package may cost the machine it is imported in: a row of the report, not this one's end. */
  exit: (state) => state,
  init: (about) => ({ job: about, result: null }),
  on: {
    async audit(state, _message, ctx) {
      if (state.result !== null) return state;
      let result: PackageAudit | null = null;
      let failures = 0;
      while (result === null) {
        let worker: { path: string; behaviour: string } | null = null;
        try {
          worker = await ctx.ask(router, "checkout", { by: ctx.self }, { timeout: "1h" });
          const scanner = ref(worker.path, Scanner);
          result = await ctx.ask(scanner, "scan", state.job, { timeout: SCAN_TIMEOUT });
        } catch (error) {
          if (!(error instanceof ActorError)) throw error;
          // The router is between two lives: that says nothing about the package.
          if (worker === null) await ctx.step("pause", () => sleep(PAUSE_MS));
          else if (++failures >= TRIES) result = failedAudit(state.job.package, GIVEN_UP);
        }
        // While it is imported its scanner rests: so many imports at a time and no more.
        // (As a step: a rerun must not think otherwise.)
        if (result !== null && IMPORTING && (await ctx.step("in time", inTime))) {
          result = { ...result, loading: await load(ctx, state.job, result) };
        }
        if (worker !== null) ctx.tell(router, "checkin", { by: ctx.self, worker });
      }
      await ctx.step("journal", () => note(state.job, "done"));
      ctx.tell(reporter, "done", { package: state.job.package, run: state.job.run });
      return { ...state, result };
    },
    result: ({ result }, _message, ctx) => ctx.reply(result),
    retire: (_state, _message, ctx) => ctx.exit(),
  },
});

/** Imports a package in a machine. A package that does harm there costs its own row only. */
async function load(
  ctx: { use: Context["use"] },
  about: Job,
  { name, problemCounts }: PackageAudit,
): Promise<Loading | null> {
  if (problemCounts.failed > 0 || name === "") return null;
  const input = { project: about.project, path: about.package, name };
  try {
    return await ctx.use(importer, input);
  } catch (error) {
    return loadingFailed(error);
  }
}

/** Knows which packages of the present run are done. */
export const Reporter = actor("reporter", {
  state: z.object({ run: z.number(), done: z.array(z.string()) }),
  messages: {
    done: z.object({ run: z.number(), package: z.string() }),
    progress: ask(z.object({ run: z.number() }), z.object({ done: z.number() })),
  },
  init: () => ({ run: 0, done: [] }),
  on: {
    done: (state, { run, package: name }) => {
      if (run < state.run) return state;
      const done = run > state.run ? [] : state.done;
      return { run, done: done.includes(name) ? done : [...done, name] };
    },
    progress: (state, { run }, ctx) =>
      ctx.reply({ done: run === state.run ? state.done.length : 0 }),
  },
});

const plan = z.object({
  run: z.number(),
  packages: z.array(z.object({ package: z.string(), path: z.string() })),
});

/** Turns a list of packages into auditors, once per run. */
export const Planner = actor("planner", {
  state: z.object({ run: z.number(), project: z.string(), finished: z.boolean(), plan }),
  messages: {
    /** Goes on with the unfinished run of this project, or begins a new one. */
    begin: ask(
      z.object({ project: z.string(), packages: z.array(z.string()), journal: z.string() }),
      plan,
    ),
    finish: z.object({ run: z.number() }),
  },
  init: () => ({ run: 0, project: "", finished: true, plan: { run: 0, packages: [] } }),
  on: {
    async begin(state, { project, packages, journal }, ctx) {
      if (!state.finished && state.project === project) {
        ctx.reply(state.plan);
        return state;
      }
      for (const { path } of state.plan.packages) ctx.tell(ref(path, Auditor), "retire", {});
      const run = state.run + 1;
      const entries = packages.map((name, index) => {
        const id = childId(run, index, name);
        return { package: name, path: `${auditors.path}/${id}` };
      });
      const made = { run, packages: entries };
      // The answer leaves first: the work can be watched while it is handed out.
      ctx.reply(made);
      for (const { package: name, path } of entries) {
        const id = path.slice(auditors.path.length + 1);
        await startOnce(() =>
          ctx.start(auditors, { id, args: { project, package: name, run, journal } }),
        );
        ctx.tell(ref(path, Auditor), "audit", {});
      }
      return { run, project, finished: false, plan: made };
    },
    finish: (state, { run }) => (run === state.run ? { ...state, finished: true } : state),
  },
});

/** Times a child is started, should it be killed while it starts. */
const STARTS = 5;

/** After a crash of the planner a child may be there already: then it is the one. */
async function startOnce(begin: () => Promise<unknown>): Promise<void> {
  for (let left = STARTS; ; left--) {
    try {
      await begin();
      return;
    } catch (error) {
      if (!(error instanceof ActorError)) throw error;
      if (error.message.includes("already_started")) return;
      // A failure is recorded as well: without another try each run of this message would meet it.
      if (left === 1) throw error;
    }
  }
}

/** Ids are parts of paths: short, readable, unique within the run. */
function childId(run: number, index: number, name: string): string {
  const short = name.replace(/(^|\/)node_modules\//g, "$1").replace(/[^A-Za-z0-9_@#.:-]/g, "+");
  return `${run}.${index}.${short}`.slice(0, 120);
}

export const auditors = dynamicRef("/audit/auditors", Auditor);
export const planner = ref("/audit/planner", Planner);
export const reporter = ref("/audit/reporter", Reporter);
export const SCANNERS = 8;
export const journalFile = (data: string) => join(data, "journal.jsonl");

export default app({
  store: sqlite(),
  root: crew(
    "audit",
    { intensity: 10, period: "10s" },
    {
      resources: [pool("scanners", { size: SCANNERS, under: "/audit" }, Scanner)],
      critic: child("reporter", Reporter, { durable: true }),
      workers: {
        id: "auditors",
        behaviour: Auditor,
        settings: { durable: true, maxDeliveries: 5, tools: IMPORTING ? [importer] : [] },
        // Chaos crashes auditors by the dozen, and each is to come back.
        flags: { intensity: 10_000, period: "10s" },
      },
      planner: child("planner", Planner, { durable: true }),
    },
  ),
});
