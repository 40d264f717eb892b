/**
 * Owns: packing an actor that moves, and unpacking it: who can be packed at all, what of
 * them travels, what stays behind (handles that its code has kept: they are as good as those of a
 * dead incarnation). Does not own: when (moves.ts).
 */
import type { Belongings } from "./belongings.ts";
import { Cell, type Inner } from "./cell.ts";
import { isData } from "./data.ts";
import { undeliverable } from "./delivery.ts";
import type { Kernel } from "./kernel.ts";
import { type Item, mailOf } from "./mailbox.ts";
import type { Luggage } from "./moving.ts";
import type { Mail, Signal } from "./ports.ts";

const INNER: ReadonlySet<string> = new Set(["settled", "answered", "perform"]);

/** Is it between two messages, with nothing under way, nothing in the store, nothing but data? */
export function isMovable(cell: Cell): boolean {
  if (cell.status !== "idle" || !cell.started || cell.active !== null) return false;
  if (cell.slice !== null || !(cell.own === null || isAtRest(cell.own))) return false;
  return isData(cell.state);
}

function isAtRest(own: Belongings): boolean {
  const waits = own.asks.size + own.deferred.size + own.mutedBy + own.endings.length;
  if (waits + own.next.length + own.alarms.size > 0 || own.leaving || own.minded) return false;
  for (const each of own.lane) if (INNER.has(each.kind)) return false;
  for (const each of own.timers.values()) {
    if (each !== null && !isData(each.mail.message)) return false;
  }
  return true;
}

/** Takes it from its thread. */
export function pack(cell: Cell): Luggage {
  const { kernel, path, more, spec, life, incarnation, parent, state, reductions, handled } = cell;
  const items = [...cell.mailbox].filter((item) => item.kind !== "mail" || travels(cell, item));
  const lane = [...more.lane] as Signal[];
  const exits = [...lane, ...items].flatMap((each, nth) =>
    more.exits.has(each as never) ? [nth] : [],
  );
  const timers = [...more.timers]
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
    lastId: kernel.lastId,
    losses: [...kernel.moves.losses],
  };
  if (kernel.members.get(path) === cell) kernel.members.delete(path);
  retire(cell);
  return luggage;
}

/** What is no data could not have come from another thread either. */
function travels(cell: Cell, mail: Mail): boolean {
  if (isData(mail.message)) return true;
  undeliverable(cell.kernel, mail, "bad_message", null);
  return false;
}

const bareItem = (item: Item): Item => {
  if (item.kind === "mail") return bare(item);
  const { next: _, ...notice } = item;
  return notice;
};

/** Mail without what belongs to its thread. */
function bare({ to, type, message, from, ask }: Mail): Mail {
  return { kind: "mail", to, type, message, from, ask, seq: 0, attempts: 0 };
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
  const lane = luggage.lane.map((each): Inner => ({ ...each }));
  const items = luggage.mailbox.map(arrived);
  for (const item of items) cell.put(item);
  fill(cell, luggage, lane, items);
  kernel.schedule(cell);
  return cell;
}

/** All mail has one shape (mailbox.ts). */
function arrived(item: Item): Item {
  if (item.kind !== "mail") return { ...item };
  return mailOf(item.to, item.type, item.message, item.from, item.ask);
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
  for (const { dueMs, mail, idle } of luggage.timers) {
    more.arm(dueMs - kernel.nowMs, arrived(mail) as Mail, idle);
  }
}
