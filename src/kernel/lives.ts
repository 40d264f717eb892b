/**
 * Owns: values by the number of their life, in half the memory of a Map, as there may be a million:
 * a value knows its number, so that a table of values is enough.
 * Does not own: giving out numbers (kernel.ts).
 */

interface Living {
  /** Of a life: above 0. It does not change as long as the value is in here. */
  readonly life: number;
}

const MIN = 8;

/**
 * Numbers follow one another: where they were left as they are, whoever came back later would have to
 * pass all those who stayed. (The bits that were multiplied most are the high ones.)
 */
function scattered(life: number): number {
  const product = Math.imul(life, 0x9e3779b1);
  return product ^ (product >>> 15);
}

/** Those who live. */
export class Lives<T extends Living> {
  /** Open addressing, linear; as many places as a power of two, a quarter of them free at least. */
  #places: (T | null)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(life: number): T | undefined {
    return this.#places[this.#placeOf(life)] ?? undefined;
  }

  add(value: T): void {
    if ((this.#size + 1) * 4 > this.#places.length * 3) this.#resize(this.#places.length * 2);
    const at = this.#placeOf(value.life);
    if (this.#places[at] === null) this.#size++;
    this.#places[at] = value;
  }

  delete(life: number): void {
    const places = this.#places;
    let free = this.#placeOf(life);
    if ((places[free] ?? null) === null) return;
    places[free] = null;
    this.#size--;
    // Whoever had to give way to it, or to one who did, comes nearer.
    const mask = places.length - 1;
    for (let at = (free + 1) & mask; ; at = (at + 1) & mask) {
      const value = places[at] as T | null;
      if (value === null) break;
      if (((at - scattered(value.life)) & mask) < ((at - free) & mask)) continue;
      places[free] = value;
      places[at] = null;
      free = at;
    }
    if (places.length > MIN && this.#size * 8 < places.length) this.#resize(places.length / 2);
  }

  /** In the order of their lives. */
  values(): T[] {
    const all = this.#places.filter((each) => each !== null);
    return all.sort((a, b) => a.life - b.life);
  }

  /** Where a life is, or would be. */
  #placeOf(life: number): number {
    const places = this.#places;
    const mask = places.length - 1;
    let at = scattered(life) & mask;
    for (let value = places[at]; value && value.life !== life; value = places[at]) {
      at = (at + 1) & mask;
    }
    return at;
  }

  #resize(length: number): void {
    const all = this.#places;
    this.#places = new Array<T | null>(Math.max(length, MIN)).fill(null);
    for (const each of all) if (each !== null) this.#places[this.#placeOf(each.life)] = each;
  }
}
