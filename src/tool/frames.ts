/**
 * Owns: the frames between the host and a guest: length (u32), type (one byte), checksum (CRC-32 of
 * type and payload), payload. Pure. guest/init.c is the other end.
 * Does not own: when a frame is due (vm.ts). What comes from a guest is hostile: every odd byte is a
 * {@link FrameError}, after which nothing of that guest is read any more.
 */
import { crc32 } from "node:zlib";

/** Longest payload. @unit bytes */
export const FRAME_MAX = 1_048_576;
const HEAD = 9;

/** Host → guest: seed, scratch, file, more of it, run, stdin, its last part, warm up, ping, network. */
export type ToGuest = "S" | "D" | "F" | "f" | "R" | "I" | "i" | "W" | "P" | "n";

/**
 * Guest → host: ready, warmed, pong, stdout, stderr, witnessed, no space for a file, stdin taken, network,
 * exit.
 */
const FROM_GUEST = "YwpOELNinX";

/** What a guest said, as it said it. */
export interface Frame {
  readonly type: string;
  readonly payload: Buffer;
}

/** The guest does not keep to the protocol. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

export function encodeFrame(type: ToGuest, payload: Uint8Array = new Uint8Array()): Buffer {
  const frame = Buffer.allocUnsafe(HEAD + payload.length);
  frame.writeUInt32LE(payload.length, 0);
  frame.write(type, 4, "latin1");
  frame.set(payload, HEAD);
  frame.writeUInt32LE(crc32(payload, crc32(type)), 5);
  return frame;
}

/** Takes bytes as they come, gives whole frames. Holds at most one frame and one chunk. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #length = 0;

  /** @throws FrameError; the reader is of no use afterwards */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const frames: Frame[] = [];
    for (let need = this.#need(); this.#length >= need; need = this.#need()) {
      frames.push(this.#take(need));
    }
    return frames;
  }

  /** Bytes of the frame at hand, as far as its head is there. */
  #need(): number {
    if (this.#length < HEAD) return HEAD;
    const head = this.#joined();
    const length = head.readUInt32LE(0);
    if (length > FRAME_MAX) throw new FrameError(`a frame of ${length} bytes`);
    const type = head.toString("latin1", 4, 5);
    if (!FROM_GUEST.includes(type)) throw new FrameError(`a frame of type ${JSON.stringify(type)}`);
    return HEAD + length;
  }

  /** Joins what lies in the way of reading a head; a long frame is joined once, when complete. */
  #joined(): Buffer {
    const first = this.#chunks[0];
    if (first !== undefined && first.length >= HEAD) return first;
    return this.#join();
  }

  #join(): Buffer {
    const all =
      this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  #take(length: number): Frame {
    const all = this.#join();
    const payload = all.subarray(HEAD, length);
    const type = all.toString("latin1", 4, 5);
    if (crc32(payload, crc32(type)) !== all.readUInt32LE(5))
      throw new FrameError("a wrong checksum");
    this.#length -= length;
    this.#chunks = this.#length === 0 ? [] : [all.subarray(length)];
    return { type, payload };
  }
}

/** How the command ended, as the guest's first process tells it. */
export interface GuestExit {
  readonly code: number | null;
  readonly signal: number;
  /** Processes that the kernel ended for want of memory. */
  readonly oom: number;
  /** Times a process could not be started because there were too many. */
  readonly full: number;
  readonly memoryBytes: number;
}

/** @throws FrameError */
export function decodeExit(payload: Buffer): GuestExit {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString("latin1"));
  } catch {
    throw new FrameError("an exit that cannot be read");
  }
  const number = (key: string) => {
    const found = (value as Record<string, unknown> | null)?.[key];
    if (typeof found === "number" && Number.isSafeInteger(found) && found >= -1) return found;
    throw new FrameError(`an exit without ${key}`);
  };
  const signal = number("signal");
  const code = number("code");
  if (code > 255 || signal > 64 || code < 0 !== signal > 0)
    throw new FrameError("an impossible exit");
  return {
    code: code < 0 ? null : code,
    signal,
    oom: number("oom"),
    full: number("full"),
    memoryBytes: number("peak"),
  };
}
