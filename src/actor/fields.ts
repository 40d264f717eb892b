/**
 * Owns: fields of an input by name, `a.b` for a field of a field.
 * Does not own: what they must be (policy.ts).
 */
function fieldOf(input: unknown, field: readonly string[]): unknown {
  let value = input;
  for (const name of field) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** Finds a field by its number. */
export type FieldOf = (field: number) => unknown;

/** Not looked up yet; an absent field is undefined. */
const UNKNOWN = Symbol();

/** Fields that rules speak of, numbered. */
export class Fields {
  readonly #numbers = new Map<string, number>();
  readonly #parts: string[][] = [];

  /** The number of a field. */
  number(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.#parts.length);
    return this.#parts.push(name.split(".")) - 1;
  }

  /** Of one input: each is looked up once, however many rules speak of it. */
  of(input: unknown): FieldOf {
    const parts = this.#parts;
    const found: unknown[] = new Array(parts.length).fill(UNKNOWN);
    return (field) => {
      const value = found[field];
      if (value !== UNKNOWN) return value;
      found[field] = fieldOf(input, parts[field] as string[]);
      return found[field];
    };
  }
}
