/**
 * Owns: lines to the other threads: batches of envelopes over MessagePorts, in order per pair of
 * threads and numbered, so that loss or reordering is an error and no mystery; how much may be under
 * way; counters in shared memory of what was posted, for who looks out for it (lookout.ts).
 * Does not own: what a batch looks like (batch.ts), which threads there are (node.ts), what
 * resting senders do (kernel/resting.ts).
 */
import type { MessagePort } from "node:worker_threads";
import { assert } from "../actor/errors.ts";
import type { Envelope, Mail, Transport } from "../kernel/ports.ts";
import { type Parcel, packBatch, unpackBatch } from "./batch.ts";
import type { Names } from "./wire.ts";

/** Envelopes a batch holds; a full one leaves at once. */
const BATCH = 1_024;
/** Envelopes under way on one line, sent and not confirmed. */
const WINDOW = 4 * BATCH;
/** Envelopes received that are confirmed together. */
const CONFIRM = BATCH;
/**
 * Envelopes received that are confirmed in one turn of the event loop: what is confirmed is followed by
 * more, and Node takes a thousand messages from a port before it looks at another, as that of the store.
 */
const TURN = 4 * WINDOW;
/** Envelopes that wait on a line before its senders rest. */
const CROWDED = 2 * BATCH;
/** Mail that waits on a line at most; more is refused: whoever sends from outside cannot rest. */
const WAITING_MAX = 1_000_000;

/** What a transport needs of its host. */
export interface TransportHost {
  readonly names: Names;
  deliver(envelope: Envelope): void;
  /** A batch is about to be delivered. */
  before(): void;
  /** It has been. */
  after(): void;
  /** There is something to flush. */
  wake(): void;
  /** A post leaves, or has arrived: answers may follow soon. */
  stir(): void;
  /** A line that was crowded has room again. */
  room(thread: number): void;
  /** This envelope cannot travel: it holds what is no data, or names what the app does not know. */
  refuse(envelope: Envelope, error: unknown): void;
  /** Too much waits already. */
  overflow(mail: Mail): void;
}

/** One end of a line, as it is given to a thread. The port travels, the rest is shared. */
export interface LineEnd {
  readonly port: MessagePort;
  /** Counts what the other side has posted; what this one has: each is written after the post. */
  readonly theirs: Int32Array;
  readonly ours: Int32Array;
}

/** One line: this thread's end of it. */
class Line {
  /** Null until the thread is there. */
  readonly end: LineEnd | null;
  readonly port: MessagePort | null;
  /** Posts of the other side that have arrived: in the sense of {@link LineEnd}, modulo 2^32. */
  taken = 0;
  /** Batches that wait, the last one still growing. */
  readonly batches: Envelope[][];
  waiting: number;
  crowded: boolean;
  sending = false;
  /** Numbers of batches. */
  sent = 0;
  received = 0;
  /** Envelopes sent and not confirmed; received and not confirmed. */
  open = 0;
  unconfirmed = 0;
  /** Envelopes confirmed in this turn of the event loop. */
  confirmed = 0;

  /** @param old what has waited for the thread goes on waiting here */
  constructor(end: LineEnd | null, old?: Line) {
    this.end = end;
    this.port = end?.port ?? null;
    this.batches = old?.batches ?? [[]];
    this.waiting = old?.waiting ?? 0;
    this.crowded = old?.crowded ?? false;
  }

  post(message: Parcel | number, transfer: readonly ArrayBuffer[] = []): void {
    this.port?.postMessage(message, transfer);
    if (this.end !== null) Atomics.add(this.end.ours, 0, 1);
  }

  confirm(): void {
    this.post(this.unconfirmed);
    this.unconfirmed = 0;
  }

  /** Has something been posted that has not been taken? */
  get awaited(): boolean {
    return this.end !== null && ((Atomics.load(this.end.theirs, 0) - this.taken) | 0) > 0;
  }
}

/** Lines to all other threads. */
export class PortTransport implements Transport {
  readonly #lines = new Map<number, Line>();
  /** The same, for a quick look at all of them. */
  #ends: Line[] = [];
  readonly #host: TransportHost;

  constructor(host: TransportHost) {
    this.#host = host;
  }

  /** A thread is there, or there again: what was waiting for it goes out. */
  connect(thread: number, end: LineEnd): void {
    const waited = this.#lines.get(thread);
    waited?.port?.close();
    const line = new Line(end, waited);
    this.#lines.set(thread, line);
    this.#ends = [...this.#lines.values()];
    end.port.on("message", (message: Parcel | number) => {
      line.taken++;
      if (typeof message === "number") this.#confirmed(thread, line, message);
      else this.#receive(thread, line, message);
    });
    this.#host.wake();
  }

  /** A thread is gone, with what was under way to it; from now on mail waits for its successor. */
  disconnect(thread: number): void {
    this.#lines.get(thread)?.port?.close();
    this.#lines.delete(thread);
    this.#ends = [...this.#lines.values()];
  }

  /** Has any other thread posted what has not been taken here? */
  readonly awaited = (): boolean => {
    for (const line of this.#ends) if (line.awaited) return true;
    return false;
  };

  send(thread: number, envelope: Envelope): boolean {
    const line = this.#lineTo(thread);
    if (line.waiting >= WAITING_MAX && envelope.kind === "mail") {
      this.#host.overflow(envelope);
      return false;
    }
    const batch = line.batches[line.batches.length - 1] as Envelope[];
    line.waiting++;
    if (batch.push(envelope) >= BATCH) {
      line.batches.push([]);
      this.#send(line);
    }
    this.#host.wake();
    if (line.waiting < CROWDED) return true;
    line.crowded = true;
    return false;
  }

  /** Sends what has collected. */
  flush(): void {
    for (const [thread, line] of this.#lines) this.#flush(thread, line);
  }

  close(): void {
    for (const { port } of this.#lines.values()) port?.close();
    this.#lines.clear();
  }

  #lineTo(thread: number): Line {
    const line = this.#lines.get(thread) ?? new Line(null);
    if (!this.#lines.has(thread)) this.#lines.set(thread, line);
    return line;
  }

  #flush(thread: number, line: Line): void {
    if (line.waiting > 0) this.#send(line);
    if (!line.crowded || line.waiting > CROWDED / 2) return;
    line.crowded = false;
    this.#host.room(thread);
  }

  /** Sends as much as may be under way. */
  #send(line: Line): void {
    // A refusal may send something itself: it must not overtake the rest of its batch.
    if (line.sending) return;
    line.sending = true;
    while (line.end !== null && line.waiting > 0 && line.open < WINDOW) {
      const batch = line.batches.shift() as Envelope[];
      if (line.batches.length === 0) line.batches.push([]);
      line.waiting -= batch.length;
      this.#post(line, batch);
    }
    line.sending = false;
  }

  #post(line: Line, batch: readonly Envelope[]): void {
    let parcel: Parcel;
    try {
      parcel = packBatch(line.sent + 1, batch, this.#host.names);
    } catch (error) {
      // What cannot travel spoils itself only.
      if (batch.length > 1) for (const each of batch) this.#post(line, [each]);
      else this.#host.refuse(batch[0] as Envelope, error);
      return;
    }
    this.#host.stir();
    line.sent++;
    line.open += batch.length;
    line.post(parcel, Array.isArray(parcel) ? [] : [parcel.buffer as ArrayBuffer]);
  }

  #receive(from: number, line: Line, parcel: Parcel): void {
    this.#host.stir();
    this.#host.before();
    let count = 0;
    const number = unpackBatch(parcel, this.#host.names, (envelope) => {
      count++;
      this.#host.deliver(envelope);
    });
    assert(number === ++line.received, "K7", `batch ${number} from ${from}`);
    line.unconfirmed += count;
    if (line.unconfirmed >= CONFIRM) this.#confirm(line);
    this.#host.after();
  }

  /** At once, so that the other side need not wait; but not without an end, see {@link TURN}. */
  #confirm(line: Line): void {
    if (line.confirmed === 0) {
      setImmediate(() => {
        line.confirmed = 0;
        if (line.unconfirmed >= CONFIRM) line.confirm();
      });
    }
    if (line.confirmed >= TURN) return;
    line.confirmed += line.unconfirmed;
    line.confirm();
  }

  #confirmed(thread: number, line: Line, count: number): void {
    line.open -= count;
    this.#flush(thread, line);
  }
}
