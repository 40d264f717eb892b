/**
 * Owns: what some actors have and most never do: links, watches, timers, deferred asks, an abort
 * signal. Made when first needed, released as a whole when the actor ends.
 * Does not own: when they are used (cell.ts, verbs.ts).
 */
import type { ExitReason } from "../actor/exit.ts";
import type { Usage } from "../actor/outcome.ts";
import type { Cell, Inner } from "./cell.ts";
import type { CatchingUp } from "./durable-mail.ts";
import { Few, FewBy } from "./few.ts";
import { Fifo } from "./fifo.ts";
import type { Item, Notice } from "./mailbox.ts";
import { type Pending, Pendings } from "./pending.ts";
import type { Envelope, Mail } from "./ports.ts";
import type { Journal } from "./slice.ts";
import type { TimerEntry } from "./timers.ts";
import type { Alarm } from "./timetable.ts";

/** One tool call that has ended. */
export interface ToolRow extends Usage {
  readonly tool: string;
  readonly end: string;
  readonly tier: string | null;
  readonly atMs: number;
}

/** Sums over tool calls; of memory the highest peak. */
export interface ToolTotals {
  /** The last few, oldest first. */
  readonly last: ToolRow[];
  calls: number;
  /** Those of them that did not end with `ok`. */
  failed: number;
  wallMs: number;
  cpuMs: number;
  memoryBytes: number;
  bytesIn: number;
  bytesOut: number;
}

/** A message to oneself that waits for its time. */
export interface Reminder {
  readonly mail: Mail;
  readonly idle: boolean;
}

/** The rare belongings of one incarnation. */
export class Belongings {
  readonly #cell: Cell;
  /** Paths this actor is linked to. */
  readonly links = new Few<string>();
  /** Exits over links, queued and still wanted. The links themselves are gone: a new one may stand. */
  readonly exits = new Few<{ readonly path: string }>();
  /** Ends of links and watches that were cut off: at its own end they have not happened. */
  readonly untied: Envelope[] = [];
  /** Watches of this actor: number → path it watches. */
  readonly watching = new FewBy<number, string>();
  /** Who watches this actor: "path#number" → where to tell. */
  readonly watchers = new FewBy<string, { from: string; id: number }>();
  /** Those that send something when they are due, with what; null: the system's own. */
  readonly timers = new FewBy<TimerEntry, Reminder | null>();
  /** Timers that are durable, repeat or have a name, by name. */
  readonly alarms = new FewBy<string, Alarm>();
  /** Asks put off with defer(). */
  readonly deferred = new Few<Mail>();
  /** What this actor waits for. */
  readonly asks = new Pendings();
  /** Senders that rest because this mailbox is full. */
  readonly muting = new Few<Cell>();
  /** The same on other threads, by path. */
  readonly mutingAfar = new Few<string>();
  /** Full mailboxes of other threads that this actor has sent to; counted in `mutedBy` too. */
  readonly mutedAfar = new Few<string>();
  /** Messages to self that go before the queue. */
  readonly next: Mail[] = [];
  /** Durable actors: the same on their way through the store; no other mail is read before them. */
  readonly coming = new Few<Mail>();
  /** Idle timers of the handler that is at work: their time begins when it ends. */
  readonly endings: (() => void)[] = [];
  /** Durable actors: what arrived before the start was over, or behind mail the store is numbering. */
  readonly incoming = new Fifo<Item>();
  /** Those of `incoming` that have their number already. */
  readonly numbered = new Few<Mail>();
  /** Durable actors: what came before this incarnation, and the store did not know what to do with. */
  readonly knocked: Mail[] = [];
  /** Durable actors: answers for a message in flight that has no number yet. */
  readonly held: Pending[] = [];
  /** Durable actors: set while the mailbox is read again. */
  catching: CatchingUp | null = null;
  /** Durable actors: a thread was lost while this one read its mailbox: it must read it again. */
  stale = false;
  /** The actor's own lane, served before mail. */
  readonly lane = new Fifo<Inner>();
  suspended = false;
  /** The end of its time will be told to this thread: it stays here. */
  minded = false;
  /** It must be in the store; the wall time since which its timers were watched. */
  woken: number | null = null;
  /** It moves to another thread: from here on it has no turn (ADR 0025). */
  leaving = false;
  /** How often this incarnation has moved. */
  moves = 0;
  /** Number of full mailboxes this actor has sent to: it rests until they have room. */
  mutedBy = 0;
  /** Notices of the system in the mailbox: somebody waits for these. */
  urgent = 0;
  ending: ExitReason | null = null;
  /** Durable actors: what the message in flight has left in the store. */
  journal: Journal | null = null;
  /** Mail that an earlier incarnation may have begun; the one whose delivery is counted, or will be. */
  readonly doubts = new Few<Mail>();
  counted: Mail | null = null;
  counting = false;
  replaying = false;
  committing = false;
  /** What goes on when the next commit, or the one in flight, is done. */
  afterCommit: (() => void) | null = null;
  inFlight: (() => void) | null = null;
  /** Set by the end, while a commit is in flight: tells the others of it. */
  settle: (() => void) | null = null;
  /** What its tool calls have used together. */
  tools: ToolTotals | null = null;
  /** Tool calls and inline effects of this life. */
  steps = 0;
  /** What of its work and steps was counted in a quota. */
  reported = { reductions: 0, steps: 0 };
  /** Highest mail number already read from the store. */
  watermark = 0;
  #idle: TimerEntry | null = null;
  #controller: AbortController | null = null;

  constructor(cell: Cell) {
    this.#cell = cell;
  }

  abort(): AbortController {
    this.#controller ??= new AbortController();
    if (this.#cell.status === "exited") this.#controller.abort();
    return this.#controller;
  }

  /** A timer that dies with this incarnation. */
  own(ms: number, fire: () => void, reminder: Reminder | null = null): TimerEntry {
    const { kernel } = this.#cell;
    const entry = kernel.timers.add(kernel.freshen() + ms, () => {
      this.timers.delete(entry);
      fire();
    });
    this.timers.set(entry, reminder);
    return entry;
  }

  /** A message to self when the time is over; an idle one only if nothing else arrives before. */
  arm(ms: number, mail: Mail, idle: boolean, fire?: () => void): TimerEntry {
    const cell = this.#cell;
    if (idle) this.cancelIdle();
    const due = () => {
      if (fire !== undefined) return fire();
      if (idle && cell.unread > 0) return;
      cell.kernel.send(mail, null);
    };
    const entry = this.own(ms, due, { mail, idle });
    if (idle) this.#idle = entry;
    return entry;
  }

  /** @returns false when it had fired or was cancelled before */
  cancel(entry: TimerEntry): boolean {
    this.timers.delete(entry);
    return this.#cell.kernel.timers.cancel(entry);
  }

  cancelIdle(): void {
    if (this.#idle !== null) this.cancel(this.#idle);
    this.#idle = null;
  }

  /** May mail be handled? Who rests goes on for somebody who waits: the other might never read. */
  allows(asked: number): boolean {
    if (this.suspended || this.counting || this.coming.size > 0) return false;
    return this.mutedBy === 0 || asked + this.urgent + this.deferred.size > 0;
  }

  /** A handler has ended: `next` messages go before the queue, first one first. */
  rest(): void {
    if (this.endings.length > 0) for (const arm of this.endings.splice(0)) arm();
    if (this.coming.size > 0) return;
    for (let mail = this.next.pop(); mail !== undefined; mail = this.next.pop()) {
      this.#cell.mailbox.unshift(mail);
    }
  }

  /** Is a queued down or link exit still wanted? Taking it ends the watch or link. */
  consume(notice: Notice): boolean {
    if (notice.kind === "down") return this.watching.delete(notice.id);
    if (notice.kind === "exit" && notice.linked) return this.exits.delete(notice);
    return true;
  }

  /** An exit over a link has come. @returns whether the link stood; it is used up */
  exitOver(path: string, queued: { readonly path: string }): boolean {
    if (!this.links.delete(path)) return false;
    this.exits.add(queued);
    return true;
  }

  /** Ends a link, and withdraws an exit over it that is still queued. @returns whether it stood */
  unlink(path: string): boolean {
    for (const each of this.exits) if (each.path === path) this.exits.delete(each);
    return this.links.delete(path);
  }

  /** Lets resting senders go on when there is room. */
  unmute(room: number): void {
    const { muting, mutingAfar } = this;
    if (muting.size + mutingAfar.size === 0 || this.#cell.mailbox.size > room) return;
    for (const sender of muting) {
      sender.more.mutedBy--;
      sender.kernel.schedule(sender);
    }
    muting.clear();
    const { kernel, path: by } = this.#cell;
    for (const to of mutingAfar) kernel.send({ kind: "unmute", to, by }, null);
    mutingAfar.clear();
  }

  /** Everything that must stop with the actor. */
  release(): void {
    for (const entry of this.timers.keys()) this.#cell.kernel.timers.cancel(entry);
    this.timers.clear();
    this.unmute(Number.POSITIVE_INFINITY);
    this.#controller?.abort();
  }
}
