/**
 * Owns: connections carried over the channel to a guest, many at a time: each way of each has a window,
 * so that who reads slowly holds up nobody else and fills no memory. guest/init.c is the other end.
 * Does not own: frames (frames.ts), what the connections are for (outlet.ts). What a guest says is
 * hostile: what does not fit is a {@link FrameError}.
 *
 * A message is a kind, the number of the stream (u32) and bytes: `o` opens it (guest only, in order from
 * 1), `d` brings data, `a` has taken so many bytes (u32), `e` ends its direction, `c` closes the stream.
 */
import { Duplex } from "node:stream";
import { FrameError } from "./frames.ts";

/** Of one direction of one stream: bytes sent and not taken yet. @unit bytes */
const WINDOW = 65_536;
const STREAMS_MAX = 32;
const HEAD = 5;

type Kind = "d" | "a" | "e" | "c";

class GuestStream extends Duplex {
  readonly #say: (kind: Kind, bytes?: Uint8Array) => void;
  /** What the guest still takes. */
  #credit = WINDOW;
  /** What came and was not acknowledged. */
  #taken = 0;
  #waiting: { readonly bytes: Buffer; readonly done: () => void } | null = null;
  #ended = false;
  #closed = false;

  constructor(say: (kind: Kind, bytes?: Uint8Array) => void) {
    super({ readableHighWaterMark: WINDOW });
    this.#say = say;
  }

  /** @throws FrameError */
  hear(kind: string, bytes: Buffer): void {
    if (kind === "d" && !this.#ended && this.#taken + bytes.length <= WINDOW) {
      this.#taken += bytes.length;
      this.push(Buffer.from(bytes)); // a copy: the frame it lies in may be long
    } else if (kind === "e" && !this.#ended && bytes.length === 0) {
      this.#ended = true;
      this.push(null);
    } else if (kind === "a" && bytes.length === 4) {
      this.#credit += bytes.readUInt32LE();
      if (this.#credit > WINDOW) throw new FrameError("it has taken more than it was sent");
      this.#send();
    } else if (kind === "c" && bytes.length === 0) {
      this.#closed = true;
      // Both ways may have ended well, and what came may not have been read yet.
      if (!this.#ended || !this.writableFinished) this.destroy();
    } else throw new FrameError("a stream that breaks its rules");
  }

  override _read(): void {
    if (this.#taken === 0 || this.#closed) return;
    const taken = Buffer.alloc(4);
    taken.writeUInt32LE(this.#taken);
    this.#taken = 0;
    this.#say("a", taken);
  }

  override _write(bytes: Buffer, _: BufferEncoding, done: () => void): void {
    this.#waiting = { bytes, done };
    this.#send();
  }

  #send(): void {
    if (this.#waiting === null || this.#credit === 0 || this.#closed) return;
    const { bytes, done } = this.#waiting;
    const part = bytes.subarray(0, this.#credit);
    this.#credit -= part.length;
    this.#say("d", part);
    const rest = bytes.subarray(part.length);
    this.#waiting = rest.length === 0 ? null : { bytes: rest, done };
    if (rest.length === 0) done();
  }

  override _final(done: () => void): void {
    if (!this.#closed) this.#say("e");
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#closed && !(this.#ended && this.writableFinished)) {
      this.#closed = true;
      this.#say("c");
    }
    done(error);
  }
}

/** The streams of one guest. */
export class Streams {
  readonly #send: (payload: Uint8Array) => void;
  readonly #opened: (stream: Duplex) => void;
  readonly #streams = new Map<number, GuestStream>();
  #last = 0;

  constructor(send: (payload: Uint8Array) => void, opened: (stream: Duplex) => void) {
    this.#send = send;
    this.#opened = opened;
  }

  /** @throws FrameError */
  hear(payload: Buffer): void {
    if (payload.length < HEAD) throw new FrameError("a message of no stream");
    const kind = payload.toString("latin1", 0, 1);
    const id = payload.readUInt32LE(1);
    if (kind === "o") return this.#open(id, payload.length);
    if (id > this.#last) throw new FrameError("a stream that was not opened");
    const stream = this.#streams.get(id);
    if (kind === "c") this.#streams.delete(id);
    // It may have been closed from here while the guest still spoke.
    stream?.hear(kind, payload.subarray(HEAD));
  }

  #open(id: number, length: number): void {
    if (id !== this.#last + 1 || length !== HEAD || this.#streams.size >= STREAMS_MAX) {
      throw new FrameError("a stream out of order, or too many");
    }
    this.#last = id;
    const stream = new GuestStream((kind, bytes) => this.#say(kind, id, bytes));
    this.#streams.set(id, stream);
    this.#opened(stream);
  }

  #say(kind: Kind, id: number, bytes: Uint8Array = new Uint8Array()): void {
    if (kind === "c") this.#streams.delete(id);
    const message = Buffer.alloc(HEAD + bytes.length);
    message.write(kind, 0, "latin1");
    message.writeUInt32LE(id, 1);
    message.set(bytes, HEAD);
    this.#send(message);
  }
}
