/**
 * Owns: `coppice conformance FILE…`: replaying recorded supervision traces on the production kernel
 * and telling the first difference of each that fails.
 * Does not own: the format and the comparison (sim/trace.ts), the replay (sim/replay.ts).
 */
import { ActorError } from "../actor/errors.ts";
import { Replay } from "../sim/replay.ts";
import { firstDifference, readTraces, type Trace } from "../sim/trace.ts";
import type { Run } from "./arguments.ts";
import { linesOf, readFile } from "./trace-file.ts";
import { type Failure, progressOn, tell } from "./verdicts.ts";
import { grouped, jsonText } from "./words.ts";

/** Failures told in full; a broken kernel fails everywhere. */
const TOLD = 20;

/** The first step that goes otherwise than recorded, or null. */
export function replay(trace: Trace): Pick<Failure, "step" | "op" | "difference"> | null {
  const [first] = trace.steps;
  let at: Pick<Failure, "step" | "op"> = { step: 1, op: first?.op ?? "start" };
  try {
    const kernel = new Replay(trace.tree);
    for (const [index, expected] of trace.steps.entries()) {
      at = { step: index + 1, op: expected.op };
      const difference = firstDifference(expected, kernel.apply(expected.op));
      if (difference !== null) return { ...at, difference };
    }
    return null;
  } catch (error) {
    // A trace may ask for what no kernel can do; it fails, the others go on.
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { ...at, difference: `the replay itself failed: ${what}` };
  }
}

function tracesOf(bytes: Buffer, name: string): Trace[] {
  try {
    return readTraces(bytes, name);
  } catch (cause) {
    const text = (cause as Error).message;
    const [, line, what] = /^:(\d+): (.*)$/s.exec(text.slice(name.length)) ?? [];
    throw new ActorError("E_TRACE_FORMAT", what ?? text.slice(name.length).replace(/^: /, ""), {
      at: line === undefined ? name : `${name}:${line}`,
      fix: "record it again; each line must be one whole trace",
      cause,
    });
  }
}

export const conformance: Run = async (input, io) => {
  // All files are read first: a bad one is found before minutes of replay.
  const files = input.operands.map((name) => {
    const bytes = readFile(name, io);
    return { name, bytes, traces: tracesOf(bytes, name) };
  });
  const total = files.reduce((sum, each) => sum + each.traces.length, 0);
  const failures: Failure[] = [];
  const progress = progressOn(io, total);
  for (const { name, bytes, traces } of files) {
    let lines: number[] | null = null;
    for (const [index, trace] of traces.entries()) {
      progress.next(failures.length);
      const failed = replay(trace);
      if (failed === null) continue;
      lines ??= linesOf(bytes);
      failures.push({ file: name, line: lines[index] ?? 0, seed: trace.seed, ...failed });
      progress.clear();
      if (!input.flags.has("json") && failures.length <= TOLD) tell(failures.at(-1)!, io);
    }
  }
  progress.clear();
  const counts = { passed: total - failures.length, failed: failures.length };
  if (input.flags.has("json")) io.out.write(jsonText({ ...counts, failures }));
  else {
    if (failures.length > TOLD) {
      io.out.write(`… ${grouped(failures.length - TOLD)} more failing traces\n\n`);
    }
    io.out.write(`${counts.passed} passed, ${counts.failed} failed\n`);
  }
  return failures.length === 0 ? 0 : 1;
};
