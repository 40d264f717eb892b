/**
 * Owns: one actor as it stands: status, state, mailbox, and its turn: what is served in which
 * order. Does not own: running a handler (handling.ts), committing (commits.ts), ending (ending.ts),
 * who runs when (scheduler.ts), rare belongings like links and timers (belongings.ts).
 */
import type { AnyBehaviour } from "../actor/actor.ts";
import { assert } from "../actor/errors.ts";
import type { ActorSpec } from "../actor/spec.ts";
import { replyTo } from "./answers.ts";
import { Belongings } from "./belongings.ts";
import { seal } from "./commits.ts";
import { acceptDurable, catchUp, caughtUp } from "./durable-mail.ts";
import { bury } from "./ending.ts";
import { Fifo } from "./fifo.ts";
import { end, invoke, settled } from "./handling.ts";
import { resume } from "./journal.ts";
import type { Kernel } from "./kernel.ts";
import { mayBecome, type Status } from "./life.ts";
import { type Item, Mailbox, type Notice } from "./mailbox.ts";
import type { Answer, Completion, Signal } from "./ports.ts";
import { restore } from "./restore.ts";
import { onSignal, receive } from "./signals.ts";
import { type Effect, type Journal, Slice } from "./slice.ts";
import { cellStarted } from "./telling.ts";
import type { Verbs } from "./verbs.ts";
import type { Pending } from "./waiting.ts";

/** What the cell's own lane of signals holds: served before mail, outside of budgets (K6). */
export type Inner =
  | Signal
  | { kind: "settled"; verbs: Verbs; ok: boolean; value: unknown }
  | { kind: "answered"; pending: Pending; answer: Answer }
  | { kind: "perform"; run: () => void };

const isInner = (next: Inner | undefined) =>
  next !== undefined && (next.kind === "answered" || next.kind === "perform");

/** One incarnation of one actor. */
export class Cell {
  readonly kernel: Kernel;
  readonly path: string;
  readonly life: number;
  readonly incarnation: number;
  readonly spec: ActorSpec;
  readonly behaviour: AnyBehaviour;
  readonly parent: string;
  args: unknown;
  status: Status = "starting";
  state: unknown = undefined;
  readonly mailbox = new Mailbox();
  readonly signals = new Fifo<Inner>();
  /** Is it in the ready queue (K5)? */
  queued = false;
  suspended = false;
  /** Number of full mailboxes this actor has sent to: it rests until they have room. */
  mutedBy = 0;
  begun = false;
  /** Has the supervisor been told that the start is over? */
  started = false;
  /** The verbs that are good now: of the message being handled, or parked. */
  active: Verbs | null = null;
  /** Set in durable actors only. */
  slice: Slice | null;
  journal: Journal | null = null;
  /** What goes on when the next commit, or the one in flight, is done. */
  afterCommit: (() => void) | null = null;
  inFlight: (() => void) | null = null;
  /** Set by the end: tells the others of it. */
  settle: (() => void) | null = null;
  /** Asks in the mailbox, and notices of the system: somebody waits for these. */
  asked = 0;
  urgent = 0;
  replaying = false;
  reductions = 0;
  handled = 0;
  /** Highest mail number already read from the store. */
  watermark = 0;
  #more: Belongings | null = null;

  constructor(kernel: Kernel, start: Extract<Signal, { kind: "start" }>) {
    this.kernel = kernel;
    this.path = start.to;
    this.life = start.life;
    this.incarnation = start.incarnation;
    this.spec = start.spec as ActorSpec;
    this.behaviour = this.spec.behaviour;
    this.parent = start.parent;
    this.args = start.args;
    this.slice = this.spec.durable ? new Slice() : null;
  }

  /** Links, timers, watches: made when first needed; most actors never do. */
  get more(): Belongings {
    this.#more ??= new Belongings(this);
    return this.#more;
  }

  /** The same, if there are any. */
  get own(): Belongings | null {
    return this.#more;
  }

  become(status: Status): void {
    assert(mayBecome(this.status, status), "K1", `${this.path} ${this.status} → ${status}`);
    this.status = status;
  }

  /** Messages that wait, those on their way through the store too: what the bound is about. */
  get waiting(): number {
    return this.mailbox.size + (this.#more?.incoming.size ?? 0);
  }

  /** The same without the system's own: what an idle timeout gives way to. */
  get unread(): number {
    return this.waiting - this.urgent;
  }

  /** Can mail be handled now? Somebody who is waited for does not rest: the other might never read. */
  get runnable(): boolean {
    if (this.status !== "idle" || this.suspended) return false;
    if (this.#more !== null && this.#more.coming.size > 0) return false;
    const deferred = this.#more?.deferred.size ?? 0;
    return this.mutedBy === 0 || this.asked + this.urgent + deferred > 0;
  }

  /** One turn: all signals, then mail while the budget lasts. @returns whether work is left */
  turn(messages: number, reductions: number): boolean {
    if (!this.begun) this.#begin();
    const until = this.reductions + reductions;
    this.#serve(until);
    if (this.suspended && this.urgent > 0) this.#serveUrgent();
    for (let left = messages; left > 0 && this.runnable && this.reductions < until; left--) {
      const item = this.mailbox.shift();
      if (item === undefined) break;
      this.#handle(item);
      if (this.signals.size > 0) this.#serve(until);
    }
    seal(this);
    if (this.#more !== null && this.#more.muting.size > 0)
      this.#more.unmute(this.spec.mailboxMax / 2);
    if (this.status === "exited") return false;
    return this.signals.size > 0 || (this.runnable && this.mailbox.size > 0);
  }

  /** Serves signals. Those that let user code go on cost budget: a handler can wait without end. */
  #serve(until: number): void {
    // Where the host cannot drain, a handler that goes on does so alone: its turn ends there.
    while (this.status !== "exited" && !this.kernel.resumed) {
      if (this.reductions >= until && isInner(this.signals.first)) return;
      const next = this.signals.shift();
      if (next === undefined) return;
      if (next.kind === "settled") {
        if (this.active === next.verbs) settled(this, next.verbs, next.ok, next.value);
      } else if (next.kind === "answered") {
        this.reductions++;
        resume(this, next.pending, next.answer);
      } else if (next.kind === "perform") {
        this.reductions++;
        next.run();
      } else onSignal(this, next);
    }
  }

  /** Suspended: only the system's own messages are served, the others wait (SEMANTICS 25.1). */
  #serveUrgent(): void {
    while (this.status === "idle" && this.urgent > 0) {
      const items = [...this.mailbox];
      const at = items.findIndex(({ kind }) => kind === "stop" || kind === "get_state");
      const [item] = items.splice(at, 1);
      this.mailbox.clear();
      for (const each of items) this.mailbox.push(each);
      this.#handle(item as Item);
    }
  }

  #begin(): void {
    this.begun = true;
    const { startTimeoutMs } = this.spec;
    if (startTimeoutMs !== "infinity") {
      this.more.own(startTimeoutMs, () => {
        if (this.status === "starting" || !this.started)
          bury(this, { tag: "killed", by: "deadline" });
      });
    }
    if (this.slice !== null) this.kernel.committer.load(this.path, this.life);
    else invoke(this, "init", null);
  }

  /** What the store has of this actor; null = a new one. */
  loaded(completion: Extract<Completion, { kind: "loaded" }>): void {
    if (this.started) return caughtUp(this, completion.stored);
    if (completion.error) {
      const { code, message } = completion.error as Extract<Answer, { ok: false }>;
      return bury(this, { tag: "bad_start", code, message });
    }
    if (completion.stored === null) return invoke(this, "init", null);
    const failure = restore(this, completion.stored);
    if (failure !== null) return bury(this, failure);
    this.running();
  }

  running(): void {
    this.started = true;
    this.active = null;
    this.become("idle");
    cellStarted(this, { ok: true });
    if (this.#more !== null) {
      this.#more.rest();
      const knocked = this.#more.knocked.splice(0);
      // Numbered for a predecessor that is forgotten: this one's mailbox begins anew.
      if (this.watermark === 0) for (const mail of knocked) mail.seq = 0;
      const early = [...knocked, ...this.#more.incoming];
      this.#more.incoming.clear();
      for (const item of early) {
        if (item.kind !== "mail") this.notice(item);
        else if (item.seq === 0 || item.seq > this.watermark)
          acceptDurable(this.kernel, this, item);
      }
      if (this.#more.stale) catchUp(this);
    }
    this.kernel.schedule(this);
  }

  #handle(item: Item): void {
    if (item.kind === "mail") {
      if (item.ask !== 0) this.asked--;
      this.#more?.cancelIdle();
      const handler = Object.hasOwn(this.behaviour.on, item.type) ? item.type : null;
      if (handler === null) return this.kernel.undeliverable(item, "unknown_type", this);
      this.reductions++;
      return invoke(this, "mail", item);
    }
    if (item.kind === "stop") {
      this.urgent--;
      return end(this, item.reason);
    }
    if (item.kind === "get_state") {
      this.urgent--;
      const answer: Answer = { ok: true, value: this.state };
      return this.kernel.send(replyTo(item, answer), null);
    }
    this.#more?.cancelIdle();
    // Unlinked or unwatched since it was queued: then it must not be seen (SEMANTICS 17.1, 18.3).
    if (!this.more.consume(item)) return;
    if (this.behaviour[item.kind] === undefined) {
      return this.kernel.emit({ type: "dropped_notice", path: this.path, notice: item.kind });
    }
    this.reductions++;
    invoke(this, item.kind, item);
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
    if (item.kind === "mail") {
      if (item.ask !== 0) this.asked++;
    } else if (item.kind === "stop" || item.kind === "get_state") {
      this.urgent++;
    }
    this.mailbox.push(item);
    this.kernel.schedule(this);
  }

  /** Runs something of this actor in its next turn. */
  later(run: () => void): void {
    this.signals.push({ kind: "perform", run });
    this.kernel.schedule(this);
  }
}
