/**
 * Owns: things that come and go in great numbers, found by a number that only grows. A Map makes its
 * table anew after every few that have come and gone; here a thing has a fixed place, by the last
 * digits of its number, and the Map is for those whose place is taken.
 */

/** Places, a power of two; more things than that at a time are found a little more slowly. */
const PLACES = 256;
/** Its bits: `&` also does for numbers that are no small integers. */
const DIGITS = PLACES - 1;

/** Things by their `id`, which must not change meanwhile. */
export class Numbered<T extends { readonly id: number }> {
  private readonly places: (T | null)[] = Array.from({ length: PLACES }, () => null);
  private readonly others = new Map<number, T>();
  size = 0;

  /** Its number must not be here yet. */
  add(thing: T): void {
    const place = thing.id & DIGITS;
    if (this.places[place] === null) this.places[place] = thing;
    else this.others.set(thing.id, thing);
    this.size++;
  }

  get(id: number): T | undefined {
    const thing = this.places[id & DIGITS];
    if (thing?.id === id) return thing;
    return this.others.size === 0 ? undefined : this.others.get(id);
  }

  /** It must be here. */
  delete(thing: T): void {
    const place = thing.id & DIGITS;
    if (this.places[place] === thing) this.places[place] = null;
    else this.others.delete(thing.id);
    this.size--;
  }

  /** Those here now, in the order of their numbers. */
  list(): T[] {
    const placed = this.places.filter((each) => each !== null);
    return [...placed, ...this.others.values()].sort((a, b) => a.id - b.id);
  }
}
