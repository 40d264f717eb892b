/**
 * Owns: what is under way between simulated threads, in order per pair of threads; what becomes of
 * it when a thread is lost. Does not own: when something is delivered (world.ts).
 *
 * A lost thread, in order: of what it had sent a random prefix still arrives; after that each other
 * thread is told; when all of them know, an empty thread may take its place. What somebody sends to
 * it before he knows is lost as well.
 */
import { Fifo } from "../kernel/fifo.ts";
import type { Envelope } from "../kernel/ports.ts";

/** Envelopes, and behind the last one of a lost thread the news of its loss. */
export type Parcel = Envelope | { readonly kind: "thread_lost"; readonly thread: number };

/** The links between all pairs of threads. */
export class Links {
  readonly #links: Fifo<Parcel>[][];
  /** Lost threads not replaced yet, each with those who have not been told. */
  readonly #lost = new Map<number, Set<number>>();

  readonly #max: number;
  readonly #crowded = new Set<Fifo<Parcel>>();

  /** @param max how much waits on a link before its senders rest */
  constructor(threads: number, max = Number.POSITIVE_INFINITY) {
    this.#max = max;
    const all = Array.from({ length: threads + 1 });
    this.#links = all.map(() => all.map(() => new Fifo()));
  }

  /** Has this thread been lost and not replaced? */
  isLost(thread: number): boolean {
    return this.#lost.has(thread);
  }

  /** Is something under way on this link that can arrive? */
  waiting(from: number, to: number): boolean {
    const link = this.#links[from]?.[to];
    return link !== undefined && link.size > 0 && !this.#lost.has(to);
  }

  /** How much is under way in all. */
  get size(): number {
    return this.#links.flat().reduce((sum, link) => sum + link.size, 0);
  }

  /** @returns whether there is room for more */
  post(from: number, to: number, envelope: Envelope): boolean {
    if (this.#lost.get(to)?.has(from)) return true;
    const link = this.#links[from]?.[to] as Fifo<Parcel>;
    link.push(copy(envelope));
    if (link.size < this.#max) return true;
    this.#crowded.add(link);
    return false;
  }

  /** Was this link crowded, and is it half empty now? Asking clears it. */
  hasRoomAgain(from: number, to: number): boolean {
    const link = this.#links[from]?.[to] as Fifo<Parcel>;
    return link.size <= this.#max / 2 && this.#crowded.delete(link);
  }

  take(from: number, to: number): Parcel | undefined {
    return this.#links[from]?.[to]?.shift();
  }

  /** Cuts a thread off. */
  lose(thread: number, random: () => number): void {
    for (const waiting of this.#lost.values()) waiting.delete(thread);
    const told = new Set<number>();
    this.#lost.set(thread, told);
    for (const [other, links] of this.#links.entries()) {
      links[thread]?.clear();
      const out = this.#links[thread]?.[other] as Fifo<Parcel>;
      const left = [...out].slice(0, Math.floor(random() * (out.size + 1)));
      out.clear();
      if (this.#lost.has(other)) continue;
      told.add(other);
      for (const parcel of left) out.push(parcel);
      out.push({ kind: "thread_lost", thread });
    }
  }

  /** `by` knows that `thread` is lost. */
  told(thread: number, by: number): void {
    this.#lost.get(thread)?.delete(by);
  }

  /** Lost threads that everybody knows of: from now on they count as replaced. */
  replaceable(): number[] {
    const ready = [...this.#lost.keys()].filter((thread) => this.#lost.get(thread)?.size === 0);
    for (const thread of ready) this.#lost.delete(thread);
    return ready;
  }
}

/** Mail is changed by its receiver (its number in the store); another thread has its own copy. */
function copy(envelope: Envelope): Envelope {
  if (envelope.kind === "mail") return { ...envelope };
  if (envelope.kind !== "move" || envelope.step.do !== "arrive") return envelope;
  const { luggage } = envelope.step;
  const state = structuredClone(luggage.state);
  return { ...envelope, step: { do: "arrive", luggage: { ...luggage, state } } };
}
