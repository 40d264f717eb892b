/**
 * Owns: senders that rest because of another thread: the line to it is crowded, or a mailbox there
 * is full. Does not own: full mailboxes on their own thread (delivery.ts), lines (a host's).
 *
 * The mailbox's thread tells the sender `mute` and, when there is room or an end, `unmute`; on their
 * way there more may arrive, so it accepts up to twice the bound from afar too. A line gets empty
 * whatever the actors behind it do; only full mailboxes can wait for each other, and there the rule of
 * one thread holds: who is itself overloaded goes on.
 */
import type { Cell } from "./cell.ts";
import type { Kernel } from "./kernel.ts";

/** Senders of one kernel that rest because of lines. */
export class Lines {
  readonly #resting = new Map<number, Set<Cell>>();

  /** It has sent something over a line that is crowded. */
  rest(thread: number, sender: Cell): void {
    const cells = this.#resting.get(thread) ?? new Set();
    if (cells.has(sender)) return;
    this.#resting.set(thread, cells.add(sender));
    sender.more.mutedBy++;
    sender.kernel.emit({ type: "muted", path: sender.path, by: `~${thread}` });
  }

  /** There is room again, or the thread is gone. */
  room(thread: number): void {
    const cells = this.#resting.get(thread);
    this.#resting.delete(thread);
    for (const cell of cells ?? []) goOn(cell);
  }
}

function goOn(cell: Cell): void {
  cell.more.mutedBy--;
  cell.kernel.schedule(cell);
}

/** Told by a full mailbox of another thread: this actor has sent to it. */
export function mute(cell: Cell, by: string): void {
  const overloaded = cell.mailbox.size * 2 >= cell.spec.mailboxMax;
  if (overloaded || cell.more.mutedAfar.has(by)) return;
  cell.more.mutedAfar.add(by);
  cell.more.mutedBy++;
  cell.kernel.emit({ type: "muted", path: cell.path, by });
}

/** That mailbox has room, or is no more. */
export function unmute(cell: Cell, by: string): void {
  if (cell.own?.mutedAfar.delete(by)) goOn(cell);
}

/** Is this the path of an actor on another thread? Such a sender can be told to rest. */
export function isAfar(kernel: Kernel, from: string): boolean {
  return (
    from !== "" && !from.startsWith("~") && kernel.moves.threadOf(from, false) !== kernel.thread
  );
}

/** A thread is gone: mailboxes there hold nobody back, and senders there are forgotten. */
export function forgetAfar(cell: Cell, gone: (path: string, supervisor: boolean) => boolean): void {
  const own = cell.own;
  if (own === null) return;
  for (const path of own.mutingAfar) if (gone(path, false)) own.mutingAfar.delete(path);
  for (const path of own.mutedAfar) if (gone(path, false)) unmute(cell, path);
}
