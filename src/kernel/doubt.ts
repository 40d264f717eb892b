/**
 * Owns: mail that an earlier incarnation may have begun: a message that ends its thread or its node
 * leaves nobody to count that. So each delivery of such mail is counted in the store before it
 * happens, and after too many the message is a dead letter (SEMANTICS 30.12).
 * Does not own: messages that make their actor crash, which it sees itself (handling.ts).
 *
 * Only mail that was in the store when this incarnation began is in doubt, and of that as much as a
 * slice may have begun without a commit. Its count goes with the commit of the message before it.
 */
import type { ExitReason } from "../actor/exit.ts";
import type { Cell } from "./cell.ts";
import { undeliverable } from "./delivery.ts";
import type { Mail } from "./ports.ts";
import { TURN_MESSAGES } from "./scheduler.ts";

/** What has been at work for so long without taking anything down is not poison. @unit ms */
const SURVIVED_MS = 60_000;

/** Remembers which of the mail that was read may have been begun before. */
export function doubt(cell: Cell, mail: readonly Mail[]): void {
  for (const each of mail.slice(0, TURN_MESSAGES)) cell.more.doubts.add(each);
}

/** It is this message's turn. @returns whether it is dealt with for now */
export function isDoubtful(cell: Cell, mail: Mail): boolean {
  const { more, slice } = cell;
  if (slice === null || !more.doubts.has(mail)) return false;
  if (more.counted === mail) {
    more.counted = null;
    more.doubts.delete(mail);
    more.own(SURVIVED_MS, () => {
      if (cell.active?.mail !== mail) return;
      getsOn(cell, mail);
      cell.kernel.attended(cell);
    });
    return false;
  }
  const tries = (mail.tries ?? 0) + 1;
  if (tries > cell.spec.maxInterruptions) {
    more.doubts.delete(mail);
    giveUp(cell, mail);
    return true;
  }
  mail.tries = tries;
  slice.count(mail.seq, tries);
  more.counted = mail;
  more.counting = true;
  cell.mailbox.unshift(mail);
  const before = more.afterCommit;
  more.afterCommit = () => {
    before?.();
    more.counting = false;
    cell.kernel.schedule(cell);
  };
  return true;
}

function giveUp(cell: Cell, mail: Mail): void {
  const message = `${cell.spec.maxInterruptions} times its actor was gone before it was handled`;
  const reason: ExitReason = { tag: "error", name: "Interrupted", message };
  if (mail.ask !== 0) cell.asked--;
  cell.slice?.bury(mail, reason);
  undeliverable(cell.kernel, mail, "max_deliveries", cell, reason);
}

/** A step of it is recorded, or it lasts, or its actor ends in order: whoever dies, it is not to blame. */
export function getsOn(cell: Cell, mail: Mail): void {
  if (!mail.tries) return;
  mail.tries = 0;
  cell.slice?.count(mail.seq, 0);
}
