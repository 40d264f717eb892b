/**
 * Owns: how `coppice conformance` tells what failed, and its progress on a terminal.
 */
import type { Io } from "./terminal.ts";
import { grouped, printableLines } from "./words.ts";

/** Between two signs of progress. @unit ms */
const PROGRESS_MS = 100;

/** A trace that was not replayed as recorded: where, and the first difference. */
export interface Failure {
  readonly file: string;
  readonly line: number;
  readonly seed: number;
  /** Counted from 1. */
  readonly step: number;
  readonly op: unknown;
  readonly difference: string;
}

/** Tells one failure: the place, then the difference. */
export function tell({ file, line, seed, step, op, difference }: Failure, io: Io): void {
  const head = `FAIL ${file}:${line} seed ${seed}, step ${step} ${JSON.stringify(op)}`;
  const body = difference.split("\n").map((each) => `  ${each}`);
  io.out.write(`${printableLines([head, ...body].join("\n"))}\n\n`);
}

/** A counter on a terminal that goes away again. */
export function progressOn(io: Io, total: number): { next(failed: number): void; clear(): void } {
  let done = 0;
  let shownAt = Number.NEGATIVE_INFINITY;
  let shown = false;
  return {
    next: (failed) => {
      const now = performance.now();
      done++;
      if (!io.errTerminal || now - shownAt < PROGRESS_MS) return;
      shownAt = now;
      shown = true;
      const bad = failed > 0 ? `, ${grouped(failed)} failed` : "";
      io.err.write(`\r${grouped(done)} of ${grouped(total)} traces${bad}\u001b[K`);
    },
    clear: () => {
      if (shown) io.err.write("\r\u001b[K");
      shown = false;
    },
  };
}
