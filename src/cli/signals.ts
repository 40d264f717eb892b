/**
 * Owns: what Ctrl-C and its relatives mean to a command that runs until it is told to stop.
 */
import { constants } from "node:os";
import type { Io } from "./terminal.ts";

/** One signal may arrive more than once: from the terminal, and passed on by npx or npm. @unit ms */
const SAME_MS = 500;

export type Signal = "SIGINT" | "SIGTERM" | "SIGHUP";
/** The exit status that says: ended by this signal. */
export const statusOf = (signal: Signal) => 128 + constants.signals[signal];

/**
 * The first signal asks for an end in order, the next one ends at once.
 *
 * @returns the first one, once it comes; and how to stop listening
 */
export function firstSignal(io: Io): { signalled: Promise<Signal>; release(): void } {
  const { promise, resolve } = Promise.withResolvers<Signal>();
  let firstAt: number | null = null;
  const got = (signal: Signal) => {
    const now = performance.now();
    if (firstAt === null) {
      firstAt = now;
      io.err.write("coppice: stopping in order; once more to stop at once\n");
      resolve(signal);
    } else if (now - firstAt > SAME_MS) process.exit(statusOf(signal));
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, got);
  const release = () => {
    for (const signal of signals) process.off(signal, got);
  };
  return { signalled: promise, release };
}
