/**
 * Owns the audit's chaos: from a seed, which auditors are killed and when a thread is lost. It
 * knows nothing of what they do, and the report must not show it.
 */
import type { System } from "coppice";

/** A small seeded generator (mulberry32) over the hash of any text. */
function generator(seed: string): () => number {
  let state = 0;
  for (const char of seed) state = (Math.imul(state, 31) + char.charCodeAt(0)) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** Share of the work after which the thread is lost. */
const LOSE_AT = 0.3;

export class Chaos {
  readonly #system: System;
  readonly #random: () => number;
  readonly #threads: number;
  #lost = false;

  constructor(system: System, seed: string, threads: number) {
    this.#system = system;
    this.#random = generator(seed);
    this.#threads = threads;
  }

  /** One stroke: kills one to three of the auditors, and once, on the way, a thread. */
  async strike(auditors: readonly string[], share: number): Promise<void> {
    const kills = 1 + Math.floor(this.#random() * 3);
    for (let i = 0; i < kills; i++) {
      const path = auditors[Math.floor(this.#random() * auditors.length)];
      // It may just have been killed, or be between two lives: then there is nothing to kill.
      if (path !== undefined) await this.#system.inspect.act("kill", path).catch(() => {});
    }
    if (this.#lost || share < LOSE_AT) return;
    this.#lost = true;
    await this.#system.crashThread(1 + Math.floor(this.#random() * this.#threads));
  }
}
