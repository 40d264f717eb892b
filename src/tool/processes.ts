/**
 * Owns: what the host's kernel says about processes below one of ours: which there are, what they use.
 */
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
  /** Its own memory; what it shares with files is not counted. */
  readonly memoryBytes: number;
}

/** What a process uses, and what children that it has seen end had used. */
export function useOf(pid: number): ProcessUse {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at] ?? 0), 0);
  const [, resident = 0, shared = 0] = read(`/proc/${pid}/statm`).split(" ").map(Number);
  return { cpuMs: ticks * TICK_MS, memoryBytes: (resident - shared) * PAGE };
}

/** Does the process run? One that nobody has waited for yet does not. */
export function runs(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== "" && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}
