/**
 * Owns: running seeds: each the conformance part and the chaos part, with the real world forbidden;
 * counting what passed, failed and was seen.
 * Does not own: printing it (command.ts), the two parts (agreement.ts, chaos.ts).
 */
import { ActorError } from "../actor/errors.ts";
import { agree } from "./agreement.ts";
import { Chaos } from "./chaos.ts";
import type { Fault } from "./faults.ts";
import { forbidRealWorld } from "./guard.ts";
import { type Mark, Marks } from "./marks.ts";
import { EventStream } from "./stream.ts";

/** Why a seed failed: the first check that was broken, what it saw, and the last events. */
export interface SeedFailure {
  readonly check: string;
  readonly detail: string;
  readonly tail: readonly string[];
}

/** One seed's run. The hash covers every event: equal for equal seeds. */
export interface SeedRun {
  readonly seed: number;
  readonly hash: string;
  /** Macro steps of the chaos part and steps of the conformance part. */
  readonly steps: number;
  readonly events: number;
  readonly failure: SeedFailure | null;
}

export interface SeedsOptions {
  /** How many seeds. */
  readonly seeds: number;
  /** The first one. @default 1 */
  readonly from?: number;
  /** Run every seed twice and compare the hashes. @default false */
  readonly checkDeterminism?: boolean;
  /** Faults that are on in every run, not only in some. @default none */
  readonly always?: readonly Fault[];
  /** Called after each seed. */
  readonly onProgress?: (progress: SeedsProgress) => void;
  /** Ends the run after the present seed. */
  readonly signal?: AbortSignal;
  /** End it after the first failure. @default false */
  readonly stopAtFailure?: boolean;
}

export interface SeedsProgress {
  readonly done: number;
  readonly failed: number;
  readonly run: SeedRun;
}

export interface SeedsResult {
  readonly passed: number;
  readonly failed: number;
  readonly failures: readonly { seed: number; check: string; detail: string }[];
  readonly marks: readonly (readonly [mark: Mark, count: number])[];
  readonly steps: number;
  readonly events: number;
}

/** Taken before anything is forbidden. */
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Runs one seed. `marks` counts what it has seen. */
export async function runSeed(
  seed: number,
  marks = new Marks(),
  always: readonly Fault[] = [],
): Promise<SeedRun> {
  const stream = new EventStream();
  let steps = 0;
  const stray = (reason: unknown) =>
    stream.fail("no promise is left rejected", reason instanceof Error ? reason.message : "");
  process.on("unhandledRejection", stray);
  const permit = forbidRealWorld();
  try {
    steps += agree(seed, stream, marks);
    if (stream.violation === null) {
      const chaos = new Chaos(seed, stream, marks, always);
      await chaos.run();
      steps += chaos.world.steps;
    }
  } catch (thrown) {
    const own = thrown instanceof ActorError && thrown.code === "E_INTERNAL";
    const check = own ? "assertions of the kernel" : "nothing is thrown at the host";
    stream.fail(check, describe(thrown));
  } finally {
    permit();
    // Rejections are reported when the ticks are over; the process may look at its signals.
    await nextTurn();
    process.off("unhandledRejection", stray);
  }
  const { violation, hash, count } = stream;
  const failure = violation === null ? null : { ...violation, tail: stream.tail() };
  return { seed, hash, steps, events: count, failure };
}

const describe = (thrown: unknown) =>
  thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);

/** Runs a seed twice. A difference fails it, unless it has failed anyway. */
async function runTwice(seed: number, marks: Marks, always: readonly Fault[]): Promise<SeedRun> {
  const first = await runSeed(seed, marks, always);
  const second = await runSeed(seed, new Marks(), always);
  if (first.hash === second.hash || first.failure !== null) return first;
  const told = (run: typeof first) => `hash ${run.hash} after ${run.events} events`;
  const detail = `${told(first)}, then ${told(second)}`;
  const failure = { check: "K14 same seed, same events", detail, tail: [] };
  return { ...first, failure };
}

/** Runs seeds one after the other. */
export async function runSeeds(options: SeedsOptions): Promise<SeedsResult> {
  const { seeds, from = 1, checkDeterminism = false, always = [], onProgress, signal } = options;
  const marks = new Marks();
  const failures: { seed: number; check: string; detail: string }[] = [];
  const total = { done: 0, steps: 0, events: 0 };
  for (let seed = from; seed < from + seeds && !signal?.aborted; seed++) {
    const run = await (checkDeterminism ? runTwice : runSeed)(seed, marks, always);
    const { failure } = run;
    if (failure !== null) failures.push({ seed, check: failure.check, detail: failure.detail });
    total.done++;
    total.steps += run.steps;
    total.events += run.events;
    onProgress?.({ done: total.done, failed: failures.length, run });
    if (failure !== null && options.stopAtFailure) break;
  }
  const { done, steps, events } = total;
  const failed = failures.length;
  return { passed: done - failed, failed, failures, marks: marks.counts(), steps, events };
}
