/**
 * Owns: is a value data that another thread gets as it is? Refs are: their copies only forget whom
 * they have reached. Does not own: how it travels (node/).
 */
import { Address } from "../actor/protocol.ts";

/** Values looked at, at most: more is too much to carry. */
const VALUES_MAX = 100_000;
/** Values inside of values; deeper ones could not be written, and circles have no end. */
const DEPTH_MAX = 100;

/** Does it consist of plain objects, arrays, Maps, Sets, Dates, bytes and simple values? */
export function isData(value: unknown): boolean {
  let level: unknown[] = [value];
  let seen = 0;
  for (let depth = 0; level.length > 0; depth++) {
    seen += level.length;
    if (depth > DEPTH_MAX || seen > VALUES_MAX) return false;
    const inner: unknown[] = [];
    for (const each of level) {
      const parts = partsOf(each);
      if (parts === null) return false;
      for (const part of parts) if (inner.push(part) > VALUES_MAX) return false;
    }
    level = inner;
  }
  return true;
}

const NONE: readonly unknown[] = [];

/** What it holds; null: it is no data. */
function partsOf(value: unknown): Iterable<unknown> | null {
  if (typeof value === "function" || typeof value === "symbol") return null;
  if (typeof value !== "object" || value === null || value instanceof Address) return NONE;
  const prototype = Object.getPrototypeOf(value);
  if (Array.isArray(value) || prototype === Set.prototype) return value as Iterable<unknown>;
  if (prototype === Map.prototype) {
    const map = value as Map<unknown, unknown>;
    return [...map.keys(), ...map.values()];
  }
  if (prototype === Uint8Array.prototype || isDate(value)) return NONE;
  if (prototype !== Object.prototype && prototype !== null) return null;
  if (Object.getOwnPropertySymbols(value).length > 0 || "toJSON" in value) return null;
  return Object.values(value);
}

const isDate = (value: object) => Object.prototype.toString.call(value) === "[object Date]";
