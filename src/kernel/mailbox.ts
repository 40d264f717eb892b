/**
 * Owns: what waits for one actor: mail and, in the same order, the notices that must not overtake
 * mail (SEMANTICS 18.5, 9.7): downs, trapped exits, a queued shutdown, get_state.
 * Does not own: signals, which go before mail (cell.ts); what happens when it is full (kernel.ts).
 */
import type { ExitReason } from "../actor/exit.ts";
import { Fifo } from "./fifo.ts";
import type { Mail } from "./ports.ts";

export type Notice =
  | { readonly kind: "down"; id: number; path: string; reason: ExitReason }
  | { readonly kind: "exit"; path: string; reason: ExitReason; linked: boolean }
  | { readonly kind: "stop"; reason: ExitReason }
  | { readonly kind: "get_state"; from: string; ask: number };

export type Item = Mail | Notice;

/** A mailbox: first in, first out, with a count of the mail in it. */
export class Mailbox extends Fifo<Item> {}
