/**
 * Sandboxes in time and memory: a machine from nothing, from its template and from the pool; tiers and
 * peers beside it: a child process of the host, bubblewrap alone, gVisor's runsc alone.
 *
 * Owns: these figures, medians of n each, or of as many as there is time for.
 * Does not own: the drivers (src/tool/), targets (lib/targets.ts).
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";
import type { IsolatedTier } from "../src/actor/outcome.ts";
import type { SandboxLimits } from "../src/actor/walls.ts";
import { begin, type MachineSource } from "../src/tool/begin.ts";
import { Collector } from "../src/tool/collect.ts";
import { callGuest } from "../src/tool/guest-call.ts";
import { findImage, type Image, lacking, type Runtime } from "../src/tool/image.ts";
import type { Machine } from "../src/tool/machine.ts";
import { MachinePool } from "../src/tool/machine-pool.ts";
import { machineMemory, type Shape } from "../src/tool/qemu.ts";
import { qemu } from "../src/tool/qemu-machine.ts";
import { runFolder } from "../src/tool/run-folder.ts";
import type { Sandbox } from "../src/tool/sandbox.ts";
import { Template } from "../src/tool/template.ts";
import { DRIVERS, probeTiers } from "../src/tool/tiers.ts";
import type { Outcome } from "./lib/outcome.ts";
import { quantile } from "./lib/quantile.ts";

const LIMITS: SandboxLimits = {
  ...{ timeoutMs: 60_000, memoryBytes: 2 ** 27, scratchBytes: 2 ** 26, outputBytes: 2 ** 20 },
  ...{ processes: 32, vcpus: 1, network: "none", trafficBytes: 0, witness: false },
};
const POOLED = 20;

const COMMANDS: Readonly<Record<Runtime, readonly string[]>> = {
  node: ["node", "-e", "console.log(6 * 7)"],
  python3: ["python3", "-c", "print(6 * 7)"],
  sh: ["sh", "-c", "echo 42"],
};
const NAMES = { node: "Node", python3: "Python", sh: "Sh" } as const;
const RUNTIMES = Object.keys(COMMANDS) as Runtime[];

function requestOf(runtime: Runtime) {
  const [command = "", ...args] = COMMANDS[runtime];
  return { key: "k", tool: "bench", command, args, files: [], stdin: new Uint8Array() };
}

const signal = new AbortController().signal;
const median = (times: readonly number[]) => quantile(Float64Array.from(times), 0.5);

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

/** Samples of one figure are taken no longer than this: what was taken by then counts. @unit ms */
const SAMPLES_MS = 8_000;

const say = (text: string) => process.stderr.write(`sandbox: ${text}\n`);

/** At least once, at most `n` times, one after the other. */
async function repeat(n: number, work: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + SAMPLES_MS;
  for (let i = 0; i < n && (i === 0 || performance.now() < until); i++) await work();
}

/** The median of what was taken. @unit ms */
async function medianOf(n: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  await repeat(n, async () => times.push(await timed(work)));
  return median(times);
}

function imageOf(runtime: Runtime): Image {
  const image = findImage(runtime);
  if (image !== null) return image;
  const { why, fix } = lacking(runtime);
  throw new Error(`${why}; ${fix}`);
}

function shapeOf(runtime: Runtime): Shape {
  const memoryMb = machineMemory(LIMITS.memoryBytes);
  return { image: imageOf(runtime), accelerator: "tcg", memoryMb, vcpus: 1 };
}

/** Runs the runtime's program in a machine. @throws Error when it does not print 42 */
async function answer(source: MachineSource, runtime: Runtime): Promise<Machine> {
  const machine = await begin(source, shapeOf(runtime), signal, () => {});
  if ("tag" in machine) throw new Error(JSON.stringify(machine));
  const collected = new Collector(LIMITS, () => {});
  await callGuest(machine, requestOf(runtime), LIMITS, signal, collected);
  const text = Buffer.from(collected.result().stdout).toString();
  if (text.trim() !== "42") throw new Error(`it printed ${text} ${collected.why()}`);
  return machine;
}

/** A machine's memory: its own, and what it has in common with others. @unit MB */
function memoryOf(machine: Machine): { privateMb: number; sharedMb: number } {
  const text = readFileSync(`/proc/${machine.pid}/smaps_rollup`, "latin1");
  const of = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]) / 1_024;
  return {
    privateMb: of("Private_Clean") + of("Private_Dirty"),
    sharedMb: of("Shared_Clean") + of("Shared_Dirty"),
  };
}

/** Copies of a template that nobody has warmed up. */
async function fresh(runtime: Runtime, template: Template, n: number) {
  say(`${runtime}: fresh copies`);
  const times: number[] = [];
  const ends: number[] = [];
  const release = (machine: Machine) => machine.destroy();
  const source: MachineSource = { claim: () => template.copy(0), release };
  await repeat(n, async () => {
    const before = performance.now();
    const machine = await answer(source, runtime);
    times.push(performance.now() - before);
    ends.push(await timed(() => machine.destroy()));
  });
  // With one beside it: what the two have in common is private to neither.
  const two = [await answer(source, runtime), await answer(source, runtime)] as const;
  const { privateMb, sharedMb } = memoryOf(two[1]);
  for (const each of two) await each.destroy();
  const name = NAMES[runtime];
  const own = { [`fresh${name}Ms`]: median(times), [`private${name}Mb`]: privateMb };
  return { ...own, [`samples${name}`]: times.length, sharedMb, destroyMs: median(ends) };
}

/** Machines that wait warm, as a tool's call finds them when none is in a hurry. */
async function pooled(runtime: Runtime, pool: MachinePool, n: number) {
  say(`${runtime}: warm copies`);
  await pool.release(await answer(pool, runtime));
  const times: number[] = [];
  await repeat(n, async () => {
    await pool.settled();
    const before = performance.now();
    const machine = await answer(pool, runtime);
    times.push(performance.now() - before);
    await pool.release(machine);
  });
  return { [`pooled${NAMES[runtime]}Ms`]: median(times) };
}

/** Each runtime's template, from nothing; its copies, fresh and warm. */
async function machines(folder: string, n: number): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  const made = new Map<string, Template>();
  const make: typeof Template.make = async (monitor, shape, place) =>
    made.get(shape.image.key) ?? (await Template.make(monitor, shape, place));
  const pool = new MachinePool(qemu, folder, 2, make);
  for (const runtime of RUNTIMES) {
    say(`${runtime}: template`);
    const began = performance.now();
    const template = await Template.make(qemu, shapeOf(runtime), folder);
    figures[`template${NAMES[runtime]}Ms`] = performance.now() - began;
    made.set(imageOf(runtime).key, template);
    Object.assign(figures, await fresh(runtime, template, n), await pooled(runtime, pool, n));
  }
  return { ...figures, ...(await together(pool)) };
}

/** The channel there and back; many machines at once. */
async function together(pool: MachinePool): Promise<Record<string, number>> {
  say(`${POOLED} at once`);
  const figures: Record<string, number> = {};
  const machine = await begin(pool, shapeOf("sh"), signal, () => {});
  if ("tag" in machine) throw new Error(JSON.stringify(machine));
  const ping = async () => {
    machine.send("P");
    await machine.expect("p", 60_000);
  };
  figures.roundTripUs = (await medianOf(100, ping)) * 1_000;
  await pool.release(machine);
  const twenty = async () => {
    const all = Array.from({ length: POOLED }, () => answer(pool, "sh"));
    for (const each of await Promise.all(all)) await pool.release(each);
  };
  const ms = await timed(twenty);
  figures.startsPerS = (POOLED * 1_000) / ms;
  await pool.close();
  return { ...figures, twentyAtOnceMs: ms };
}

/** Tiers and peers without a machine. */
async function others(n: number): Promise<Record<string, number>> {
  say("without a machine");
  const figures: Record<string, number> = {};
  const run = promisify(execFile);
  for (const runtime of RUNTIMES) {
    const [file = "", ...args] = COMMANDS[runtime];
    const program = runtime === "node" ? process.execPath : file;
    figures[`raw${NAMES[runtime]}Ms`] = await medianOf(n, () => run(program, args));
  }
  const { jail, root, gvisor } = imageOf("sh");
  const walls = ["--unshare-all", "--die-with-parent", "--ro-bind", root, "/", "--proc", "/proc"];
  const env = { LD_LIBRARY_PATH: jail, PATH: "/usr/bin:/bin" };
  const bwrap = () => run(`${jail}/bwrap`, [...walls, ...COMMANDS.sh], { env });
  figures.bubblewrapShMs = await medianOf(n, bwrap);
  if (gvisor !== null && process.getuid?.() === 0) {
    const flags = ["--network=none", "--ignore-cgroups", "--platform=ptrace", "--rootless", "do"];
    const args = [...flags.filter((each) => each !== "--rootless"), ...COMMANDS.sh];
    figures.runscShMs = await medianOf(n, () => run(gvisor, args));
  }
  for (const report of await probeTiers()) {
    if (!report.available || report.tier.startsWith("microvm")) continue;
    Object.assign(figures, await tier(report.tier, n));
  }
  return figures;
}

async function tier(name: IsolatedTier, n: number): Promise<Record<string, number>> {
  const box = (await (await DRIVERS[name]?.())?.open(() => {})) as Sandbox;
  const figures: Record<string, number> = {};
  say(name);
  for (const runtime of RUNTIMES) {
    const call = async () => {
      const { tag } = await box.run(requestOf(runtime), LIMITS, signal, () => {});
      if (tag !== "ok") throw new Error(`${name}: ${tag}`);
    };
    figures[`${name}${NAMES[runtime]}Ms`] = await medianOf(n, call);
  }
  await box.close();
  return figures;
}

export async function run(n: number): Promise<Outcome> {
  const folder = runFolder();
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const began = performance.now();
  const figures = { ...(await machines(folder, n)), ...(await others(n)) };
  const round = Object.entries(figures).map(([name, value]) => [
    name,
    Number(value.toPrecision(4)),
  ]);
  return { n, seconds: (performance.now() - began) / 1_000, ...Object.fromEntries(round) };
}
