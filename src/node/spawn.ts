/**
 * Owns: making the worker of a thread such that runs on it can be ended from outside.
 * Does not own: what is said to it (thread.ts).
 */
import { Worker, type WorkerOptions } from "node:worker_threads";

/**
 * A run that was ended leaves its async contexts behind (those of nextTick and queueMicrotask, for
 * two). Node checks for that after each callback, and ends the whole process over it, unless told
 * not to.
 */
const UNCHECKED = "--no-force-async-hooks-checks";

/** Options of the process that a worker does not take; it has them anyway. */
const REFUSED = /invalid execArgv flags: (.*)$/;

/** @returns the worker, and whether its runs may be ended from outside */
export function spawn(entry: URL, options: WorkerOptions): { worker: Worker; endable: boolean } {
  let execArgv = [...process.execArgv, UNCHECKED];
  for (let tries = 0; tries < 2; tries++) {
    try {
      return { worker: new Worker(entry, { ...options, execArgv }), endable: true };
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code !== "ERR_WORKER_INVALID_EXEC_ARGV") throw error;
      const refused = new Set((REFUSED.exec(message)?.[1] ?? "").split(", "));
      execArgv = execArgv.filter((each) => !refused.has(each));
      if (!execArgv.includes(UNCHECKED)) break;
    }
  }
  return { worker: new Worker(entry, options), endable: false };
}
