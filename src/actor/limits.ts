/**
 * Owns: limits of many rules, `min` and `max` of a field, as plain numbers side by side: a rule whose limit
 * does not hold is passed over without being looked at.
 * Does not own: what else a rule says (policy.ts).
 */
import type { FieldOf } from "./fields.ts";

/** A field must be a number within it, or the rule does not fit. */
export interface Limit {
  readonly field: number;
  readonly min: number;
  readonly max: number;
}

const NO_LIMIT = -1;

/** Limits of a list of rules, by their place in it. */
export class Limits {
  readonly #fields: Int32Array;
  readonly #mins: Float64Array;
  readonly #maxs: Float64Array;

  constructor(limits: readonly (Limit | null)[]) {
    this.#fields = Int32Array.from(limits, (each) => each?.field ?? NO_LIMIT);
    this.#mins = Float64Array.from(limits, (each) => each?.min ?? 0);
    this.#maxs = Float64Array.from(limits, (each) => each?.max ?? 0);
  }

  /** The first place from `at` on that has no limit, or one that holds; behind the last: there is none. */
  next(of: FieldOf, at: number): number {
    const fields = this.#fields;
    const mins = this.#mins;
    const maxs = this.#maxs;
    let last = NO_LIMIT;
    let value: unknown;
    for (let place = at; place < fields.length; place++) {
      const field = fields[place] as number;
      if (field === NO_LIMIT) return place;
      // (Many rules of one field follow each other.)
      if (field !== last) value = of(field);
      last = field;
      if (typeof value !== "number") continue;
      if (value >= (mins[place] as number) && value <= (maxs[place] as number)) return place;
    }
    return fields.length;
  }
}
