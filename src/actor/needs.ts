/**
 * Owns: which of many rules may fit an input at all, by one look at each of its fields: those that
 * need a text in it find it in one pass, those that need a value by that value.
 * Does not own: whether they fit (policy.ts).
 */
import type { FieldOf } from "./fields.ts";
import { Literals } from "./literals.ts";

/** What must be in a field of the input, or a rule does not fit: a text in a text, or one of some values. */
export type Need = { readonly field: number } & (
  | { readonly literal: string }
  | { readonly values: readonly unknown[] }
);

/** Rules of one field. */
class Field {
  readonly #texts = new Map<number, string>();
  readonly #values = new Map<unknown, number[]>();
  #literals: Literals | null = null;

  add(rule: number, need: Need): void {
    if ("literal" in need) return void this.#texts.set(rule, need.literal);
    for (const value of new Set(need.values)) {
      const rules = this.#values.get(value);
      if (rules === undefined) this.#values.set(value, [rule]);
      else rules.push(rule);
    }
  }

  find(value: unknown, found: Set<number>): void {
    for (const rule of this.#values.get(value) ?? []) found.add(rule);
    if (typeof value !== "string" || this.#texts.size === 0) return;
    this.#literals ??= new Literals(this.#texts);
    this.#literals.find(value, found);
  }
}

/** What more rules than this need tells too little: they are looked at one by one. */
const SHARED_MAX = 16;

/** Rules that need something, by what they need. */
export class Needs {
  readonly #fields = new Map<number, Field>();
  readonly #known = new Set<number>();

  /** @param all what each rule needs, by its number; one need of each is made use of, or none */
  constructor(all: readonly (readonly Need[])[]) {
    const shared = new Map<string, number>();
    const keys = (need: Need) => {
      if ("literal" in need) return [`${need.field} in ${need.literal}`];
      return need.values.map((value) => `${need.field} ${typeof value} ${value}`);
    };
    for (const key of all.flat().flatMap(keys)) shared.set(key, (shared.get(key) ?? 0) + 1);
    const tells = (need: Need) => keys(need).every((key) => (shared.get(key) ?? 0) <= SHARED_MAX);
    for (const [rule, needs] of all.entries()) {
      const need = needs.find(tells);
      if (need !== undefined) this.#add(rule, need);
    }
  }

  /** Is a rule among those that are found by what they need? */
  has(rule: number): boolean {
    return this.#known.has(rule);
  }

  /** Numbers of those whose need is met, in no order. */
  met(of: FieldOf): Set<number> {
    const found = new Set<number>();
    for (const [number, field] of this.#fields) field.find(of(number), found);
    return found;
  }

  #add(rule: number, need: Need): void {
    const field = this.#fields.get(need.field) ?? new Field();
    this.#fields.set(need.field, field);
    this.#known.add(rule);
    field.add(rule, need);
  }
}
