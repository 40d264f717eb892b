/** Owns: noticing that the thread of a store is gone. */
import type { Worker } from "node:worker_threads";

/** @returns why, once it has ended: by an error or without a word; whoever ends it does not care */
export function untilLost(worker: Worker): Promise<string> {
  return new Promise((resolve) => {
    worker.once("error", (error) => resolve(String((error as Error)?.message ?? error)));
    worker.once("exit", (status) => resolve(`it ended with status ${status}`));
  });
}
