/**
 * Owns: words between nodes over Redis's channels: nudges, calls for a round of leases, envelopes. At
 * most once, in order per destination.
 * Does not own: mail of durable actors, which goes through the store (redis-post.ts).
 */
import { decode, encode } from "./codec.ts";
import type { RedisConnections } from "./redis-connect.ts";
import { keysOf } from "./redis-leases.ts";

/** What a node hears on its channel. */
export type Word =
  | { readonly kind: "nudge"; readonly path: string }
  | { readonly kind: "round" }
  | { readonly kind: "envelope"; readonly bytes: Uint8Array };

/** Of an envelope that somebody here wants answered. */
export interface Question {
  readonly to: string;
  readonly from: string;
  readonly ask: number;
}

/** A node by its name, or whichever holds a partition. */
export type Destination = number | string;

/** Pause before an envelope looks for its partition's holder again. @unit ms */
const PAUSE_MS = 100;

export interface AwayOptions {
  readonly prefix: string;
  readonly node: string;
  /** How long an envelope waits for somebody who listens. @unit ms */
  readonly patienceMs: number;
  /** In a Cluster nobody can count who listens: then what was said is taken as heard. */
  readonly counted: boolean;
  readonly connections: RedisConnections;
  readonly heard: (word: Word) => void;
  /** Where a question is: null = on its way, or nobody heard it in time (`late`). */
  readonly asked: (question: Question, node: string | null, late: boolean) => void;
}

/** A node's mouth and ear. */
export class Away {
  readonly #options: AwayOptions;
  /** Destination → the end of what is under way there. */
  readonly #under = new Map<Destination, Promise<void>>();
  #closed = false;

  constructor(options: AwayOptions) {
    this.#options = options;
  }

  listen(): Promise<void> {
    const { connections, node, heard } = this.#options;
    return connections.listen(this.#channel(node), (bytes) => heard(decode(bytes) as Word));
  }

  /** Once, without waiting. */
  say(node: string, word: Word): void {
    this.#publish(node, word).catch(() => {});
  }

  /** Until somebody listens, or it takes too long. */
  forward(to: Destination, envelope: Uint8Array, question: Question | null): void {
    const word: Word = { kind: "envelope", bytes: envelope };
    const { asked } = this.#options;
    if (question !== null) asked(question, null, false);
    const before = this.#under.get(to) ?? Promise.resolve();
    const sent = before.then(async () => {
      const node = await this.#deliver(to, word);
      if (question !== null) asked(question, node, node === null);
    });
    this.#under.set(to, sent);
    void sent.then(() => {
      if (this.#under.get(to) === sent) this.#under.delete(to);
    });
  }

  close(): void {
    this.#closed = true;
  }

  /** @returns the node that has it, as far as anybody knows */
  async #deliver(to: Destination, word: Word): Promise<string | null> {
    const { node, patienceMs, counted, heard } = this.#options;
    const until = performance.now() + patienceMs;
    while (!this.#closed && performance.now() < until) {
      try {
        const holder = typeof to === "string" ? to : await this.#holderOf(to);
        if (holder === node) heard(word);
        if (holder === node) return node;
        if (holder !== null && ((await this.#publish(holder, word)) > 0 || !counted)) return holder;
        // A node that was asked for by its name and is not there will not come back.
        if (holder !== null && typeof to === "string") return null;
      } catch {
        // Redis does not answer: perhaps it does soon.
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return null;
  }

  #holderOf(partition: number): Promise<string | null> {
    const { connections, prefix } = this.#options;
    return connections.client.get(keysOf(prefix, partition).lease);
  }

  #publish(node: string, word: Word): Promise<number> {
    return this.#options.connections.client.publish(this.#channel(node), Buffer.from(encode(word)));
  }

  #channel(node: string): string {
    return `{${this.#options.prefix}}:to:${node}`;
  }
}
