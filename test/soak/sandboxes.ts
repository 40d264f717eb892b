/** Many sandboxes in one process's life: each call right, nothing left behind. */

import { readdirSync } from "node:fs";
import type { IsolatedTier } from "../../src/actor/outcome.ts";
import { runFolder } from "../../src/tool/run-folder.ts";
import type { Sandbox } from "../../src/tool/sandbox.ts";
import {
  callOn,
  hostTiers,
  openDescriptors,
  openTier,
  printed,
  sandboxProcesses,
} from "../tck/sandbox-host.ts";

/** What came of it. Times are in milliseconds. */
export interface SandboxesReport {
  tier: IsolatedTier;
  calls: number;
  /** Calls that did not end as they should, if any. */
  wrong: string[];
  p50Ms: number;
  p99Ms: number;
  /** Left when all was closed: processes, descriptors, files of this process. */
  processesLeft: string[];
  descriptorsLeft: number;
  filesLeft: number;
  /** Memory of this process at a quarter of the way and at the end. */
  rssEarlyMb: number;
  rssLateMb: number;
}

const AT_ONCE = 4;
/** A busy host may take that long from the guest's look at its clock to ours. @unit ms */
const CLOCK_MS = 120_000;
const rssMb = () => Math.round(process.memoryUsage.rss() / 2 ** 20);

/** Calls in turn: a program, one that fails, one that is ended, one that prints too much. */
async function call(box: Sandbox, number: number, seen: Set<string>): Promise<string | null> {
  const sh = (script: string, limits = {}) =>
    callOn(box, { command: "sh", args: ["-c", script], limits });
  switch (number % 4) {
    case 0: {
      const mark = `ls -A /scratch; echo ${number} > /scratch/mark; cat /scratch/mark`;
      const text = printed(await sh(`${mark}; od -An -tx1 -N8 /dev/urandom; date +%s`));
      const [marked, random = "", seconds] = text.split("\n");
      if (marked !== `${number}`) return `it printed ${text}`;
      if (seen.has(random)) return `its random numbers are another's: ${random}`;
      seen.add(random);
      const late = Math.abs(Number(seconds) * 1_000 - Date.now());
      return late < CLOCK_MS ? null : `its clock is ${late} ms off`;
    }
    case 1: {
      const { tag } = await sh("sleep 1000 & exit 3");
      return tag === "failed" ? null : tag;
    }
    case 2: {
      const { tag } = await sh("sleep 1000", { timeoutMs: 50 });
      return tag === "timeout" ? null : tag;
    }
    default: {
      const { tag } = await sh("yes", { outputBytes: 10_000 });
      return tag === "killed" ? null : tag;
    }
  }
}

function filesOfThis(): number {
  const own = runFolder();
  const all = own.slice(0, own.lastIndexOf("/"));
  return readdirSync(all).filter((name) => name.startsWith(`${process.pid}-`)).length;
}

async function soak(tier: IsolatedTier, count: number): Promise<SandboxesReport> {
  const before = openDescriptors();
  const box = await openTier(tier);
  const wrong: string[] = [];
  const times: number[] = [];
  const seen = new Set<string>();
  let rssEarlyMb = 0;
  let next = 0;
  const worker = async () => {
    for (let number = next++; number < count; number = next++) {
      const began = performance.now();
      const odd = await call(box, number, seen).catch((thrown: unknown) => String(thrown));
      if (odd !== null) wrong.push(`${number}: ${odd.slice(0, 300)}`);
      if (number % 4 === 0) times.push(performance.now() - began);
      if (number === count >> 2) rssEarlyMb = rssMb();
      if (number % 100 === 99) process.stderr.write(`${tier}: ${number + 1} of ${count}\n`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await box.close();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  times.sort((a, b) => a - b);
  const at = (part: number) => Math.round(times[Math.floor(times.length * part)] ?? 0);
  return {
    ...{ tier, calls: count, wrong, p50Ms: at(0.5), p99Ms: at(0.99) },
    processesLeft: sandboxProcesses(),
    descriptorsLeft: Math.max(0, openDescriptors() - before),
    filesLeft: filesOfThis(),
    ...{ rssEarlyMb, rssLateMb: rssMb() },
  };
}

/** On each tier that this host has. @param only this one; null: all */
export async function sandboxes(count: number, only: string | null): Promise<SandboxesReport[]> {
  const reports: SandboxesReport[] = [];
  for (const { tier, missing } of await hostTiers()) {
    if (missing === null && (only === null || only === tier)) reports.push(await soak(tier, count));
  }
  return reports;
}

/** Is nothing wrong, nothing left, and memory flat? */
export const flat = (report: SandboxesReport): boolean =>
  report.wrong.length + report.processesLeft.length === 0 &&
  report.descriptorsLeft + report.filesLeft === 0 &&
  report.rssLateMb < report.rssEarlyMb + 100;
