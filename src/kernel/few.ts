/**
 * Owns: sets and maps that mostly hold nothing or one thing, and of which there are many: they have no
 * table before it is needed. Does not own: what is in them.
 */

const NONE: ReadonlySet<never> = new Set<never>();

/** A set. In the order of putting in, as a Set. */
export class Few<T extends number | string | object> {
  private only: T | null = null;
  private all: Set<T> | null = null;

  get size(): number {
    if (this.all !== null) return this.all.size;
    return this.only === null ? 0 : 1;
  }

  has(thing: T): boolean {
    return this.all === null ? this.only === thing : this.all.has(thing);
  }

  add(thing: T): void {
    if (this.all !== null) this.all.add(thing);
    else if (this.only === null) this.only = thing;
    else if (this.only !== thing) this.all = new Set([this.only, thing]);
  }

  /** @returns whether it was in here */
  delete(thing: T): boolean {
    if (this.all !== null) return this.all.delete(thing);
    if (this.only !== thing) return false;
    this.only = null;
    return true;
  }

  clear(): void {
    this.only = this.all = null;
  }

  [Symbol.iterator](): IterableIterator<T> {
    if (this.only === null) return (this.all ?? NONE).values();
    return (this.all ?? new Set([this.only])).values();
  }
}

const NO_PAIRS: ReadonlyMap<never, never> = new Map<never, never>();

/** A map. In the order of putting in, as a Map. */
export class FewBy<K, V> {
  private all: Map<K, V> | null = null;

  get size(): number {
    return this.all === null ? 0 : this.all.size;
  }

  get(key: K): V | undefined {
    return this.all === null ? undefined : this.all.get(key);
  }

  has(key: K): boolean {
    return this.all?.has(key) === true;
  }

  set(key: K, value: V): void {
    this.all ??= new Map();
    this.all.set(key, value);
  }

  /** @returns whether it was in here */
  delete(key: K): boolean {
    return this.all?.delete(key) === true;
  }

  clear(): void {
    this.all = null;
  }

  keys(): IterableIterator<K> {
    return (this.all ?? NO_PAIRS).keys();
  }

  values(): IterableIterator<V> {
    return (this.all ?? NO_PAIRS).values();
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return (this.all ?? NO_PAIRS).entries();
  }
}
