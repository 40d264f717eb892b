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
