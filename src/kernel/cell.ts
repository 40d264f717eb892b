/**
 * Owns: one actor as it stands: status, state, mailbox, and its turn: what is served in which
 * order. Does not own: running a handler (handling.ts), committing (commits.ts), ending (ending.ts),
 * who runs when (scheduler.ts), rare belongings like links and timers (belongings.ts).
 */
import type { AnyBehaviour } from "../actor/actor.ts";
import { assert } from "../actor/errors.ts";
import type { ActorSpec } from "../actor/spec.ts";
import { Belongings } from "./belongings.ts";
import { seal } from "./commits.ts";
import { undeliverable } from "./delivery.ts";
import { isDoubtful } from "./doubt.ts";
import { caughtUp } from "./durable-mail.ts";
import { bury, outworked } from "./ending.ts";
import type { Fifo } from "./fifo.ts";
import { handleMail, handleNotice, invoke, settled } from "./handling.ts";
import { resume } from "./journal.ts";
import type { Kernel, Member } from "./kernel.ts";
import { mayBecome, type Status } from "./life.ts";
import { type Item, Mailbox, type Notice } from "./mailbox.ts";
import type { Pending } from "./pending.ts";
import type { Completion, Mail, Signal } from "./ports.ts";
import type { Program } from "./program.ts";
import { restore, unreadable } from "./restore.ts";
import { onSignal, receive } from "./signals.ts";
import { type Effect, Slice } from "./slice.ts";
import { limitStart, running } from "./starting.ts";
import type { Verbs } from "./verbs.ts";

/** What the cell's own lane of signals holds: served before mail, outside of budgets (K6). */
export type Inner =
  | Signal
  | { kind: "settled"; verbs: Verbs; ok: boolean; value: unknown }
  | Pending
  | { kind: "perform"; run: () => void };

/** How far its start is. */
type Stage = "new" | "begun" | "started";

const isInner = (next: Inner | undefined) =>
  next !== undefined && (next.kind === "answered" || next.kind === "perform");

/** @returns false: it must wait for the store (doubt.ts) */
function prepared(cell: Cell, more: Belongings, mail: Mail): boolean {
  if (more.doubts.size > 0 && isDoubtful(cell, mail)) return false;
  more.cancelIdle();
  return true;
}

/** One incarnation of one actor. There may be a million of them: what is rare is in Belongings. */
export class Cell {
  readonly program: Program;
  readonly path: string;
  readonly life: number;
  readonly incarnation: number;
  status: Status = "starting";
  /** Of a started actor; before that its args. */
  state: unknown;
  private queue: Mailbox | null = null;
  /** Who is behind it in the ready queue; null: it is not in there (K5). */
  follower: Member | null = null;
  private stage: Stage = "new";
  /** The verbs that are good now: of the message being handled, or parked. */
  active: Verbs | null = null;
  /** Set in durable actors only. */
  slice: Slice | null;
  /** Asks in the mailbox: somebody waits for these. */
  asked = 0;
  reductions = 0;
  handled = 0;
  private rare: Belongings | null = null;

  constructor(program: Program, start: Extract<Signal, { kind: "start" }>) {
    this.program = program;
    this.path = start.to;
    this.life = start.life;
    this.incarnation = start.incarnation;
    this.state = start.args;
    this.slice = program.spec.durable ? new Slice() : null;
    if (start.woken !== undefined) this.more.woken = start.woken;
  }

  get kernel(): Kernel {
    return this.program.kernel;
  }

  get spec(): ActorSpec {
    return this.program.spec;
  }

  get behaviour(): AnyBehaviour {
    return this.program.behaviour;
  }

  /** Has its start begun? */
  get begun(): boolean {
    return this.stage !== "new";
  }

  /** Has the supervisor been told that the start is over? */
  get started(): boolean {
    return this.stage === "started";
  }

  set started(_: true) {
    this.stage = "started";
  }

  get suspended(): boolean {
    return this.rare?.suspended === true;
  }

  get mailbox(): Mailbox {
    this.queue ??= new Mailbox();
    return this.queue;
  }

  /** Its own lane, before mail. */
  get signals(): Fifo<Inner> {
    return this.more.lane;
  }

  /** Links, timers, watches: made when first needed; most actors never do. */
  get more(): Belongings {
    this.rare ??= new Belongings(this);
    return this.rare;
  }

  /** The same, if there are any. */
  get own(): Belongings | null {
    return this.rare;
  }

  become(status: Status): void {
    if (!mayBecome(this.status, status)) {
      assert(false, "K1", `${this.path} ${this.status} → ${status}`);
    }
    this.status = status;
  }

  /** Messages that wait, those on their way through the store too: what the bound is about. */
  get waiting(): number {
    const mail = this.queue === null ? 0 : this.queue.size;
    return this.rare === null ? mail : mail + this.rare.incoming.size;
  }

  /** The same without the system's own: what an idle timeout gives way to. */
  get unread(): number {
    return this.waiting - (this.rare?.urgent ?? 0);
  }

  /** Number of full mailboxes this actor has sent to: it rests until they have room. */
  get mutedBy(): number {
    return this.rare === null ? 0 : this.rare.mutedBy;
  }

  /** Can mail be handled now? Somebody who is waited for does not rest: the other might never read. */
  get runnable(): boolean {
    if (this.status !== "idle") return false;
    return this.rare === null || this.rare.allows(this.asked);
  }

  /** One turn: all signals, then mail while the budget lasts. @returns whether work is left */
  turn(messages: number, reductions: number): boolean {
    if (this.stage === "new") this.begin();
    const until = this.reductions + reductions;
    if (this.rare !== null && !this.serveFirst(this.rare, until)) return false;
    for (let left = messages; left > 0 && this.runnable && this.reductions < until; left--) {
      const item = this.queue === null ? null : this.queue.shift();
      if (item === null) break;
      this.handle(item);
      if (this.rare !== null) this.serve(this.rare.lane, until);
    }
    if (this.reductions > this.program.lifeReductions) outworked(this);
    if (this.slice !== null || this.rare !== null) return this.rest();
    return this.queue !== null && this.queue.size > 0 && this.status === "idle";
  }

  /** The turn is over: what it did is committed. @returns whether work is left */
  private rest(): boolean {
    if (this.slice !== null) seal(this);
    if (this.rare !== null) this.rare.unmute(this.spec.mailboxMax / 2);
    if (this.status === "exited") return false;
    if (this.rare !== null && this.rare.lane.size > 0) return true;
    return this.queue !== null && this.queue.size > 0 && this.runnable;
  }

  /** @returns false: it moves, and has no turn any more */
  private serveFirst(more: Belongings, until: number): boolean {
    if (more.leaving) return false;
    this.serve(more.lane, until);
    if (more.suspended) this.serveUrgent(more);
    return true;
  }

  /** Serves signals. Those that let user code go on cost budget: a handler can wait without end. */
  private serve(signals: Fifo<Inner>, until: number): void {
    // Where the host cannot drain, a handler that goes on does so alone: its turn ends there.
    while (signals.size > 0 && this.status !== "exited" && !this.kernel.resumed) {
      if (this.reductions >= until && isInner(signals.first)) return;
      const next = signals.shift() as Inner;
      if (next.kind === "settled") {
        if (this.active === next.verbs) settled(this, next.verbs, next.ok, next.value);
      } else if (next.kind === "answered") {
        this.reductions++;
        resume(this, next);
      } else if (next.kind === "perform") {
        this.reductions++;
        next.run();
      } else onSignal(this, next);
    }
  }

  /** Suspended: only the system's own messages are served, the others wait (SEMANTICS 25.1). */
  private serveUrgent(more: Belongings): void {
    while (this.status === "idle" && more.urgent > 0) {
      const items = [...this.mailbox];
      const at = items.findIndex(({ kind }) => kind === "stop" || kind === "get_state");
      const [item] = items.splice(at, 1);
      this.mailbox.clear();
      for (const each of items) this.mailbox.push(each);
      this.handle(item as Item);
    }
  }

  private begin(): void {
    this.stage = "begun";
    const { startTimeoutMs } = this.spec;
    if (startTimeoutMs !== "infinity") limitStart(this, startTimeoutMs);
    if (this.slice !== null) this.kernel.committer.load(this.path, this.life);
    else invoke(this, "init", null);
  }

  /** What the store has of this actor; null = a new one. */
  loaded({ stored, error }: Extract<Completion, { kind: "loaded" }>): void {
    if (error) return bury(this, unreadable(this, error));
    if (this.started) return caughtUp(this, stored);
    if (stored === null && this.more.woken === null) return invoke(this, "init", null);
    const nobody = { tag: "no_actor", path: this.path } as const;
    const failure = stored === null ? nobody : restore(this, stored);
    return failure === null ? running(this, true) : bury(this, failure);
  }

  private handle(item: Item): void {
    if (item.kind !== "mail") return handleNotice(this, item);
    if (this.rare !== null && !prepared(this, this.rare, item)) return;
    if (item.ask !== 0) this.asked--;
    const handler = this.program.handlerOf(item.type);
    if (handler === undefined) return undeliverable(this.kernel, item, "unknown_type", this);
    this.reductions++;
    handleMail(this, item, handler);
  }

  /** Something for the slice; outside of a turn the kernel must be told, so that it is sealed. */
  collect(effect: Effect): void {
    this.slice?.add(effect);
    this.kernel.attended(this);
  }

  /** Envelopes of any kind but mail, which the kernel's delivery accepts or refuses. */
  receive(signal: Signal): void {
    receive(this, signal);
  }

  /** Behind the mail that came before it, also when that is on its way through the store. */
  notice(notice: Notice): void {
    if (this.slice !== null && (!this.started || this.more.incoming.size > 0)) {
      this.more.incoming.push(notice);
    } else {
      this.put(notice);
    }
  }

  /** Into the mailbox. */
  put(item: Item): void {
    if ((item as Mail).ask !== 0) this.count(item); // (Other items than mail have none.)
    // In this order: an end may land in between (guard.ts), and a turn for nothing does no harm.
    if (this.follower === null) this.program.kernel.scheduler.schedule(this);
    this.mailbox.push(item);
  }

  private count(item: Item): void {
    if (item.kind === "mail") this.asked++;
    else if (item.kind === "stop" || item.kind === "get_state") this.more.urgent++;
  }

  /** Runs something of this actor in its next turn. */
  later(run: () => void): void {
    this.signals.push({ kind: "perform", run });
    this.kernel.schedule(this);
  }
}
