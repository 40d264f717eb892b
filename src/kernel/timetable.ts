/**
 * Owns: timers that have a name, repeat, or belong to a durable actor: setting them with the slice's
 * commit, taking them up again after a restart, firing them, and the times that were missed.
 * Does not own: reading what a handler wrote (alarms.ts), the store's rows (store/).
 *
 * A durable timer is a row from its commit on. It fires by turning that row into a message, in one
 * store operation that names the due time: so it happens once, whoever tries. Times are wall time,
 * as a row may outlive its machine; a delay within one incarnation goes by the kernel's own clock.
 */
import type { Timer } from "../actor/context.ts";
import { ActorError } from "../actor/errors.ts";
import type { Cell } from "./cell.ts";
import type { FewBy } from "./few.ts";
import { released } from "./journal.ts";
import type { Mail, Repetition, TimerChange, TimerRecord } from "./ports.ts";
import type { TimerEntry } from "./timers.ts";
import type { Verbs } from "./verbs.ts";

/** Most timers of one actor. */
const TIMERS_MAX = 1_000;
/** Most missed times that `all` makes up for. */
const MISSED_MAX = 1_000;
/** How often a timer that goes by the wall clock looks at it. @unit ms */
const LOOK_MS = 60_000;

/** One timer, as its actor has it in memory. */
export interface Alarm {
  /** As it is in the store. */
  record: TimerRecord;
  /** When it fires next: later than in the store until that knows which missed times are left out. */
  dueMs: number;
  /** The same on the kernel's own clock, as long as it goes by that; null: by the wall clock. */
  atMs: number | null;
  entry: TimerEntry | null;
  /** Fired for the last time, taken back, or replaced by one of its name. */
  over: boolean;
  /** Missed times made up for. */
  late: number;
}

/** Sets a timer: after some ms, or at times that come again. @throws ActorError E_TIMER */
export function setTimer(
  verbs: Verbs,
  cell: Cell,
  mail: Mail,
  time: number | Repetition,
  name: string | undefined,
): Timer {
  const { kernel } = cell;
  const wall = kernel.calendar.wall(kernel.freshen());
  const repeat = typeof time === "number" ? null : time;
  const dueMs = typeof time === "number" ? wall + time : nextOf(cell, time, wall, wall);
  const fresh = isFresh(verbs, cell);
  const seq = verbs.mail?.seq ?? 0;
  const id = name ?? `${seq > 0 ? seq : `~${kernel.nextId()}`}.${verbs.more.effects}`;
  const { alarms } = cell.more;
  const known = alarms.get(id);
  // An earlier run of this message has set it already.
  if (!fresh) return handle(cell, known ?? null);
  if (known === undefined && alarms.size >= TIMERS_MAX) throw tooMany(cell);
  if (known !== undefined) disarm(cell, known);
  const record = { id, dueMs, type: mail.type, message: mail.message, repeat };
  const isCron = repeat !== null && "cron" in repeat;
  const atMs = isCron ? null : kernel.nowMs + (dueMs - wall);
  const alarm: Alarm = { record, dueMs, atMs, entry: null, over: false, late: 0 };
  alarms.set(id, alarm);
  const begin = () => {
    if (!alarm.over && cell.status !== "exited") arm(cell, alarm);
  };
  change(cell, { id, set: record }, begin);
  return handle(cell, alarm);
}

/** Waits for its time. */
function arm(cell: Cell, alarm: Alarm): void {
  const { atMs, record } = alarm;
  if (atMs === null) return await_(cell, alarm);
  const { kernel, path, more } = cell;
  const mail = kernel.mail(path, record.type, record.message, path, 0);
  const ms = Math.max(atMs - kernel.nowMs, 0);
  alarm.entry = more.arm(ms, mail, false, () => fire(cell, alarm));
}

/** Takes a timer back by its name. */
export function takeBack(verbs: Verbs, cell: Cell, id: string): Timer {
  const known = cell.more.alarms.get(id);
  if (isFresh(verbs, cell) && known !== undefined) end(cell, known);
  return handle(cell, null);
}

/** Is this something that no earlier run of the message has done? */
function isFresh(verbs: Verbs, cell: Cell): boolean {
  const effects = ++verbs.more.effects;
  return cell.slice === null || effects > released(cell, verbs);
}

function handle(cell: Cell, alarm: Alarm | null): Timer {
  const { guard } = cell.kernel;
  return {
    cancel: () => {
      guard.pause();
      try {
        if (cell.status === "exited" || cell.own?.leaving) {
          cell.kernel.fenced(cell, "timer.cancel");
          return false;
        }
        const { active } = cell;
        const fresh = active === null || isFresh(active, cell);
        if (alarm === null || alarm.over) return false;
        if (fresh) end(cell, alarm);
        else disarm(cell, alarm);
        return true;
      } finally {
        guard.resume();
      }
    },
  };
}

/** With the slice's commit; an ephemeral actor's at once. */
function change(cell: Cell, timer: TimerChange, run: () => void): void {
  if (cell.slice === null) run();
  else cell.collect({ kind: "run", run, timer });
}

/** It is taken back: not fired from now on, and gone with the commit. */
function end(cell: Cell, alarm: Alarm): void {
  disarm(cell, alarm);
  change(cell, { id: alarm.record.id, set: null }, () => {});
}

function disarm(cell: Cell, alarm: Alarm): void {
  const { more } = cell;
  alarm.over = true;
  if (alarm.entry !== null) more.cancel(alarm.entry);
  alarm.entry = null;
  if (more.alarms.get(alarm.record.id) === alarm) more.alarms.delete(alarm.record.id);
}

/** A timer of an earlier incarnation, from the store. */
export function takeUp(cell: Cell, record: TimerRecord): void {
  const { calendar, nowMs } = cell.kernel;
  const behind = calendar.wall(nowMs) + 1;
  // While it slept and its supervisor was there, nothing was missed.
  const since = Math.min(cell.more.woken ?? behind, behind);
  const { repeat } = record;
  const skips = repeat?.missed === "skip" && record.dueMs < since;
  const dueMs = skips ? nextOf(cell, repeat, record.dueMs, since - 1) : record.dueMs;
  const alarm: Alarm = { record, dueMs, atMs: null, entry: null, over: false, late: 0 };
  cell.more.alarms.set(record.id, alarm);
  if (!skips) await_(cell, alarm);
}

/**
 * It is there: times that are left out are so in the store too, before it waits for the next. Else who
 * sleeps until then is found overdue, and, woken at that time, has missed it again.
 */
export function skipMissed(cell: Cell): void {
  for (const alarm of cell.more.alarms.values()) {
    const { dueMs } = alarm;
    if (dueMs === alarm.record.dueMs) continue;
    alarm.record = { ...alarm.record, dueMs };
    change(cell, { id: alarm.record.id, set: alarm.record }, () => {
      if (!alarm.over && cell.status !== "exited") await_(cell, alarm);
    });
  }
}

/** A timer between two threads. */
export type PackedAlarm = Pick<Alarm, "record" | "dueMs" | "atMs" | "late">;

/** All of an actor that leaves. */
export const alarmsOf = (alarms: FewBy<string, Alarm>): PackedAlarm[] =>
  [...alarms.values()].map(({ record, dueMs, atMs, late }) => ({ record, dueMs, atMs, late }));

/** The actor has come to another thread. */
export function rearm(cell: Cell, packed: PackedAlarm): void {
  const alarm: Alarm = { ...packed, entry: null, over: false };
  cell.more.alarms.set(packed.record.id, alarm);
  arm(cell, alarm);
}

/** Waits by the wall clock, looking at it now and then: it may be set, and a machine may sleep. */
function await_(cell: Cell, alarm: Alarm): void {
  const { calendar, nowMs } = cell.kernel;
  const left = Math.max(alarm.dueMs - calendar.wall(nowMs), 0);
  alarm.entry = cell.more.own(Math.min(left, LOOK_MS), () => {
    const { kernel } = cell;
    if (kernel.calendar.wall(kernel.nowMs) < alarm.dueMs) await_(cell, alarm);
    else fire(cell, alarm);
  });
}

/** It is due. */
function fire(cell: Cell, alarm: Alarm): void {
  const { kernel, path, life } = cell;
  const { id, dueMs, type, message, repeat } = alarm.record;
  const wall = kernel.calendar.wall(kernel.nowMs);
  const nextMs = repeat === null ? null : following(cell, alarm, repeat, wall);
  const mail = kernel.mail(path, type, message, path, 0);
  if (nextMs === null) disarm(cell, alarm);
  if (cell.slice === null) kernel.send(mail, null);
  else {
    mail.via = { life, id, dueMs, nextMs };
    kernel.committer.enqueue(mail);
  }
  if (nextMs === null) return;
  alarm.record = { ...alarm.record, dueMs: nextMs };
  alarm.dueMs = nextMs;
  alarm.atMs = null;
  await_(cell, alarm);
}

/** The due time after this one: of those that have passed too, only `all` gives each its turn. */
function following(cell: Cell, alarm: Alarm, repeat: Repetition, wall: number): number {
  const { dueMs } = alarm;
  const next = nextOf(cell, repeat, dueMs, dueMs);
  if (next > wall) {
    alarm.late = 0;
    return next;
  }
  if (repeat.missed === "all" && ++alarm.late < MISSED_MAX) return next;
  const message = `timer ${alarm.record.id}: times it was due have passed, and are left out`;
  const fields = { missed: repeat.missed, from: dueMs, to: wall };
  cell.kernel.emit({ type: "log", path: cell.path, level: "warn", message, fields });
  alarm.late = 0;
  return nextOf(cell, repeat, dueMs, wall);
}

/** The first time of `repeat`, counted from `dueMs`, after `afterMs`. @throws ActorError E_TIMER */
function nextOf(cell: Cell, repeat: Repetition, dueMs: number, afterMs: number): number {
  if ("everyMs" in repeat) {
    const passed = Math.floor((afterMs - dueMs) / repeat.everyMs);
    return dueMs + (Math.max(passed, 0) + 1) * repeat.everyMs;
  }
  const next = cell.kernel.calendar.next(repeat.cron, repeat.zone, afterMs);
  if (next !== null) return next;
  throw new ActorError("E_TIMER", `"${repeat.cron}" is never due`, {
    at: `${cell.path}, ctx.after`,
    fix: "name a day that exists",
  });
}

function tooMany(cell: Cell): ActorError {
  return new ActorError("E_TIMER", `${cell.path} has ${TIMERS_MAX} timers`, {
    at: "ctx.after",
    fix: "name timers with { id } so that a new one takes an old one's place, or take them back",
  });
}
