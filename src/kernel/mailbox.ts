/**
 * Owns: what waits for one actor: mail and, in the same order, the notices that must not overtake
 * mail (SEMANTICS 18.5, 9.7): downs, trapped exits, a queued shutdown, get_state.
 * Does not own: signals, which go before mail (cell.ts); what happens when it is full (delivery.ts).
 *
 * The items themselves form the list: a message that waits costs nothing besides itself, and so an
 * item is in one mailbox at most, once. It is a ring: the last item knows the first one. So putting
 * something in writes to the mailbox once: a reference from an old object to a new one is dear.
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

// Numbers of asks are no small integers to V8. A field that has never had anything but numbers would
// from the first ask on keep each of them, also the 0 of a tell, in an object of its own: 16 bytes
// more per message. One that once had something else does not.
mailOf("", "", null, "", null as never);

/** A mailbox: first in, first out. */
export class Mailbox {
  private last: Item | null = null;
  size = 0;

  push(item: Item): void {
    const { last } = this;
    if (last === null) item.next = item;
    else {
      item.next = last.next as Item;
      last.next = item;
    }
    this.last = item;
    this.size++;
  }

  /** The oldest item, or null when empty. */
  shift(): Item | null {
    const { last } = this;
    if (last === null) return null;
    const item = last.next as Item;
    if (item === last) this.last = null;
    else last.next = item.next as Item;
    item.next = null;
    this.size--;
    return item;
  }

  /** Puts an item before all others. */
  unshift(item: Item): void {
    const { last } = this;
    this.push(item);
    if (last !== null) this.last = last;
  }

  /** Oldest first, without taking. */
  *[Symbol.iterator](): Generator<Item> {
    const { last } = this;
    if (last === null) return;
    for (let item = last.next as Item; ; ) {
      const next = item.next as Item;
      yield item;
      if (item === last) return;
      item = next;
    }
  }

  clear(): void {
    this.last = null;
    this.size = 0;
  }
}
