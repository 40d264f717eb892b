/**
 * Owns: how a node is started: every setting with its unit, default and limits, checked.
 * Does not own: what follows from them (node.ts).
 */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { App } from "../actor/app.ts";
import { ActorError, shown } from "../actor/errors.ts";
import { type Names, onlyKnown } from "../actor/names.ts";
import { settings } from "../actor/settings.ts";
import { bytes, type Duration, type Size } from "../actor/units.ts";
import type { KernelEvent } from "../kernel/events.ts";
import { LOG_LEVELS, type LogLevelName } from "../observe/log.ts";
import type { RebalanceOptions } from "./moving.ts";

/** How a node guards against code that hangs. */
export interface Preemption {
  /** End the run and keep the thread, or only replace the thread. */
  readonly driver: "abort" | "replace";
  readonly graceMs: number;
  readonly hangMs: number;
}

/** How a node is started; every setting has a default. */
export interface StartOptions {
  /** Scheduler threads. @default the number of processors @limit 1 … 64 */
  threads?: number;
  /** Folder of the data. @default the app's, else ".coppice" */
  data?: string;
  /** What goes to the log (stderr, JSON lines). @default "warn" */
  log?: LogLevelName;
  /** Serve the CLI. @default true */
  inspect?: boolean;
  /** Told every fact that leaves a thread: starts, exits, restarts, dead letters, logs. */
  onEvent?: (event: KernelEvent) => void;
  /**
   * What happens to a handler that holds its thread beyond its `sliceMs`: it alone is ended, or the
   * thread with all that is on it. @default COPPICE_PREEMPT, else "abort" @source ADR 0004
   */
  preempt?: "abort" | "replace";
  /**
   * A handler that was to be ended and is not by then (a native call holds it) costs the thread.
   * @default "1s" @limit 1 ms … 365 days
   */
  abortGrace?: Duration;
  /** The same for code that hangs outside of handlers. @default "2s" @limit 1 ms … 365 days */
  hangLimit?: Duration;
  /**
   * What the actors of a scheduler thread may hold in its heap; beyond it the thread is replaced.
   * @default three quarters of V8's own limit @limit 16 MB … 1 TB
   */
  threadHeap?: Size;
  /**
   * A busy thread gives `movable` actors to an idle one, between two messages. Not between nodes.
   * @default true, if there are some @source ADR 0025
   */
  rebalance?: boolean | RebalanceOptions;
  /**
   * How long a thread without work looks out for mail of other threads before it sleeps, while that
   * pays: the answer to an ask then wakes nobody. 0 switches it off.
   * @unit µs @default 100 @limit 0 … 1000 @source ADR 0033
   */
  lookout?: number;
}

/** Where a node's data lies, or null when its store forgets. */
export function dataFolder(app: App, options: StartOptions): string | null {
  if (app.store.kind !== "sqlite") return null;
  return resolve(options.data ?? app.store.folder ?? ".coppice");
}

const AT = "start()";
const OPTIONS: Names<StartOptions> = {
  threads: true,
  data: true,
  log: true,
  inspect: true,
  onEvent: true,
  preempt: true,
  abortGrace: true,
  hangLimit: true,
  threadHeap: true,
  rebalance: true,
  lookout: true,
};

/** Options as written, if there are such. @throws E_SPEC_SETTING E_SPEC_STRATEGY */
export function checkedOptions(given: StartOptions | undefined): StartOptions {
  const options = onlyKnown(given, OPTIONS, AT);
  const { data, log, inspect } = options;
  if (data !== undefined && typeof data !== "string") {
    const fix = "give the path of a folder";
    throw new ActorError("E_SPEC_STRATEGY", `data: ${shown(data)} is no path`, { at: AT, fix });
  }
  settings.word(log, LOG_LEVELS, "log", AT);
  settings.flag(inspect, true, "inspect", AT);
  settings.functions(options, ["onEvent"], AT);
  return options;
}
/** @unit bytes */
const HEAP = [16 * 2 ** 20, 2 ** 40] as const;

/** @throws E_SPEC_RANGE */
export function threadCount(wanted: number | undefined): number {
  return settings.integer(wanted, Math.min(availableParallelism(), 64), [1, 64], "threads", AT);
}

/** @throws E_SPEC_STRATEGY E_SPEC_RANGE E_UNITS */
export function preemption(options: StartOptions): Preemption {
  const { abortGrace, hangLimit } = options;
  const chosen = options.preempt ?? process.env.COPPICE_PREEMPT;
  if (chosen !== undefined && chosen !== "abort" && chosen !== "replace") {
    throw new ActorError("E_SPEC_STRATEGY", `preempt: ${shown(chosen)} is not one of its words`, {
      at: AT,
      fix: 'use "abort" or "replace"',
    });
  }
  return {
    driver: chosen ?? "abort",
    graceMs: settings.period(abortGrace, 1_000, "abortGrace", AT),
    hangMs: settings.period(hangLimit, 2_000, "hangLimit", AT),
  };
}

/** @throws E_SPEC_RANGE */
export function lookoutUs({ lookout }: StartOptions): number {
  return settings.integer(lookout, 100, [0, 1_000], "lookout", AT);
}

/** Heap of a scheduler thread, or null for the default. @throws E_UNITS E_SPEC_RANGE */
export function heapBytes({ threadHeap }: StartOptions): number | null {
  if (threadHeap === undefined) return null;
  return settings.integer(bytes(threadHeap, "start(), threadHeap"), 0, HEAP, "threadHeap", AT);
}
