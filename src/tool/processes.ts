/**
 * Owns: what the host's kernel says about processes below one of ours: which there are, what they use;
 * and ending them, all of them.
 */
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** The kernel's unit of processor time, the same on all of its platforms. @unit ms */
const TICK_MS = 10;
const PAGE = 4_096;

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // it ended in the meantime
  }
}

/** Processes that descend from `pid`, itself not counted. */
export function descendants(pid: number): number[] {
  const found: number[] = [];
  for (const next = [pid]; next.length > 0; ) {
    const parent = next.pop() as number;
    let threads: string[] = [];
    try {
      threads = readdirSync(`/proc/${parent}/task`);
    } catch {
      continue; // it ended in the meantime
    }
    for (const thread of threads) {
      const children = read(`/proc/${parent}/task/${thread}/children`).split(" ");
      for (const child of children) if (child.trim() !== "") next.push(Number(child));
    }
    if (parent !== pid) found.push(parent);
  }
  return found;
}

export interface ProcessUse {
  readonly cpuMs: number;
  /** Its own memory; what it shares counts in parts, or not at all. */
  readonly memoryBytes: number;
}

/** What a process uses, and what children that it has seen end had used. @param shared its part counts */
export function useOf(pid: number, shared = false): ProcessUse {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at] ?? 0), 0);
  const cpuMs = ticks * TICK_MS;
  if (shared) {
    const part = /^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1];
    return { cpuMs, memoryBytes: Number(part ?? 0) * 1024 };
  }
  const [, resident = 0, files = 0] = read(`/proc/${pid}/statm`).split(" ").map(Number);
  return { cpuMs, memoryBytes: (resident - files) * PAGE };
}

/** Does the process run? One that nobody has waited for yet does not. */
export function runs(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== "" && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}

/** Stopped, ended, or not there: it starts no further process. */
const still = (pid: number) => {
  const stat = read(`/proc/${pid}/stat`);
  return stat === "" || /^[TZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
};

/** A busy host may take its time to stop a process. @unit ms */
const STOP_MS = 2_000;

/**
 * Ends a child of this process with all that descend from it. Those who put up walls tell their children
 * to end with them, but a moment after they have them: whoever is ended in that moment leaves one behind.
 * So it is stopped first, and counted, and then all are ended.
 */
export async function endTree(child: ChildProcess): Promise<void> {
  const { pid } = child;
  const alive = () => child.exitCode === null && child.signalCode === null;
  if (pid === undefined || !alive()) return;
  child.kill("SIGSTOP");
  const until = performance.now() + STOP_MS;
  while (!still(pid) && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  if (!alive()) return;
  for (const each of descendants(pid)) {
    try {
      process.kill(each, "SIGKILL");
    } catch {
      // it ended in the meantime
    }
  }
  child.kill("SIGKILL");
}

/** Ends walls whose builder was killed before they stood: nothing runs behind them, but they wait. */
export function endOrphans(program: string): void {
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const [command] = read(`/proc/${name}/cmdline`).split("\0");
    if (!command?.startsWith(program) || !/^PPid:\s+1$/m.test(read(`/proc/${name}/status`)))
      continue;
    try {
      process.kill(Number(name), "SIGKILL");
    } catch {
      // it ended in the meantime, or is another user's
    }
  }
}
