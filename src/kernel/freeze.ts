/**
 * Owns: freezing messages in development and tests, so that a value changed after it was sent
 * throws where it is changed (SEMANTICS 19.4).
 */

/** Freezes plain data in depth; what is frozen already is taken as frozen in depth. */
export function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  // A typed array with elements cannot be frozen; it is copied between threads anyway.
  if (ArrayBuffer.isView(value)) return value;
  Object.freeze(value);
  for (const key of Object.keys(value)) freeze((value as Record<string, unknown>)[key]);
  return value;
}
