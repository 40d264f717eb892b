/**
 * Owns: what waits for one actor: mail and, in the same order, the notices that must not overtake
 * mail (SEMANTICS 18.5, 9.7): downs, trapped exits, a queued shutdown, get_state.
 * Does not own: signals, which go before mail (cell.ts); what happens when it is full (delivery.ts).
 *
 * The items themselves form the list: a message that waits costs nothing besides itself, and so an
 * item is in one mailbox at most, once.
 */
import type { ExitReason } from "../actor/exit.ts";
import type { Mail } from "./ports.ts";

type Queued = { next?: Item | null };

export type Notice = Queued &
  (
    | { readonly kind: "down"; id: number; path: string; reason: ExitReason }
    | { readonly kind: "exit"; path: string; reason: ExitReason; linked: boolean }
    | { readonly kind: "stop"; reason: ExitReason }
    | { readonly kind: "get_state"; from: string; ask: number }
  );

export type Item = Mail | Notice;

/** A message that no store knows: all of one shape. */
export function mailOf(
  to: string,
  type: string,
  message: unknown,
  from: string,
  ask: number,
): Mail {
  const kind = "mail";
  return { kind, to, type, message, from, ask, seq: 0, attempts: 0, next: null, origin: null };
}

/** A mailbox: first in, first out. */
export class Mailbox {
  first: Item | null = null;
  private last: Item | null = null;
  size = 0;

  push(item: Item): void {
    item.next = null;
    if (this.last === null) this.first = item;
    else this.last.next = item;
    this.last = item;
    this.size++;
  }

  /** The oldest item, or null when empty. */
  shift(): Item | null {
    const item = this.first;
    if (item === null) return null;
    this.first = item.next as Item | null;
    if (this.first === null) this.last = null;
    item.next = null;
    this.size--;
    return item;
  }

  /** Puts an item before all others. */
  unshift(item: Item): void {
    item.next = this.first;
    this.first = item;
    this.last ??= item;
    this.size++;
  }

  /** Oldest first, without taking. */
  *[Symbol.iterator](): Generator<Item> {
    for (let item = this.first; item !== null; item = item.next as Item | null) yield item;
  }

  clear(): void {
    this.first = this.last = null;
    this.size = 0;
  }
}
