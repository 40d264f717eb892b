/**
 * Owns: a file that only grows: lines are written in order and in groups, and whoever waits is told
 * when theirs is on disk. Does not own: what the lines say (audit.ts, ledger-file.ts).
 */
import { closeSync, constants, fdatasync, fstatSync, mkdirSync, openSync, write } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";

const writeTo = promisify(write);
const sync = promisify(fdatasync);

/** Lines on their way to disk at most; more are refused, with an error. @unit bytes */
const BACKLOG_MAX = 64 * 1_048_576;

interface Waiting {
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** A growing file. */
export class AppendFile {
  readonly path: string;
  readonly #fd: number;
  #lines: string[] = [];
  #waiting: Waiting[] = [];
  #backlog = 0;
  #running: Promise<void> | null = null;
  #failure: unknown = null;
  /** With what is under way. @unit bytes */
  size: number;

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Never through a link: the folder may hold one that was put there.
    const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW } = constants;
    this.#fd = openSync(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW, 0o600);
    this.size = fstatSync(this.#fd).size;
  }

  /** Puts a line behind the others. @returns when it is on disk. @throws (rejects) what the disk says */
  append(line: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {});
    const bytes = Buffer.byteLength(line) + 1;
    if (this.#failure !== null || this.#backlog + bytes > BACKLOG_MAX) {
      reject(this.#failure ?? new Error(`${this.path}: the disk does not keep up`));
      return promise;
    }
    this.size += bytes;
    this.#backlog += bytes;
    this.#lines.push(line);
    this.#waiting.push({ done: resolve, failed: reject });
    this.#running ??= this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    // What comes in the same turn goes out together.
    await null;
    while (this.#lines.length > 0) {
      const text = `${this.#lines.join("\n")}\n`;
      const waiting = this.#waiting;
      this.#lines = [];
      this.#waiting = [];
      try {
        if (this.#failure !== null) throw this.#failure;
        const bytes = Buffer.from(text);
        for (let at = 0; at < bytes.length; ) {
          at += (await writeTo(this.#fd, bytes, at)).bytesWritten;
        }
        await sync(this.#fd);
        this.#backlog -= bytes.length;
        for (const { done } of waiting) done();
      } catch (error) {
        // A file with a hole is worse than one that ends: nothing is written after a failure.
        this.#failure = error;
        for (const { failed } of waiting) failed(error);
      }
    }
    this.#running = null;
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    await this.#running;
    closeSync(this.#fd);
  }
}
