/**
 * Owns: messages to oneself, later: after a delay, when nothing else comes, or next of all.
 * Does not own: when a timer fires (timers.ts), the timers of an actor (belongings.ts).
 */
import type { AfterOptions, Timer } from "../actor/context.ts";
import type { Cell } from "./cell.ts";
import { released } from "./journal.ts";
import type { Mail } from "./ports.ts";
import type { TimerEntry } from "./timers.ts";
import type { Verbs } from "./verbs.ts";

/** Sets one. */
export function setAlarm(
  verbs: Verbs,
  cell: Cell,
  ms: number,
  mail: Mail,
  when: NonNullable<AfterOptions["when"]>,
): Timer {
  if (when === "next") {
    sendNext(verbs, cell, mail);
    return { cancel: () => false };
  }
  const idle = when === "idle";
  const { guard } = cell.kernel;
  let entry: TimerEntry | null = null;
  let cancelled = false;
  const arm = () => {
    if (!cancelled) entry = cell.more.arm(ms, mail, idle);
  };
  // No effect for the slice: a timer ends with this incarnation, and a rerun sets it again.
  if (idle) cell.more.endings.push(arm);
  else arm();
  return {
    cancel: () => {
      guard.pause();
      const was = entry === null ? !cancelled : cell.more.cancel(entry);
      cancelled = true;
      guard.resume();
      return was;
    },
  };
}

/** A continuation. A durable actor's goes through the store, so that a crash does not lose it. */
function sendNext(verbs: Verbs, cell: Cell, mail: Mail): void {
  if (cell.slice === null) return void cell.more.next.push(mail);
  verbs.send(cell, mail);
  if (verbs.effects > released(cell, verbs)) cell.more.coming.add(mail);
}
