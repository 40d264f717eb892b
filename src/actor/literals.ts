/**
 * Owns: which of many texts may be part of a long one, found in one pass over it: by three characters
 * of each. Does not own: where the texts come from (expression.ts), what follows (policy.ts).
 */

interface Entry {
  readonly number: number;
  readonly key: string;
}

const BUCKETS = 4_096;
/** Characters that are looked for. */
const KEY = 3;

const hash = (text: string, at: number) =>
  (text.charCodeAt(at) * 961 + text.charCodeAt(at + 1) * 31 + text.charCodeAt(at + 2)) % BUCKETS;

const keysOf = (text: string) =>
  Array.from({ length: Math.max(text.length - KEY + 1, 0) }, (_, at) => text.slice(at, at + KEY));

/** Texts by number. */
export class Literals {
  readonly #buckets: (Entry[] | undefined)[] = new Array(BUCKETS).fill(undefined);

  /** @param texts of at least three characters */
  constructor(texts: ReadonlyMap<number, string>) {
    const counts = new Map<string, number>();
    for (const text of texts.values())
      for (const key of keysOf(text)) counts.set(key, (counts.get(key) ?? 0) + 1);
    const rarity = (key: string) => counts.get(key) ?? 0;
    for (const [number, text] of texts) {
      const key = keysOf(text).reduce((best, each) => (rarity(each) < rarity(best) ? each : best));
      const bucket = hash(key, 0);
      this.#buckets[bucket] ??= [];
      this.#buckets[bucket].push({ number, key });
    }
  }

  static fits(text: string): boolean {
    return text.length >= KEY;
  }

  /** Adds the numbers of those that may be in a text. None that is in it is left out. */
  find(text: string, found: Set<number>): void {
    for (let at = 0; at + KEY <= text.length; at++) {
      const entries = this.#buckets[hash(text, at)];
      if (entries === undefined) continue;
      for (const { number, key } of entries) if (text.startsWith(key, at)) found.add(number);
    }
  }
}
