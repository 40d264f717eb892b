/**
 * Owns every bound of the audit: how much of a package is looked at and how much of it is kept.
 * What a bound cut away is said in the result (`cut` and `problems` of a package); the parts which
 * enforce the bounds live elsewhere.
 */
export const limits = {
  /** A larger file is counted but not parsed (bytes). */
  parseBytes: 2_000_000,
  /** All parsed code of one package; what comes after it is counted but not parsed (bytes). */
  parseBytesPerPackage: 32_000_000,
  /** Files looked at in one package. */
  filesPerPackage: 50_000,
  /** How deeply code may be nested, in the units of parse.ts: about half of the stack. */
  nesting: 5_000,
  /** Places kept per capability; the count goes on. */
  places: 5,
  /** Native binaries kept by name; the count goes on. */
  natives: 50,
  /** Problems kept by name; the counts by kind go on. */
  problems: 20,
  /** Characters of one text taken from a package. */
  name: 214,
  version: 64,
  licence: 100,
  script: 300,
  what: 80,
  file: 300,
  problem: 160,
} as const;
