/**
 * Owns: when an agent's tool calls count as going in circles, as a value.
 * Does not own: noticing it (tool/runaway.ts).
 */
import { type Names, onlyKnown } from "./names.ts";
import { settings } from "./settings.ts";

/** After how many calls of one kind the next one is denied, in one life. 0 = never. */
export interface Runaway {
  /**
   * The same tool with the same input, one after the other. Calls whose pauses grow by a fifth each
   * time, or are a minute long, are polling and do not count. @default 5
   */
  identical?: number;
  /** Two calls in turn, the same inputs each time: so many pairs. @default 4 */
  alternating?: number;
  /** Failures of one tool in a row, whatever its input. @default 6 */
  errors?: number;
  /** Calls of one tool in a row with the same result, whatever their input: no progress. @default 12 */
  stalled?: number;
}

/** A {@link Runaway}, complete. */
export type RunawayLimits = Required<Readonly<Runaway>>;

const LIMITS: Names<Runaway> = { identical: true, alternating: true, errors: true, stalled: true };

/** Limits, or null when nobody looks. @throws E_SPEC_RANGE E_SPEC_SETTING */
export function readRunaway(
  value: boolean | Runaway | undefined,
  at: string,
): RunawayLimits | null {
  if (value === undefined || value === false) return null;
  const given = onlyKnown(value === true ? {} : value, LIMITS, `${at}, runaway`);
  const limit = (name: keyof Runaway, otherwise: number) =>
    settings.integer(given[name], otherwise, [0, 1_000], `runaway.${name}`, at);
  return Object.freeze({
    identical: limit("identical", 5),
    alternating: limit("alternating", 4),
    errors: limit("errors", 6),
    stalled: limit("stalled", 12),
  });
}
