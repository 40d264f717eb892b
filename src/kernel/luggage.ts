/**
 * Owns: packing an actor that moves, and unpacking it: who can be packed at all, what of
 * them travels, what stays behind (handles that its code has kept: they are as good as those of a
 * dead incarnation). Does not own: when (moves.ts).
 */
import type { Belongings } from "./belongings.ts";
import { Cell, type Inner } from "./cell.ts";
import { isData } from "./data.ts";
import { undeliverable } from "./delivery.ts";
import { watchIdleness } from "./hibernation.ts";
import type { Kernel } from "./kernel.ts";
import { type Item, mailOf } from "./mailbox.ts";
import type { Luggage } from "./moving.ts";
import { parentOf } from "./paths.ts";
import type { Mail, Signal } from "./ports.ts";
import { alarmsOf, rearm } from "./timetable.ts";

const INNER: ReadonlySet<string> = new Set(["settled", "answered", "perform"]);

/** Is it between two messages, with nothing under way but its commit, and nothing but data? */
export function mayLeave({ spec, status, started, active, own, state }: Cell): boolean {
  const between = status === "idle" || status === "committing";
  if (!spec.movable || !between || !started || active !== null) return false;
  return (own === null || isAtRest(own)) && isData(state);
}

function isAtRest(own: Belongings): boolean {
  const waits = own.asks.size + own.deferred.size + own.mutedBy + own.endings.length;
  if (waits + own.next.length + own.coming.size > 0 || own.minded) return false;
  // What an earlier life may have begun, or has left in its journal, comes first.
  if (own.doubts.size > 0 || own.journal !== null) return false;
  for (const each of own.lane) if (INNER.has(each.kind)) return false;
  const messages = [...own.alarms.values()].map(({ record }) => record.message);
  for (const each of own.timers.values()) if (each !== null) messages.push(each.mail.message);
  return messages.every(isData);
}

/** Has it nothing to commit, and no commit in flight? */
export const isCommitted = ({ slice, own }: Cell) => !(slice?.dirty || own?.committing);

/** Its timers do not fire here any more; they are kept for the packing. */
export function stopClocks(cell: Cell): void {
  for (const entry of cell.more.timers.keys()) cell.kernel.timers.cancel(entry);
}

/** Takes it from its thread. */
export function pack(cell: Cell, losses: readonly number[]): Luggage {
  const { kernel, path, more, spec, life, incarnation, state, reductions, handled } = cell;
  const parent = parentOf(path);
  const items = [...cell.mailbox].filter((item) => item.kind !== "mail" || travels(cell, item));
  const lane = [...more.lane] as Signal[];
  const exits = [...lane, ...items].flatMap((each, nth) =>
    more.exits.has(each as never) ? [nth] : [],
  );
  const named = new Set([...more.alarms.values()].map(({ entry }) => entry));
  const timers = [...more.timers]
    .filter(([entry]) => !named.has(entry))
    .sort(([a], [b]) => a.dueMs - b.dueMs || a.seq - b.seq)
    .flatMap(([{ dueMs }, reminder]) =>
      reminder === null ? [] : [{ dueMs, mail: bare(reminder.mail), idle: reminder.idle }],
    );
  const fixed = { spec, life, incarnation, parent, state, reductions, handled };
  const luggage: Luggage = {
    ...fixed,
    suspended: more.suspended,
    used: { tools: more.tools, steps: more.steps, reported: more.reported },
    mailbox: items.map(bareItem),
    lane,
    exits,
    links: [...more.links],
    watching: [...more.watching],
    watchers: [...more.watchers.values()],
    mutedAfar: [...more.mutedAfar],
    timers,
    alarms: alarmsOf(more.alarms),
    watermark: more.watermark,
    moves: more.moves + 1,
    lastId: kernel.lastId,
    losses,
  };
  if (kernel.members.get(path) === cell) kernel.members.delete(path);
  retire(cell);
  return luggage;
}

/** What is no data could not have come from another thread either. */
function travels(cell: Cell, mail: Mail): boolean {
  // (The store has it in the form in which it travels.)
  if (mail.seq > 0 || isData(mail.message)) return true;
  undeliverable(cell.kernel, mail, "bad_message", null);
  return false;
}

const bareItem = (item: Item): Item => {
  if (item.kind === "mail") return bare(item);
  const { next: _, ...notice } = item;
  return notice;
};

/** Mail without what belongs to its thread. */
function bare({ to, type, message, from, ask, seq, attempts, tries, stamp }: Mail): Mail {
  const mail: Mail = { kind: "mail", to, type, message, from, ask, seq, attempts };
  if (tries !== undefined) mail.tries = tries;
  if (stamp !== undefined) mail.stamp = stamp;
  return mail;
}

/** What stays behind is dead: refs look for the actor anew, and handles do nothing any more. */
export function retire(cell: Cell): void {
  cell.become("exited");
  cell.mailbox.clear();
  cell.signals.clear();
  cell.more.release();
}

/** The actor lives here from now on. */
export function unpack(kernel: Kernel, path: string, luggage: Luggage): Cell {
  const { spec, life, incarnation, parent, state: args } = luggage;
  const start = { kind: "start", to: path, life, incarnation, spec, args, parent } as const;
  const cell = new Cell(kernel.programs.of(spec), start);
  cell.started = true;
  cell.become("idle");
  cell.reductions = luggage.reductions;
  cell.handled = luggage.handled;
  kernel.members.set(path, cell);
  kernel.lastId = Math.max(kernel.lastId, luggage.lastId);
  if (spec.durable) kernel.durablePaths.add(path);
  const lane = luggage.lane.map((each): Inner => ({ ...each }));
  const items = luggage.mailbox.map(arrived);
  for (const item of items) cell.put(item);
  fill(cell, luggage, lane, items);
  watchIdleness(cell);
  kernel.schedule(cell);
  return cell;
}

/** All mail has one shape (mailbox.ts). */
function arrived(item: Item): Item {
  if (item.kind !== "mail") return { ...item };
  const { to, type, message, from, ask, ...stored } = item;
  const mail = mailOf(to, type, message, from, ask);
  return item.seq > 0 ? Object.assign(mail, stored) : mail;
}

function fill(cell: Cell, luggage: Luggage, lane: readonly Inner[], items: readonly Item[]): void {
  const { more, kernel } = cell;
  const both: readonly object[] = [...lane, ...items];
  for (const each of lane) more.lane.push(each);
  for (const nth of luggage.exits) more.exits.add(both[nth] as never);
  for (const path of luggage.links) more.links.add(path);
  for (const [id, path] of luggage.watching) more.watching.set(id, path);
  for (const each of luggage.watchers) more.watchers.set(`${each.from}#${each.id}`, each);
  for (const path of luggage.mutedAfar) more.mutedAfar.add(path);
  more.mutedBy = luggage.mutedAfar.length;
  more.suspended = luggage.suspended;
  more.tools = luggage.used.tools && { ...luggage.used.tools };
  more.steps = luggage.used.steps;
  more.reported = { ...luggage.used.reported };
  more.watermark = luggage.watermark;
  more.moves = luggage.moves;
  for (const each of luggage.alarms) rearm(cell, each);
  for (const { dueMs, mail, idle } of luggage.timers) {
    more.arm(dueMs - kernel.nowMs, arrived(mail) as Mail, idle);
  }
}
