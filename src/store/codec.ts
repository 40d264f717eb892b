/**
 * Owns: values to bytes and back, for stores and threads: msgpack, with Dates, Maps, Sets, bigints,
 * errors, typed arrays and shared references. Objects are records whose shapes lie inside of each
 * encoding: schemas drift, so nothing is shared between encodings; and unlike plain msgpack maps
 * they cannot be mistaken for Maps.
 */
import { Packr } from "msgpackr";
import { encodeFlat } from "./codec-flat.ts";
import type { Encoded } from "./store.ts";

const packr = new Packr({
  useRecords: true,
  moreTypes: true,
  structuredClone: true,
  // Otherwise it would become undefined.
  writeFunction: () => {
    throw new TypeError("a function is no data");
  },
});

/** Bytes of a value. @throws Error for what is no data: functions, symbols */
export function encode(value: unknown): Encoded {
  return encodeFlat(value) ?? Uint8Array.prototype.slice.call(packr.pack(value));
}

export function decode(bytes: Encoded): unknown {
  return packr.unpack(bytes);
}
