/**
 * Owns: wall time and when a cron expression is due, as pure functions of a time that is given.
 * Does not own: which timers there are (kernel/timetable.ts).
 */
import { CronDate, CronPattern } from "croner";
import { ActorError } from "../actor/errors.ts";
import type { Calendar } from "../kernel/ports.ts";

/** Patterns understood, by expression and zone. */
const PATTERNS_MAX = 1_000;
const patterns = new Map<string, CronPattern>();

/** @throws ActorError E_TIMER for an expression or zone that cannot be understood */
function next(cron: string, zone: string, afterMs: number): number | null {
  try {
    const pattern = patternOf(cron, zone);
    const due = new CronDate(new Date(afterMs), zone).increment(pattern, {}, false);
    return due?.getDate(false).getTime() ?? null;
  } catch (thrown) {
    throw new ActorError("E_TIMER", `"${cron}" in zone ${zone}: ${(thrown as Error).message}`, {
      at: "ctx.after",
      fix: 'write cron as "minute hour day month weekday", and a zone as "Europe/Berlin"',
      cause: thrown,
    });
  }
}

function patternOf(cron: string, zone: string): CronPattern {
  const key = `${zone} ${cron}`;
  let pattern = patterns.get(key);
  if (pattern === undefined) {
    pattern = new CronPattern(cron, zone);
    if (patterns.size >= PATTERNS_MAX) patterns.clear();
    patterns.set(key, pattern);
  }
  return pattern;
}

/** A calendar. @param wall wall time of a kernel's time, both in ms */
export const calendarOf = (wall: (nowMs: number) => number): Calendar => ({ wall, next });
