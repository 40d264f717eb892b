/**
 * Owns: what happened in a simulation: the newest facts, and a rolling hash over all of them.
 * Invariant: K14 same seed, same hash.
 */
import type { KernelEvent } from "../kernel/events.ts";
import { hash } from "./random.ts";

/** Most facts kept; the hash is over all. @unit facts */
export const EVENTS_MAX = 100_000;

/** A stack names files and lines: not part of what happened. */
const withoutStack = (key: string, value: unknown) => (key === "stack" ? undefined : value);

function textOf(event: KernelEvent): string {
  try {
    return JSON.stringify(event, withoutStack);
  } catch {
    // A log line may hold what JSON cannot.
    return `${event.atMs} ${event.thread} ${event.type}`;
  }
}

/** The facts of one simulation, over all its lives. */
export class Record {
  readonly events: KernelEvent[] = [];
  #hash = hash("");

  add(event: KernelEvent): void {
    this.#hash = hash(textOf(event), this.#hash);
    this.events.push(event);
    // Dropped in large pieces, so that one more costs nothing.
    if (this.events.length >= 2 * EVENTS_MAX) this.events.splice(0, EVENTS_MAX);
  }

  get hash(): string {
    return this.#hash.toString(16).padStart(8, "0");
  }
}
