/**
 * Owns: batches of envelopes between threads over MessagePorts, in order per pair of threads; each
 * batch carries a number, so that loss or reordering is an error and no mystery.
 * Does not own: bytes (wire.ts), which threads there are (node.ts).
 */
import type { MessagePort } from "node:worker_threads";
import { assert } from "../actor/errors.ts";
import { failed, replyTo } from "../kernel/answers.ts";
import type { Envelope, Transport } from "../kernel/ports.ts";
import { type Names, packBatch, unpackBatch } from "./wire.ts";

interface Peer {
  readonly port: MessagePort;
  sent: number;
  received: number;
}

interface Batch {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** Ports to all other threads. */
export class PortTransport implements Transport {
  readonly #peers = new Map<number, Peer>();
  readonly #out = new Map<number, Envelope[]>();
  readonly #names: Names;
  readonly #deliver: (envelope: Envelope) => void;
  readonly #after: () => void;
  readonly #wake: () => void;

  /**
   * @param deliver called with each envelope that arrives
   * @param after called when a batch has been delivered
   * @param wake called when there is something to flush
   */
  constructor(
    names: Names,
    deliver: (envelope: Envelope) => void,
    after: () => void,
    wake: () => void,
  ) {
    this.#names = names;
    this.#deliver = deliver;
    this.#after = after;
    this.#wake = wake;
  }

  /** A thread is there, or there again: what was waiting for it goes out. */
  connect(thread: number, port: MessagePort): void {
    this.#peers.get(thread)?.port.close();
    const peer: Peer = { port, sent: 0, received: 0 };
    this.#peers.set(thread, peer);
    port.on("message", (batch: Batch) => {
      assert(batch.number === ++peer.received, "K7", `batch ${batch.number} from ${thread}`);
      for (const envelope of unpackBatch(batch.bytes, this.#names)) this.#deliver(envelope);
      this.#after();
    });
    this.#wake();
  }

  /** A thread is gone; mail for it waits for its successor. */
  disconnect(thread: number): void {
    this.#peers.get(thread)?.port.close();
    this.#peers.delete(thread);
    this.#out.delete(thread);
  }

  send(thread: number, envelope: Envelope): void {
    const out = this.#out.get(thread);
    if (out === undefined) this.#out.set(thread, [envelope]);
    else out.push(envelope);
    this.#wake();
  }

  /** Sends what has collected: one batch a thread. */
  flush(): void {
    for (const [thread, batch] of this.#out) {
      const peer = this.#peers.get(thread);
      if (peer === undefined || batch.length === 0) continue;
      this.#out.set(thread, []);
      this.#post(peer, batch);
    }
  }

  close(): void {
    for (const { port } of this.#peers.values()) port.close();
    this.#peers.clear();
  }

  #post(peer: Peer, batch: readonly Envelope[]): void {
    let bytes: Uint8Array;
    try {
      bytes = packBatch(batch);
    } catch (error) {
      return this.#postOneByOne(peer, batch, error);
    }
    peer.port.postMessage({ number: ++peer.sent, bytes }, [bytes.buffer as ArrayBuffer]);
  }

  /** A value that is no data spoils its own message only. */
  #postOneByOne(peer: Peer, batch: readonly Envelope[], error: unknown): void {
    if (batch.length > 1) {
      for (const each of batch) this.#post(peer, [each]);
      return;
    }
    const [envelope] = batch;
    const why = error instanceof Error ? error.message : String(error);
    const refusal = { ...failed("E_MESSAGE_SCHEMA", envelope?.to ?? ""), message: why };
    if (envelope?.kind === "reply") {
      this.#post(peer, [{ ...envelope, answer: refusal }]);
    } else if (envelope?.kind === "mail" && envelope.ask !== 0) {
      this.#deliver(replyTo(envelope, refusal));
    } else {
      throw error;
    }
  }
}
