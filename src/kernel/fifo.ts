/**
 * Owns: a first-in first-out queue that stays fast and small at any length: a list of chunks, so
 * that neither growing nor taking from the front ever copies what is waiting.
 * Does not own: bounds and lanes (mailbox.ts).
 */

const CHUNK = 64;

class Chunk<T> {
  readonly slots: (T | undefined)[] = [];
  next: Chunk<T> | null = null;
}

/** A queue. An empty one holds a single chunk, which is used over and over. */
export class Fifo<T> {
  private front = new Chunk<T>();
  private back: Chunk<T> = this.front;
  /** Where the oldest item is in the first chunk, and where the next one goes in the last. */
  private head = 0;
  private tail = 0;
  private count = 0;
  /** A chunk that has been read, to be used again. */
  private spare: Chunk<T> | null = null;

  get size(): number {
    return this.count;
  }

  /** The oldest item, without taking it. */
  get first(): T | undefined {
    return this.count === 0 ? undefined : this.front.slots[this.head];
  }

  push(item: T): void {
    if (this.tail === CHUNK) this.grow();
    this.back.slots[this.tail++] = item;
    this.count++;
  }

  private grow(): void {
    const chunk = this.spare ?? new Chunk<T>();
    this.spare = null;
    this.back.next = chunk;
    this.back = chunk;
    this.tail = 0;
  }

  /** The oldest item, or undefined when empty. */
  shift(): T | undefined {
    if (this.count === 0) return undefined;
    const { slots } = this.front;
    const item = slots[this.head];
    slots[this.head++] = undefined;
    this.count--;
    if (this.head === this.tail || this.head === CHUNK) this.turnOver();
    return item;
  }

  /** The first chunk may have been read: on to the next one, or from its beginning again. */
  private turnOver(): void {
    if (this.count === 0) this.head = this.tail = 0;
    else if (this.head === CHUNK) {
      const read = this.front;
      this.front = read.next as Chunk<T>;
      // Without its follower: an old chunk would else keep all younger ones from the collector.
      read.next = null;
      this.spare = read;
      this.head = 0;
    }
  }

  /** Oldest first, without taking. */
  *[Symbol.iterator](): Generator<T> {
    let from = this.head;
    let left = this.count;
    for (let chunk: Chunk<T> | null = this.front; chunk !== null; chunk = chunk.next) {
      for (let i = from; i < chunk.slots.length && left > 0; i++, left--) yield chunk.slots[i] as T;
      from = 0;
    }
  }

  clear(): void {
    this.front = this.back = new Chunk<T>();
    this.head = this.tail = this.count = 0;
  }
}
