/**
 * Owns: the bytes of small flat objects, as most messages and many states are, without what a codec of
 * all values costs. They are the bytes that codec.ts would have made: a record that says its shape.
 * Does not own: all other values, reading (codec.ts).
 */

/** Keys and short texts of plain letters have one byte that says how long they are. */
const SHORT = 32;
const KEYS_MAX = 15;
/** Room for the largest: head, keys, values. */
const room = new Uint8Array(4 + 2 * KEYS_MAX * SHORT);
const view = new DataView(room.buffer);

/** @returns null for what is no flat object of few short keys, plain numbers, short texts, booleans, nulls */
export function encodeFlat(value: unknown): Uint8Array | null {
  if (typeof value !== "object" || value === null) return null;
  if (Object.getPrototypeOf(value) !== Object.prototype) return null;
  const keys = Object.keys(value);
  const { length } = keys;
  if (length === 0 || length > KEYS_MAX) return null;
  room[0] = 0xd4;
  room[1] = 0x72;
  room[2] = 0x40;
  room[3] = 0x90 + length;
  let at = 4;
  for (let nth = 0; nth < length; nth++) {
    const key = keys[nth] as string;
    if (key === "toJSON" || key === "__proto__") return null;
    at = writeText(key, at);
    if (at === 0) return null;
  }
  for (let nth = 0; nth < length; nth++) {
    at = writeValue((value as Record<string, unknown>)[keys[nth] as string], at);
    if (at === 0) return null;
  }
  return room.slice(0, at);
}

/** @returns where it ends; 0: it is none of those */
function writeValue(value: unknown, at: number): number {
  if (typeof value === "number") return writeNumber(value, at);
  if (typeof value === "string") return writeText(value, at);
  if (value === null) room[at] = 0xc0;
  else if (typeof value === "boolean") room[at] = value ? 0xc3 : 0xc2;
  else return 0;
  return at + 1;
}

function writeText(text: string, at: number): number {
  const { length } = text;
  if (length >= SHORT) return 0;
  room[at] = 0xa0 + length;
  for (let nth = 0; nth < length; nth++) {
    const code = text.charCodeAt(nth);
    if (code > 0x7f) return 0;
    room[at + 1 + nth] = code;
  }
  return at + 1 + length;
}

function writeNumber(value: number, at: number): number {
  if (value >>> 0 !== value) {
    // (Negative integers have forms of their own.)
    if (value >> 0 === value) return 0;
    room[at] = 0xcb;
    view.setFloat64(at + 1, value);
    return at + 9;
  }
  // From 0x40 on a byte alone is a record.
  if (value < 0x40) {
    room[at] = value;
    return at + 1;
  }
  if (value < 0x100) {
    room[at] = 0xcc;
    room[at + 1] = value;
    return at + 2;
  }
  if (value < 0x10000) {
    room[at] = 0xcd;
    view.setUint16(at + 1, value);
    return at + 3;
  }
  room[at] = 0xce;
  view.setUint32(at + 1, value);
  return at + 5;
}
