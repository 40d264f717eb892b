/**
 * Owns: reading one setting: is it a word of the list, in its limits, or absent and so the default.
 * Does not own: which settings exist (spec.ts, app.ts).
 */
import { ActorError, shown } from "./errors.ts";
import type { ActorSettings, ChildSettings, Placement, Restart, Shutdown } from "./options.ts";
import { bytes, type Duration, milliseconds } from "./units.ts";

/** One of the words; the first is the default. @throws E_SPEC_STRATEGY */
function word<T extends string>(
  value: T | undefined,
  words: readonly [T, ...T[]],
  name: string,
  at: string,
): T {
  if (value === undefined) return words[0];
  if (words.includes(value)) return value;
  throw new ActorError("E_SPEC_STRATEGY", `${name}: ${shown(value)} is not one of its words`, {
    at,
    fix: `use ${words.map((each) => `"${each}"`).join(" | ")}`,
  });
}

/** The error for a value outside of [low, high]. */
function outside(name: string, value: unknown, low: number, high: number, at: string) {
  return new ActorError("E_SPEC_RANGE", `${name}: ${shown(value)} is outside its limits`, {
    at,
    fix: `use a whole number from ${low} to ${high}`,
  });
}

/** A whole number inside [low, high]. @throws E_SPEC_RANGE */
function integer(
  value: number | undefined,
  otherwise: number,
  [low, high]: readonly [number, number],
  name: string,
  at: string,
): number {
  if (value === undefined) return otherwise;
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw outside(name, value, low, high, at);
}

const YEAR_MS = 365 * 86_400_000;

/** A time span of 1 ms to a year. @throws E_SPEC_RANGE E_UNITS */
function period(value: Duration | undefined, otherwise: number, name: string, at: string): number {
  if (value === undefined) return otherwise;
  const ms = milliseconds(value, `${at}, ${name}`);
  if (ms >= 1 && ms <= YEAR_MS) return ms;
  throw outside(name, value, 1, YEAR_MS, at);
}

function flag(value: boolean | undefined, otherwise: boolean, name: string, at: string): boolean {
  if (value === undefined) return otherwise;
  if (typeof value === "boolean") return value;
  throw new ActorError("E_SPEC_STRATEGY", `${name}: ${shown(value)} is not true or false`, {
    at,
    fix: "use true or false",
  });
}

/** @throws E_SPEC_STRATEGY for what is no schema of zod */
function schema(value: unknown, name: string, at: string): void {
  if (typeof (value as { safeParse?: unknown } | undefined)?.safeParse === "function") return;
  throw new ActorError("E_SPEC_STRATEGY", `${name}: ${shown(value)} is no schema`, {
    at,
    fix: "give one of zod: z.object({ … })",
  });
}

/** @throws E_SPEC_STRATEGY for what is there and no function, or not there and must be */
function functions(
  from: object,
  names: readonly string[],
  at: string,
  must: readonly string[] = [],
): void {
  for (const name of [...must, ...names]) {
    const value: unknown = (from as Record<string, unknown>)[name];
    if (typeof value === "function") continue;
    if (value === undefined && !must.includes(name)) continue;
    throw new ActorError("E_SPEC_STRATEGY", `${name}: ${shown(value)} is no function`, {
      at,
      fix: `write ${name}(…) { … }`,
    });
  }
}

/** The heap of a thread of its own. @throws E_SPEC_COMBINATION E_SPEC_RANGE E_UNITS */
function heap({ threadHeap, placement }: ChildSettings, at: string): number | null {
  if (threadHeap === undefined) return null;
  if (placement !== "own-thread") {
    throw new ActorError("E_SPEC_COMBINATION", "threadHeap without a thread of its own", {
      at,
      fix: 'add placement: "own-thread", or leave threadHeap out',
    });
  }
  const size = bytes(threadHeap, `${at}, threadHeap`);
  if (size >= HEAP_MIN && size <= HEAP_MAX) return size;
  throw outside("threadHeap", threadHeap, HEAP_MIN, HEAP_MAX, at);
}

/** Limits of a thread's heap. @unit bytes */
const HEAP_MIN = 16 * 2 ** 20;
const HEAP_MAX = 2 ** 40;

/** What every child has. */
function child(
  options: ChildSettings,
  shutdown: Shutdown,
  at: string,
): {
  restart: Restart;
  shutdown: Shutdown;
  significant: boolean;
  placement: Placement;
  threadHeapBytes: number | null;
} {
  const value = options.shutdown;
  const isWord = value === undefined || value === "brutal_kill" || value === "infinity";
  return {
    restart: word(options.restart, ["permanent", "transient", "temporary"], "restart", at),
    shutdown: isWord ? (value ?? shutdown) : milliseconds(value, `${at}, shutdown`),
    significant: flag(options.significant, false, "significant", at),
    placement: word(options.placement, ["spread", "with-parent", "own-thread"], "placement", at),
    threadHeapBytes: heap(options, at),
  };
}

const orInfinity = (
  value: Duration | "infinity" | undefined,
  name: string,
  at: string,
): number | "infinity" =>
  value === undefined || value === "infinity" ? "infinity" : period(value, 0, name, at);

/** How long each part of an actor's work may take, and how much of it. */
function timeouts(options: ActorSettings, at: string) {
  const { maxReductions } = options;
  return {
    startTimeoutMs: orInfinity(options.startTimeout, "startTimeout", at),
    handlerTimeoutMs: orInfinity(options.handlerTimeout, "handlerTimeout", at),
    askTimeoutMs: period(options.askTimeout, 5_000, "askTimeout", at),
    sliceMs: integer(options.sliceMs, 100, [1, 60_000], "sliceMs", at),
    maxReductions: integer(maxReductions, 1e8, [1_000, 1e9], "maxReductions", at),
  };
}

/** Limits of what can be the limit of a state. @unit bytes */
const STATE_MIN = 2 ** 10;
const STATE_MAX = 2 ** 30;

/** The largest state. @throws E_SPEC_RANGE E_UNITS */
function stateSize({ stateMax }: ActorSettings, at: string): number | null {
  if (stateMax === undefined || stateMax === "infinity") return null;
  const size = bytes(stateMax, `${at}, stateMax`);
  if (size >= STATE_MIN && size <= STATE_MAX) return size;
  throw outside("stateMax", stateMax, STATE_MIN, STATE_MAX, at);
}

/** How it is kept by the store, and when only there. */
function storing(options: ActorSettings, at: string) {
  const { durable, hibernateAfter, snapshotEvery } = options;
  const name = (["hibernateAfter", "snapshotEvery", "stateMax"] as const).find(
    (each) => options[each] !== undefined,
  );
  if (!durable && name !== undefined) {
    throw new ActorError("E_SPEC_COMBINATION", `${name} on an actor that is not durable`, {
      at,
      fix: `add durable: true, or leave ${name} out`,
    });
  }
  const never = hibernateAfter === undefined;
  return {
    hibernateAfterMs: never ? null : period(hibernateAfter, 0, "hibernateAfter", at),
    snapshotEvery: integer(snapshotEvery, 1_024, [1, 1_024], "snapshotEvery", at),
    stateMaxBytes: stateSize(options, at),
  };
}

/** The readers of single settings. */
export const settings = {
  word,
  integer,
  period,
  flag,
  schema,
  functions,
  child,
  timeouts,
  storing,
  outside,
};
