/**
 * Owns: the dead letters of a thread: messages that could not be handled, with the reason, the
 * newest {@link DEAD_MAX} of them, and how many there were in all.
 */
import type { DeadReason } from "./events.ts";
import type { Mail } from "./ports.ts";

/** Most letters kept. @unit messages */
export const DEAD_MAX = 1_000;

export interface DeadLetter {
  readonly id: number;
  readonly atMs: number;
  readonly reason: DeadReason;
  readonly to: string;
  readonly from: string;
  readonly type: string;
  readonly message: unknown;
  /** A store keeps it too, and has it when this thread is gone. */
  readonly stored: boolean;
}

/** A bounded ring (K13). */
export class DeadLetters {
  readonly #ring: DeadLetter[] = [];
  /** All dead letters so far, kept or not. */
  total = 0;

  add(mail: Mail, reason: DeadReason, atMs: number): void {
    const { to, from, type, message } = mail;
    const id = ++this.total;
    const stored = mail.seq !== 0 && (reason === "max_deliveries" || reason === "unknown_type");
    this.#ring[(id - 1) % DEAD_MAX] = { id, atMs, reason, to, from, type, message, stored };
  }

  /** Takes a letter out. */
  take(id: number): DeadLetter | undefined {
    const at = this.#ring.findIndex((each) => each?.id === id);
    const letter = this.#ring[at];
    if (letter !== undefined) delete this.#ring[at];
    return letter;
  }

  /** Oldest first. */
  list(): DeadLetter[] {
    return this.#ring.filter(() => true).sort((a, b) => a.id - b.id);
  }
}
