/**
 * Owns: messages to oneself, later: after a delay, at times that come again, when nothing else comes,
 * or next of all; reading what the handler wrote about the time.
 * Does not own: when a timer fires (timers.ts), the timers of an actor (belongings.ts), those that
 * outlive an incarnation or repeat (timetable.ts).
 */
import type { AfterOptions, Repeat, Timer } from "../actor/context.ts";
import { ActorError, shown } from "../actor/errors.ts";
import { onlyKnown } from "../actor/names.ts";
import { type Duration, milliseconds } from "../actor/units.ts";
import type { Cell } from "./cell.ts";
import { released } from "./journal.ts";
import type { Mail, Repetition } from "./ports.ts";
import type { TimerEntry } from "./timers.ts";
import { setTimer, takeBack } from "./timetable.ts";
import type { Verbs } from "./verbs.ts";

export type Delay = Duration | "infinity" | Repeat;

const ID_MAX = 200;
const OPTIONS = { when: true, id: true } as const;
const WHEN: readonly unknown[] = ["delay", "idle", "next"];
const EVERY = { every: true, missed: true } as const;
const CRON = { cron: true, zone: true, missed: true } as const;
const MISSED: readonly unknown[] = ["once", "skip", "all"];

const fault = (cell: Cell, fact: string, fix: string) =>
  new ActorError("E_TIMER", fact, { at: `${cell.path}, ctx.after`, fix });

/** Sets one. @throws ActorError E_UNITS E_TIMER */
export function setAlarm(
  verbs: Verbs,
  cell: Cell,
  delay: Delay,
  mail: Mail,
  options: AfterOptions,
): Timer {
  const { when = "delay", id } = onlyKnown(options, OPTIONS, `${cell.path}, ctx.after`);
  if (!WHEN.includes(when)) {
    throw fault(cell, `when: ${shown(when)} is not one of its words`, "use delay, idle or next");
  }
  if (when !== "delay") return setBetween(verbs, cell, delay, mail, when, id);
  if (id !== undefined && (typeof id !== "string" || id === "" || id.length > ID_MAX)) {
    throw fault(cell, `id ${shown(id)} is no name`, `use 1–${ID_MAX} characters`);
  }
  if (delay === "infinity") {
    if (id !== undefined) return takeBack(verbs, cell, id);
    throw fault(cell, "a timer that never fires", "name the timer to be taken back: { id }");
  }
  if (typeof delay === "object") return setTimer(verbs, cell, mail, repetition(cell, delay), id);
  const ms = milliseconds(delay, "ctx.after delay");
  if (cell.slice === null && id === undefined) return setEphemeral(cell, ms, mail, false);
  return setTimer(verbs, cell, mail, ms, id);
}

/** What was written, complete. Whether a cron expression is one, the calendar says. */
function repetition(cell: Cell, repeat: Repeat): Repetition {
  const names = "cron" in repeat ? CRON : EVERY;
  const { missed = "once" } = onlyKnown<Repeat>(repeat, names, `${cell.path}, ctx.after`);
  if (!MISSED.includes(missed)) {
    throw fault(cell, `missed: ${shown(missed)} is not one of its words`, "use once, skip or all");
  }
  if ("cron" in repeat) {
    const { cron, zone = "UTC" } = repeat;
    if (typeof cron === "string" && typeof zone === "string") return { cron, zone, missed };
    throw fault(cell, `${shown(repeat)} is no time`, 'write { cron: "0 9 * * *", zone: "UTC" }');
  }
  const everyMs = milliseconds(repeat.every, "ctx.after every");
  if (everyMs >= 1) return { everyMs, missed };
  throw fault(cell, "an interval of 0 ms", 'write { every: "5m" }, 1 ms or more');
}

/** Timers whose time is no time: when the actor rests, or right after the present handler. */
function setBetween(
  verbs: Verbs,
  cell: Cell,
  delay: Delay,
  mail: Mail,
  when: "idle" | "next",
  id: string | undefined,
): Timer {
  if (typeof delay === "object" || delay === "infinity" || id !== undefined) {
    const fact = `when: "${when}" and a name, a repetition or "infinity" exclude each other`;
    throw fault(cell, fact, 'leave out `when`, or give a plain delay such as "5s"');
  }
  const ms = milliseconds(delay, "ctx.after delay");
  if (when === "idle") return setEphemeral(cell, ms, mail, true);
  sendNext(verbs, cell, mail);
  return { cancel: () => false };
}

/** No effect for the slice: it ends with this incarnation, and a rerun sets it again. */
function setEphemeral(cell: Cell, ms: number, mail: Mail, idle: boolean): Timer {
  const { guard } = cell.kernel;
  let entry: TimerEntry | null = null;
  let cancelled = false;
  const arm = () => {
    if (!cancelled) entry = cell.more.arm(ms, mail, idle);
  };
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
  if (verbs.more.effects > released(cell, verbs)) cell.more.coming.add(mail);
}
