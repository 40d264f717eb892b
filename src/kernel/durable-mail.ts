/**
 * Owns: the order of a durable actor's mail: what the store must number first, what is numbered
 * already, and reading the mailbox again when a thread is lost. What that thread's actors had
 * committed for this one is in the store, but nobody is left to say so (K8).
 * Does not own: the first reading, at the start (restore.ts).
 */
import type { Cell } from "./cell.ts";
import type { Kernel } from "./kernel.ts";
import type { Item } from "./mailbox.ts";
import type { Mail, Stored } from "./ports.ts";

/** Mail of a durable actor, in the order of arrival although the store must number it first. */
export function acceptDurable(kernel: Kernel, cell: Cell, mail: Mail): void {
  const { incoming } = cell.more;
  // Until it has read its mailbox from the store, or is known there, nothing may get before that.
  if (!cell.started) return incoming.push(mail);
  if (mail.seq === 0) {
    // (What goes before the queue holds nothing up behind it.)
    if (!cell.more.coming.has(mail)) incoming.push(mail);
    return kernel.committer.enqueue(mail);
  }
  if (waitsForReading(cell, mail)) return;
  if (cell.more.coming.delete(mail)) {
    cell.more.next.push(mail);
    if (cell.status === "idle") cell.more.rest();
    return kernel.schedule(cell);
  }
  if (incoming.first !== mail) {
    if (incoming.size === 0) return cell.put(mail);
    // Its sender may have sent some of those that the store is numbering.
    cell.more.numbered.add(mail);
    return incoming.push(mail);
  }
  cell.put(mail);
  incoming.shift();
  follow(cell);
}

/** The first of those that waited has its number: what came behind it and waits for none follows. */
function follow(cell: Cell): void {
  const { incoming } = cell.more;
  const ready = (item: Item) => item.kind !== "mail" || cell.more.numbered.delete(item);
  for (let next = incoming.first; next && ready(next); next = incoming.first) {
    cell.put(next);
    incoming.shift();
  }
}

/** The store will not number this one. */
export function withdraw(cell: Cell, mail: Mail): void {
  const { incoming } = cell.more;
  const rest = [...incoming].filter((item) => item !== mail);
  if (rest.length === incoming.size) return;
  incoming.clear();
  for (const item of rest) incoming.push(item);
  follow(cell);
}

/** What a cell holds while it reads its mailbox again. */
export interface CatchingUp {
  /** Readings under way. */
  reads: number;
  /** Mail it has, or has handled since: not to be taken twice. */
  readonly known: Set<number>;
  /** Mail of others that came meanwhile: it goes behind what is read. */
  late: Mail[];
}

/** Asks the store for the mailbox. */
export function catchUp(cell: Cell): void {
  const { slice, more } = cell;
  if (slice === null || cell.status === "exited" || !cell.begun) return;
  more.stale = !cell.started;
  if (more.stale) return;
  more.catching ??= { reads: 0, known: knownOf(cell), late: [] };
  more.catching.reads++;
  cell.kernel.committer.load(cell.path, cell.life, true);
}

function knownOf(cell: Cell): Set<number> {
  const known = new Set(cell.slice?.acks);
  for (const item of cell.mailbox) if (item.kind === "mail") known.add(item.seq);
  for (const mail of cell.more.next) known.add(mail.seq);
  // Behind what the store is numbering: it follows by itself.
  for (const mail of cell.more.numbered) known.add(mail.seq);
  if (cell.active?.mail) known.add(cell.active.mail.seq);
  return known;
}

/** Mail while it reads. @returns whether it must wait until the reading is over */
export function waitsForReading(cell: Cell, mail: Mail): boolean {
  const { catching, incoming, coming } = cell.more;
  if (catching === null) return false;
  // What it has sent through the store itself is on its way in order.
  const own = incoming.first === mail || coming.has(mail);
  if (own) catching.known.add(mail.seq);
  else catching.late.push(mail);
  return !own;
}

/** The mailbox has been read. */
export function caughtUp(cell: Cell, stored: Stored | null): void {
  const { catching } = cell.more;
  if (catching === null) return;
  for (const mail of stored?.mail ?? []) {
    if (catching.known.has(mail.seq)) continue;
    catching.known.add(mail.seq);
    cell.put(mail);
  }
  if (stored !== null) cell.more.watermark = Math.max(cell.more.watermark, stored.watermark);
  if (--catching.reads > 0) return;
  cell.more.catching = null;
  for (const mail of catching.late) {
    if (mail.seq > cell.more.watermark) acceptDurable(cell.kernel, cell, mail);
  }
}
