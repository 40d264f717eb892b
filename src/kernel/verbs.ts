/**
 * Owns: what the verbs of a Context do: one Verbs object per handled message, good only while that
 * message is being handled. In a durable actor effects go into the slice; otherwise they leave at
 * once. Does not own: the actor's life (cell.ts), delivery (kernel.ts), timers (alarms.ts).
 * Between #enter and resume the code is ours: a watcher does not end it (guard.ts).
 * Invariants: K3; a dead incarnation, or a finished message, can do nothing any more (SEMANTICS 30.2).
 */
import { checkId } from "../actor/actor.ts";
import type { AfterOptions, AnyContext, Log, Timer, UseOptions } from "../actor/context.ts";
import { ActorError } from "../actor/errors.ts";
import { type ExitReason, ExitThrown, NORMAL } from "../actor/exit.ts";
import { Address, type NewChild } from "../actor/protocol.ts";
import type { AnyTool } from "../actor/tool.ts";
import { type Duration, milliseconds } from "../actor/units.ts";
import { type Delay, setAlarm } from "./alarms.ts";
import { replyTo, tooLate } from "./answers.ts";
import type { Cell } from "./cell.ts";
import { Course } from "./course.ts";
import { perform, type StepOptions } from "./effects.ts";
import type { LogLevel } from "./events.ts";
import { answeredBefore, released } from "./journal.ts";
import type { Phase } from "./life.ts";
import { mailOf } from "./mailbox.ts";
import { Pending } from "./pending.ts";
import type { Envelope, Mail } from "./ports.ts";
import { toSend } from "./slice.ts";
import { link, watch } from "./ties.ts";
import { step, use } from "./using.ts";

type Target = { readonly path: string };

/** The implementation of {@link Context} for one message of one incarnation. */
export class Verbs {
  readonly #cell: Cell;
  /** The ask being handled, until it is answered or deferred. */
  open: Mail | null;
  readonly mail: Mail | null;
  readonly phase: Phase;
  #course: Course | null = null;

  constructor(cell: Cell, phase: Phase, mail: Mail | null) {
    this.#cell = cell;
    this.phase = phase;
    this.mail = mail;
    this.open = mail !== null && mail.ask !== 0 ? mail : null;
  }

  /** As a behaviour sees it: the same object, with the types of its messages. */
  get context(): AnyContext {
    return this as unknown as AnyContext;
  }

  /** What few handlers have: made when first needed. */
  get more(): Course {
    this.#course ??= new Course();
    return this.#course;
  }

  /** The same, if there is any. */
  get own(): Course | null {
    return this.#course;
  }

  /** From user code into a verb; in no turn when it waited for something of its own. @throws E_CTX_CLOSED */
  #enter(verb: string): Cell {
    const cell = this.#cell;
    if (cell.active !== this) late(cell, verb);
    const { kernel } = cell.program;
    kernel.guard.pause();
    if (kernel.scheduler.current === null) kernel.freshen();
    return cell;
  }

  /** Does something of ours for user code. */
  #within<T>(verb: string, act: (cell: Cell) => T): T {
    const cell = this.#enter(verb);
    try {
      return act(cell);
    } finally {
      cell.kernel.guard.resume();
    }
  }

  /** Takes the ask being handled. @throws E_CTX_CLOSED when there is none */
  #take(cell: Cell, verb: "answer" | "defer"): Mail {
    const { open } = this;
    if (open === null) {
      cell.kernel.guard.resume();
      throw new ActorError("E_CTX_CLOSED", `there is no ask to ${verb}`, {
        at: cell.path,
        fix: "reply once, to a message declared with ask()",
      });
    }
    this.open = null;
    return open;
  }

  /** An effect: at once, or with the slice's commit unless an earlier run has released it. */
  send(cell: Cell, envelope: Envelope, id?: string): void {
    cell.reductions++;
    if (cell.slice === null) cell.kernel.send(envelope, cell);
    else if (++this.more.effects > released(cell, this)) cell.collect(toSend(envelope, id));
  }

  get self() {
    const self = new Address(this.#cell.path, this.#cell.behaviour.name);
    Address.meet(self, this.#cell);
    return self;
  }

  get log(): Log {
    const cell = this.#cell;
    const { guard } = cell.kernel;
    const at = (level: LogLevel) => (message: string, fields?: Record<string, unknown>) => {
      guard.pause();
      cell.kernel.emit({ type: "log", path: cell.path, level, message, fields: fields ?? null });
      guard.resume();
    };
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }

  get signal(): AbortSignal {
    return this.#cell.more.abort().signal;
  }

  now(): number {
    return this.#cell.kernel.freshen();
  }

  random(): number {
    return this.#cell.kernel.random();
  }

  tell(ref: Target, type: string, message: unknown): void {
    const cell = this.#cell;
    const { kernel } = cell.program;
    const mail = mailOf(ref.path, type, kernel.frozen(message), cell.path, 0);
    // As #enter(): this is the path that everything else is measured by.
    if (cell.active !== this) late(cell, "tell");
    const receiver = cell.slice === null ? kernel.near(ref) : null;
    if (receiver !== null) {
      // Without marks: wherever an end lands in here, the message is in the mailbox or is not.
      cell.reductions++;
      return receiver.put(mail);
    }
    kernel.guard.pause();
    if (cell.slice === null) kernel.post(ref, mail, cell);
    else this.send(cell, mail);
    kernel.guard.resume();
  }

  ask(
    ref: Target,
    type: string,
    message: unknown,
    options?: { timeout?: Duration },
  ): Promise<unknown> {
    const own = this.#cell;
    const given = options?.timeout;
    const ms = given === undefined ? own.spec.askTimeoutMs : milliseconds(given, "ctx.ask timeout");
    const mail = own.kernel.mail(ref.path, type, message, own.path, 0);
    const cell = this.#enter("ask");
    const { kernel } = cell;
    try {
      if (ref.path !== cell.path) {
        const pending = new Pending(this, cell, ref.path, { verb: "ask", type });
        if (!answeredBefore(pending)) this.#await(cell, pending, ref, mail, ms);
        return pending.promise;
      }
    } finally {
      kernel.guard.resume();
    }
    const fact = "an actor asked itself";
    return Promise.reject(
      new ActorError("calling_self", fact, { at: cell.path, fix: "call your own function" }),
    );
  }

  /** Sends the question and waits for its answer. */
  #await(cell: Cell, pending: Pending, ref: Target, mail: Mail, timeoutMs: number): void {
    const { kernel } = cell;
    const id = kernel.asks.expect(pending);
    pending.timer = kernel.timers.add(kernel.nowMs + timeoutMs, () => kernel.asks.timedOut(id));
    mail.ask = id;
    if (cell.slice === null) {
      mail.origin = pending;
      kernel.post(ref, mail, cell);
    } else {
      cell.reductions++;
      cell.collect({ kind: "send", envelope: mail });
    }
  }

  start(ref: Target & { dynamic?: string }, { id, args }: NewChild<unknown>): Promise<unknown> {
    if (id !== undefined) checkId(id, "child id");
    const cell = this.#enter("start");
    const call = { verb: "start", behaviour: ref.dynamic ?? "" } as const;
    try {
      const pending = new Pending(this, cell, ref.path, call);
      if (!answeredBefore(pending)) {
        const ask = cell.kernel.asks.expect(pending);
        const request = { op: "start_child" as const, id, args };
        const envelope = { kind: "call" as const, to: ref.path, from: cell.path, ask, request };
        if (cell.slice === null) cell.kernel.send(envelope, cell);
        else cell.collect({ kind: "send", envelope });
      }
      return pending.promise;
    } finally {
      cell.kernel.guard.resume();
    }
  }

  use(tool: AnyTool, input: unknown, options: UseOptions = {}): Promise<unknown> {
    return this.#within("use", (cell) => use(this, cell, tool, input, options));
  }

  step<T>(
    name: string,
    fn: (signal: AbortSignal, key: string) => T | Promise<T>,
    options: StepOptions = {},
  ): Promise<T> {
    return this.#within("step", (cell) => {
      step(this, cell);
      return perform(this, cell, name, options, fn) as Promise<T>;
    });
  }

  after(delay: Delay, type: string, message: unknown, options: AfterOptions = {}): Timer {
    const mail = this.#cell.kernel.mail(this.#cell.path, type, message, this.#cell.path, 0);
    return this.#within("after", (cell) => {
      cell.reductions++;
      return setAlarm(this, cell, delay, mail, options);
    });
  }

  watch(ref: Target) {
    return this.#within("watch", (cell) => watch(cell, ref.path));
  }

  link(ref: Target) {
    return this.#within("link", (cell) => link(cell, ref.path));
  }

  reply(value: never): void {
    const answer = { ok: true as const, value: this.#cell.kernel.frozen(value) };
    const cell = this.#enter("reply");
    const { kernel } = cell.program;
    const open = this.#take(cell, "answer");
    const origin = open.origin ?? null;
    if (cell.slice === null && origin !== null && origin.cell.program.kernel === kernel) {
      // An ephemeral actor's answer to somebody on this thread needs no envelope.
      cell.reductions++;
      kernel.asks.answered(open.ask, answer);
    } else {
      this.send(cell, replyTo(open, answer), open.stamp?.id);
    }
    kernel.guard.resume();
  }

  defer() {
    const cell = this.#enter("defer");
    const open = this.#take(cell, "defer");
    cell.more.deferred.add(open);
    cell.kernel.guard.resume();
    return {
      reply: (value: never) => {
        const answer = { ok: true as const, value: cell.kernel.frozen(value) };
        cell.kernel.guard.pause();
        const now = cell.active;
        // A reply nobody waits for, or of a dead incarnation: counted, never delivered.
        if (now === null || !cell.more.deferred.delete(open))
          cell.kernel.fenced(cell, "defer.reply");
        else now.send(cell, replyTo(open, answer), open.stamp?.id);
        cell.kernel.guard.resume();
      },
    };
  }

  exit(reason: ExitReason = NORMAL): never {
    throw this.#leaving(reason);
  }

  /** (What never returns, as exit(), is never compiled: so this is a function of its own.) */
  #leaving(reason: ExitReason): ExitThrown {
    const cell = this.#enter("exit");
    const thrown = new ExitThrown(reason);
    this.more.over = thrown;
    cell.program.kernel.guard.resume();
    return thrown;
  }
}

function late(cell: Cell, verb: string): never {
  cell.kernel.fenced(cell, verb);
  throw tooLate(cell.path, verb);
}
