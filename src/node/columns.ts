/**
 * Owns: many messages of one shape as columns, one a field: numbers side by side are copied at once,
 * and what is the same in all messages is kept once. Does not own: which messages go together
 * (batch.ts), bytes (store/codec.ts).
 */

/** Fewer messages are not worth it. */
const ROWS_MIN = 32;
/** More fields: no small message. */
const FIELDS_MAX = 32;

/** A field of all messages: their values, or the only one there is. */
export type Column = { readonly same: unknown } | ArrayLike<unknown>;

export interface Columns {
  readonly rows: number;
  readonly fields: readonly string[];
  readonly columns: readonly Column[];
}

/** @returns null for messages that are no plain objects of the same fields, with plain values */
export function columnsOf(messages: readonly unknown[]): Columns | null {
  const [first] = messages;
  if (messages.length < ROWS_MIN || typeof first !== "object" || first === null) return null;
  const fields = Object.keys(first);
  if (fields.length > FIELDS_MAX || fields.includes("__proto__")) return null;
  const rows = messages.length;
  const columns = fields.map(() => new Array<unknown>(rows));
  for (let row = 0; row < rows; row++) {
    if (!fill(columns, row, messages[row], fields)) return null;
  }
  return { rows, fields, columns: columns.map(pressed) };
}

function fill(columns: unknown[][], row: number, message: unknown, fields: string[]): boolean {
  if (typeof message !== "object" || message === null) return false;
  if (Object.getPrototypeOf(message) !== Object.prototype) return false;
  let at = 0;
  for (const field in message) {
    if (fields[at] !== field) return false;
    const value = (message as Record<string, unknown>)[field];
    if (typeof value === "object" ? value !== null : typeof value === "function") return false;
    (columns[at++] as unknown[])[row] = value;
  }
  return at === fields.length;
}

function pressed(values: unknown[]): Column {
  const [first] = values;
  if (values.every((each) => each === first)) return { same: first };
  return whole(values) ?? numbers(values) ?? values;
}

function whole(values: unknown[]): Int32Array | null {
  const result = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== "number") return null;
    result[i] = value;
    if (result[i] !== value) return null;
  }
  return result;
}

function numbers(values: unknown[]): Float64Array | null {
  const result = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== "number") return null;
    result[i] = value;
  }
  return result;
}

/** The messages, in order. */
export function eachRow(from: Columns, take: (message: unknown) => void): void {
  const { rows, fields, columns } = from;
  const values = columns.map((each) => ("same" in each ? null : each));
  for (let row = 0; row < rows; row++) {
    const message: Record<string, unknown> = {};
    for (let at = 0; at < fields.length; at++) {
      const column = values[at];
      const value = column ? column[row] : (columns[at] as { same: unknown }).same;
      message[fields[at] as string] = value;
    }
    take(message);
  }
}
