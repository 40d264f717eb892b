/**
 * Owns: are the names somebody wrote ones there are, and which was meant. A setting with a name that
 * does not exist would be left out silently: nothing checks types where they are only stripped.
 * Does not own: what a setting must be (settings.ts).
 */
import { ActorError, shown } from "./errors.ts";

/** One entry for each setting of T: the compiler sees that none is forgotten, and none invented. */
export type Names<T> = { readonly [K in keyof T & string]-?: true };

/**
 * Settings as they were written, if all have names there are. @param given nothing: none is set
 *
 * @throws E_SPEC_SETTING
 */
export function onlyKnown<T extends object>(given: T | undefined, names: Names<T>, at: string): T {
  const options = settingsIn<T>(given, at);
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(names, name))
      throw unknown(name, nearest(name, Object.keys(names)), names, at);
  }
  return options;
}

/**
 * The same of specs, in which OTP ignores names it does not know (SEMANTICS 1.6, 2.4): here one is
 * refused only if it is a slip away from one there is, or belongs somewhere else.
 *
 * @param elsewhere names that other specs have
 * @throws E_SPEC_SETTING
 */
export function noSlips<T extends object>(
  given: T | undefined,
  names: Names<T>,
  at: string,
  elsewhere: object = {},
): T {
  const options = settingsIn<T>(given, at);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    const meant = nearest(name, Object.keys(names), false);
    if (meant !== undefined || Object.hasOwn(elsewhere, name))
      throw unknown(name, meant, names, at);
  }
  return options;
}

function settingsIn<T extends object>(given: T | undefined, at: string): T {
  const options: T | null = given === undefined ? ({} as T) : given;
  if (typeof options === "object" && options !== null && !Array.isArray(options)) return options;
  const fix = "write { name: value, … }";
  throw new ActorError("E_SPEC_SETTING", `${shown(options)} is no settings`, { at, fix });
}

function unknown(name: string, meant: string | undefined, names: object, at: string): ActorError {
  return new ActorError("E_SPEC_SETTING", `there is no setting ${shown(name)}`, {
    at,
    fix: meant ? `did you mean ${meant}?` : `there are ${Object.keys(names).join(", ")}`,
  });
}

/**
 * The word nearest to what was typed, if one is near enough to be meant.
 *
 * @param begins a word of which only the beginning was typed is near
 */
export function nearest(
  typed: string,
  words: readonly string[],
  begins = true,
): string | undefined {
  const text = typed.slice(0, 64).toLowerCase();
  let best: string | undefined;
  let least = Math.max(1, Math.floor(text.length / 3)) + 1;
  for (const word of words) {
    const written = word.toLowerCase();
    // A word that was begun, or only written large, is nearer than any with a letter changed.
    const begun = begins && text.length > 1 && written.startsWith(text);
    const edits = begun ? 0.5 : distance(text, written);
    if (edits >= least) continue;
    best = word;
    least = edits;
  }
  return best;
}

/** Edits from one word to the other: insert, delete, replace, swap neighbours. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) edits = Math.min(edits, before[j - 2]! + 1);
      next.push(edits);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
