/**
 * Owns: a first-in first-out queue that stays fast and small at any length: a list of chunks, so
 * that neither growing nor taking from the front ever copies what is waiting.
 * Does not own: bounds and lanes (mailbox.ts).
 */

const CHUNK = 64;

interface Chunk<T> {
  readonly slots: (T | undefined)[];
  next: Chunk<T> | null;
}

const chunkOf = <T>(): Chunk<T> => ({ slots: [], next: null });

/** A queue. An empty one holds a single empty chunk. */
export class Fifo<T> {
  #first: Chunk<T> = chunkOf();
  #last: Chunk<T> = this.#first;
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The oldest item, without taking it. */
  get first(): T | undefined {
    return this.#first.slots[this.#head];
  }

  push(item: T): void {
    if (this.#last.slots.length === CHUNK) {
      const chunk = chunkOf<T>();
      this.#last.next = chunk;
      this.#last = chunk;
    }
    this.#last.slots.push(item);
    this.#size++;
  }

  /** The oldest item, or undefined when empty. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const { slots } = this.#first;
    const item = slots[this.#head];
    slots[this.#head++] = undefined;
    this.#size--;
    if (this.#head === slots.length) this.#rewind();
    return item;
  }

  /** Puts an item before all others. Rare: it may copy one chunk. */
  unshift(item: T): void {
    if (this.#head > 0) {
      this.#first.slots[--this.#head] = item;
    } else {
      const chunk: Chunk<T> = { slots: [item], next: this.#first };
      // A short first chunk is fine: shift() leaves a chunk when it has read it all.
      this.#first = chunk;
    }
    this.#size++;
  }

  /** Oldest first, without taking. */
  *[Symbol.iterator](): Generator<T> {
    let from = this.#head;
    for (let chunk: Chunk<T> | null = this.#first; chunk !== null; chunk = chunk.next) {
      for (let i = from; i < chunk.slots.length; i++) yield chunk.slots[i] as T;
      from = 0;
    }
  }

  clear(): void {
    this.#first = this.#last = chunkOf();
    this.#head = this.#size = 0;
  }

  #rewind(): void {
    this.#head = 0;
    if (this.#first.next === null) this.#first.slots.length = 0;
    else this.#first = this.#first.next;
  }
}
