/**
 * Owns: how often, how many at a time and how stubbornly a tool is called, as a value.
 * Does not own: holding to it (tool/gate.ts, tool/broker.ts).
 */
import { ActorError } from "./errors.ts";
import { onlyKnown } from "./names.ts";
import { settings } from "./settings.ts";
import type { Duration } from "./units.ts";

/** How a tool is called. It holds for all actors of a node together. */
export interface Pace {
  /** Most calls at a time; others wait. @default no limit @limit 1 … 100_000 */
  concurrency?: number;
  /** Most calls in a time, evenly: a bucket of `calls`, filled in `per`. @default no limit */
  rate?: { calls: number; per: Duration };
  /** Calls that may wait; one more fails with `overloaded`. @default 1_000 @limit 0 … 100_000 */
  maxQueue?: number;
  /**
   * After so many failures in a row all calls are denied for the cooldown; then one tries.
   * @default never
   */
  breaker?: { failures: number; cooldown: Duration };
  /**
   * How often a failed call of an `idempotent` tool is made again, with the same key, after a pause
   * that doubles from a quarter of a second to 30 s, of which a random half is left out.
   * @default 0 @limit 0 … 100
   */
  retries?: number;
}

/** Limits of one tool, complete. */
export interface ToolLimits {
  readonly concurrency: number | null;
  readonly maxQueue: number;
  readonly rate: { readonly calls: number; readonly perMs: number } | null;
  readonly breaker: { readonly failures: number; readonly cooldownMs: number } | null;
}

/** Limits, or null when there are none. @throws E_SPEC_RANGE E_UNITS */
export function limitsOf(pace: Pace, at: string): ToolLimits | null {
  const { concurrency, rate, breaker, maxQueue } = pace;
  if (concurrency === undefined && rate === undefined && breaker === undefined) return null;
  onlyKnown(rate, { calls: true, per: true }, `${at}, rate`);
  onlyKnown(breaker, { failures: true, cooldown: true }, `${at}, breaker`);
  const whole = (value: number | undefined, max: number, name: string, min = 1) =>
    settings.integer(value, 1_000, [min, max], name, at);
  return {
    concurrency: concurrency === undefined ? null : whole(concurrency, 100_000, "concurrency"),
    maxQueue: whole(maxQueue, 100_000, "maxQueue", 0),
    rate:
      rate === undefined
        ? null
        : {
            calls: whole(rate.calls, 1e9, "rate.calls"),
            perMs: settings.period(rate.per, 1_000, "rate.per", at),
          },
    breaker:
      breaker === undefined
        ? null
        : {
            failures: whole(breaker.failures, 1e6, "breaker.failures"),
            cooldownMs: settings.period(breaker.cooldown, 30_000, "breaker.cooldown", at),
          },
  };
}

/** How often a call is made again. @throws E_SPEC_RANGE E_SPEC_COMBINATION */
export function retriesOf({ retries }: Pace, idempotent: boolean, at: string): number {
  const times = settings.integer(retries, 0, [0, 100], "retries", at);
  if (times === 0 || idempotent) return times;
  throw new ActorError("E_SPEC_COMBINATION", "retries of a tool that may not be called twice", {
    at,
    fix: "add idempotent: true if a second call with the same key does no harm, or leave retries out",
  });
}
