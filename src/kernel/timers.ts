/**
 * Owns: what is due when: a heap ordered by (due, order of setting), so that equal times fire in
 * the order they were set. Does not own: what firing means.
 */

/** One timer. `fire` is called once, unless `cancelled` first. */
export interface TimerEntry {
  readonly dueMs: number;
  readonly seq: number;
  readonly fire: () => void;
  cancelled: boolean;
}

const before = (a: TimerEntry, b: TimerEntry) =>
  a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.seq < b.seq);

/** The timers of a kernel. */
export class Timers {
  readonly #heap: TimerEntry[] = [];
  #seq = 0;
  #cancelled = 0;

  /** Live timers. */
  get size(): number {
    return this.#heap.length - this.#cancelled;
  }

  add(dueMs: number, fire: () => void): TimerEntry {
    const entry: TimerEntry = { dueMs, seq: ++this.#seq, fire, cancelled: false };
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent] as TimerEntry)) break;
      heap[at] = heap[parent] as TimerEntry;
      at = parent;
    }
    heap[at] = entry;
    return entry;
  }

  /** @returns false when it has fired or was cancelled before */
  cancel(entry: TimerEntry): boolean {
    if (entry.cancelled) return false;
    entry.cancelled = true;
    this.#cancelled++;
    // Cancelled timers leave when they come up, or all at once when they are the majority.
    if (this.#cancelled > 64 && this.#cancelled * 2 > this.#heap.length) this.#compact();
    return true;
  }

  /** When the next timer is due, or null. */
  next(): number | null {
    this.#dropCancelled();
    return this.#heap[0]?.dueMs ?? null;
  }

  /** Fires all that are due, in order. @returns how many */
  fireDue(nowMs: number): number {
    let fired = 0;
    for (;;) {
      this.#dropCancelled();
      const first = this.#heap[0];
      if (first === undefined || first.dueMs > nowMs) return fired;
      this.#pop();
      first.cancelled = true;
      fired++;
      first.fire();
    }
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.cancelled) {
      this.#pop();
      this.#cancelled--;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as TimerEntry;
    if (heap.length > 0) this.#sink(0, last);
  }

  #sink(from: number, entry: TimerEntry): void {
    const heap = this.#heap;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && before(right, heap[child] as TimerEntry)) child++;
      if (!before(heap[child] as TimerEntry, entry)) break;
      heap[at] = heap[child] as TimerEntry;
      at = child;
    }
    heap[at] = entry;
  }

  #compact(): void {
    const live = this.#heap
      .filter((each) => !each.cancelled)
      .sort((a, b) => (before(a, b) ? -1 : 1));
    this.#heap.length = 0;
    for (const each of live) this.#heap.push(each);
    this.#cancelled = 0;
  }
}
