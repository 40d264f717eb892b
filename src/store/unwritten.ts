/**
 * Owns: mail that is to be written and was not taken yet, in order: what its receiver needs written,
 * and what went ahead (kernel/ahead.ts): that is left out if it is handled in time.
 * Does not own: its place among other requests (committer.ts).
 */
import type { Mail } from "../kernel/ports.ts";
import { encodeMail, stampOf, type Waiting } from "./asked.ts";
import type { EncodedMail, StoreOp } from "./store.ts";

/** Where it goes. */
interface Into {
  push(op: StoreOp, waiting: Waiting): void;
}

/** Mail of one kernel. */
export class Unwritten {
  /** To be written, encoded; null: it went ahead, and must not get behind what came after it. */
  readonly #mail = new Map<Mail, EncodedMail | null>();
  /** What went ahead and came since. */
  readonly #ahead = new Set<Mail>();
  #needed = 0;

  get size(): number {
    return this.#mail.size + this.#ahead.size;
  }

  /** How much of it somebody needs written. */
  get needed(): number {
    return this.#needed;
  }

  has(mail: Mail): boolean {
    return this.#mail.has(mail) || this.#ahead.has(mail);
  }

  push(mail: Mail): void {
    if (mail.seq < 0) return void this.#ahead.add(mail);
    this.#join();
    this.#mail.set(mail, encodeMail(mail));
    this.#needed++;
  }

  /** It was handled. @returns false: it is on its way to the store, or there */
  spare(mail: Mail): boolean {
    return this.#ahead.delete(mail) || (this.#mail.get(mail) === null && this.#mail.delete(mail));
  }

  /** It is written in any case. */
  need(mail: Mail): void {
    if (!this.has(mail) || this.#mail.get(mail)) return;
    this.#join();
    this.#mail.set(mail, encodeMail(mail));
    this.#needed++;
  }

  /** Before all others: it was there first. */
  putBack(mails: readonly Mail[]): void {
    const others = [...this.#mail];
    this.#mail.clear();
    for (const mail of mails) {
      mail.seq = 0;
      this.#mail.set(mail, encodeMail(mail));
    }
    this.#needed += mails.length;
    for (const [mail, encoded] of others) this.#mail.set(mail, encoded);
  }

  /** Moves the oldest: no more than so many, and so many bytes. @param all what went ahead too */
  pour(into: Into, count: number, bytes: number, all = false): void {
    if (all) this.#join();
    let left = bytes;
    let room = count;
    for (const [mail, encoded] of this.#mail) {
      if (room-- <= 0 || left <= 0) return;
      this.#mail.delete(mail);
      if (encoded !== null) this.#needed--;
      const written = encoded ?? encodeMail(mail);
      left -= written.body.byteLength;
      into.push({ kind: "enqueue", mail: written, ...stampOf(mail) }, { kind: "enqueue", mail });
    }
  }

  #join(): void {
    for (const mail of this.#ahead) this.#mail.set(mail, null);
    this.#ahead.clear();
  }
}
