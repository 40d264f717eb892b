/**
 * Owns: a connection to a granted host, whose bytes are counted as they pass, and which is closed when
 * nothing has passed for long. Does not own: whether it may be (reach.ts), what is done with it (outlet.ts).
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** @returns whether there may be so many more */
export type Count = (way: "bytesIn" | "bytesOut", bytes: number) => boolean;

export class Metered extends Duplex {
  readonly #socket: Socket;
  readonly #count: Count;

  /** @param idleMs after which it is closed */
  constructor(socket: Socket, idleMs: number, count: Count) {
    super();
    this.#socket = socket;
    this.#count = count;
    socket.setTimeout(idleMs, () => this.destroy(new Error("nothing has passed for too long")));
    socket.on("data", (bytes: Buffer) => {
      if (!count("bytesIn", bytes.length)) this.destroy();
      else if (!this.push(bytes)) socket.pause();
    });
    let ended = false;
    socket.on("end", () => {
      ended = true;
      this.push(null);
    });
    socket.on("error", (error) => this.destroy(error));
    // What it has said to its end may still be read.
    socket.on("close", () => ended || this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(bytes: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#count("bytesOut", bytes.length)) this.#socket.write(bytes, done);
    else this.destroy();
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
