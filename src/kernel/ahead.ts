/**
 * Owns: mail that a durable actor handles before the store has numbered it: what an ephemeral actor
 * of its own thread has sent. Handled by the time its turn to be written comes, it is not written
 * at all: the commit of what it led to stands for both (ADR 0034). Its `seq` is below 0 until then:
 * that of the life that has it.
 * Does not own: what is written and what is not (store/unwritten.ts), handling (handling.ts).
 * Invariant: whatever loses such a message has lost its sender as well, who remembers nothing.
 */
import { Address } from "../actor/protocol.ts";
import type { Cell } from "./cell.ts";
import type { Mail } from "./ports.ts";

/** Values inside of values that are looked at; deeper ones are for the store to look at. */
const DEPTH_MAX = 6;

/** May its receiver have it at once? */
export function goesAhead(cell: Cell, mail: Mail, sender: Cell | null): boolean {
  if (sender === null || sender.slice !== null || mail.seq !== 0 || !cell.started) return false;
  if (mail.stamp !== undefined || mail.via !== undefined) return false;
  const { own, program } = cell;
  // Nothing may get before what the store is numbering, or has been asked for.
  const isBehind = own !== null && (own.incoming.size > 0 || own.catching !== null || own.leaving);
  return !isBehind && program.isPrompt(mail.type) && isPlain(mail.message, DEPTH_MAX);
}

/** Into the mailbox, and on the way to the store. */
export function goAhead(cell: Cell, mail: Mail): void {
  mail.seq = -cell.life;
  cell.put(mail);
  cell.program.kernel.committer.enqueue(mail);
}

/** The store has written it after all. */
export function numbered(cell: Cell, mail: Mail): void {
  const { own } = cell;
  if (own === null) return;
  own.catching?.known.add(mail.seq);
  if (cell.active?.mail !== mail) return;
  // Its handler waits, and so did all that needs the number.
  for (const each of own.held.splice(0)) cell.signals.push(each);
  cell.kernel.attended(cell);
  cell.kernel.schedule(cell);
}

/** Is the message in flight without a number, and its handler waits? @returns whether to wait too */
export function needsNumber(cell: Cell): boolean {
  const mail = cell.active?.mail ?? null;
  if (cell.status !== "parked" || mail === null || mail.seq >= 0) return false;
  cell.kernel.committer.number(mail);
  return true;
}

/** Can it be written later as it is now, for certain? Anything else is encoded before it is handled. */
function isPlain(value: unknown, depth: number): boolean {
  const type = typeof value;
  if (type !== "object") return type !== "function" && type !== "symbol" && type !== "bigint";
  if (value === null || value instanceof Address) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) return value.every((each) => isPlain(each, depth - 1));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  const object = value as Record<string, unknown>;
  for (const key in object) if (!isPlain(object[key], depth - 1)) return false;
  return true;
}
