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

/** Finds a field by its name. */
export type FieldOf = (field: string) => unknown;

/** Fields of one input: each is looked up once, however many rules speak of it. */
export function fieldsOf(input: unknown): FieldOf {
  let last = "";
  let value: unknown;
  const found = new Map<string, unknown>();
  return (field) => {
    if (field === last) return value;
    if (!found.has(field)) found.set(field, fieldOf(input, field.split(".")));
    last = field;
    value = found.get(field);
    return value;
  };
}
