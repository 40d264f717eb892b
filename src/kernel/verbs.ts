/**
 * Owns: what the verbs of a Context do: one Verbs object per handled message, good only while that
 * message is being handled. In a durable actor effects go into the slice; otherwise they leave at
 * once. Does not own: the actor's life (cell.ts), delivery (kernel.ts).
 * Invariants: K3; a dead incarnation, or a finished message, can do nothing any more (SEMANTICS 30.2).
 */
import { checkId } from "../actor/actor.ts";
import type { AfterOptions, AnyContext, Log, Timer } from "../actor/context.ts";
import { ActorError } from "../actor/errors.ts";
import { type ExitReason, ExitThrown, NORMAL } from "../actor/exit.ts";
import type { AnyTool } from "../actor/tool.ts";
import { type Duration, milliseconds } from "../actor/units.ts";
import { replyTo, startedRef } from "./answers.ts";
import type { Cell } from "./cell.ts";
import type { LogLevel } from "./events.ts";
import { released } from "./journal.ts";
import type { Envelope, Mail } from "./ports.ts";
import type { AdminResult } from "./supervision.ts";
import type { TimerEntry } from "./timers.ts";
import { perform, type StepOptions, wait } from "./waiting.ts";

type Target = { readonly path: string };

/** The implementation of {@link Context} for one message of one incarnation. */
export class Verbs {
  readonly #cell: Cell;
  /** The ask being handled, until it is answered or deferred. */
  open: Mail | null;
  readonly mail: Mail | null;
  /** Next place in the journal, and number of effects so far that a rerun must not repeat. */
  steps = 0;
  effects = 0;
  /** Set by exit() and by a rerun on another way: it ends the actor also when it was caught. */
  over: ExitThrown | null = null;

  constructor(cell: Cell, mail: Mail | null) {
    this.#cell = cell;
    this.mail = mail;
    this.open = mail !== null && mail.ask !== 0 ? mail : null;
  }

  /** As a behaviour sees it: the same object, with the types of its messages. */
  get context(): AnyContext {
    return this as unknown as AnyContext;
  }

  #check(verb: string): Cell {
    const cell = this.#cell;
    if (cell.active !== this) {
      cell.kernel.fenced(cell, verb);
      throw new ActorError("E_CTX_CLOSED", `ctx.${verb} was called too late`, {
        at: cell.path,
        fix: "await everything inside of the handler; after it, or after the actor's end, nothing leaves",
      });
    }
    return cell;
  }

  #send(cell: Cell, envelope: Envelope): void {
    this.effects++;
    cell.reductions++;
    if (cell.slice === null) cell.kernel.send(envelope, cell);
    else if (this.effects > released(cell, this)) cell.collect({ kind: "send", envelope });
  }

  /** Ends a link or watch from wherever it is called; a dead incarnation has none any more. */
  #untie(had: boolean, envelope: Envelope): void {
    const cell = this.#cell;
    if (cell.status === "exited") return cell.kernel.fenced(cell, envelope.kind);
    if (had) this.#tie(cell, envelope);
  }

  /** A link or watch: it belongs to this incarnation, so a rerun in the next one makes it again. */
  #tie(cell: Cell, envelope: Envelope): void {
    cell.reductions++;
    if (cell.slice === null) cell.kernel.send(envelope, cell);
    else cell.collect({ kind: "send", envelope });
  }

  get self() {
    return { path: this.#cell.path, behaviour: this.#cell.behaviour.name };
  }

  get log(): Log {
    const cell = this.#cell;
    const at = (level: LogLevel) => (message: string, fields?: Record<string, unknown>) =>
      cell.kernel.emit({ type: "log", path: cell.path, level, message, fields: fields ?? null });
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }

  get signal(): AbortSignal {
    return this.#cell.more.abort().signal;
  }

  now(): number {
    return this.#cell.kernel.nowMs;
  }

  random(): number {
    return this.#cell.kernel.random();
  }

  tell(ref: Target, type: string, message: unknown): void {
    const cell = this.#check("tell");
    this.#send(cell, cell.kernel.mail(ref.path, type, message, cell.path, 0));
  }

  ask(
    ref: Target,
    type: string,
    message: unknown,
    options?: { timeout?: Duration },
  ): Promise<unknown> {
    const cell = this.#check("ask");
    const { kernel } = cell;
    const timeoutMs = milliseconds(options?.timeout ?? 5_000, "ctx.ask timeout");
    if (ref.path === cell.path) {
      const fact = "an actor asked itself";
      return Promise.reject(
        new ActorError("calling_self", fact, { at: cell.path, fix: "call your own function" }),
      );
    }
    return wait(this, cell, `ask ${ref.path} ${type}`, ref.path, (pending) => {
      const id = kernel.asks.expect(pending);
      pending.timer = kernel.timers.add(kernel.nowMs + timeoutMs, () => kernel.asks.timedOut(id));
      const mail = kernel.mail(ref.path, type, message, cell.path, id);
      cell.reductions++;
      if (cell.slice === null) kernel.send(mail, cell);
      else cell.collect({ kind: "send", envelope: mail });
    });
  }

  start(ref: Target, options: { id?: string; args: unknown }): Promise<unknown> {
    const cell = this.#check("start");
    const { id, args } = options;
    if (id !== undefined) checkId(id, "child id");
    const { kernel } = cell;
    const started = wait(this, cell, `start ${ref.path}`, ref.path, (pending) => {
      const ask = kernel.asks.expect(pending);
      const request = { op: "start_child" as const, id, args };
      const call = { kind: "call" as const, to: ref.path, from: cell.path, ask, request };
      if (cell.slice === null) kernel.send(call, cell);
      else cell.collect({ kind: "send", envelope: call });
    });
    const behaviour = (ref as { dynamic?: string }).dynamic ?? "";
    return started.then((result) => startedRef(ref.path, behaviour, result as AdminResult));
  }

  use(tool: AnyTool, input: unknown): Promise<unknown> {
    const cell = this.#check("use");
    return perform(this, cell, `use ${tool.name}`, {}, (signal, key) =>
      cell.kernel.tools.call(cell.spec, tool, input, key, signal),
    );
  }

  step<T>(
    name: string,
    fn: (signal: AbortSignal, key: string) => T | Promise<T>,
    options: StepOptions = {},
  ): Promise<T> {
    return perform(this, this.#check("step"), name, options, fn) as Promise<T>;
  }

  after(delay: Duration, type: string, message: unknown, options: AfterOptions = {}): Timer {
    const cell = this.#check("after");
    const { kernel } = cell;
    const ms = milliseconds(delay, "ctx.after delay");
    const mail = kernel.mail(cell.path, type, message, cell.path, 0);
    cell.reductions++;
    if (options.when === "next") {
      this.#next(cell, mail);
      return { cancel: () => false };
    }
    const idle = options.when === "idle";
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
        if (entry !== null) return cell.more.cancel(entry);
        const was = !cancelled;
        cancelled = true;
        return was;
      },
    };
  }

  /** A continuation. A durable actor's goes through the store, so that a crash does not lose it. */
  #next(cell: Cell, mail: Mail): void {
    if (cell.slice === null) return void cell.more.next.push(mail);
    this.#send(cell, mail);
    if (this.effects > released(cell, this)) cell.more.coming.add(mail);
  }

  watch(ref: Target) {
    const cell = this.#check("watch");
    const id = cell.kernel.nextId();
    cell.more.watching.set(id, ref.path);
    this.#tie(cell, { kind: "watch", to: ref.path, from: cell.path, id });
    const cancel = () => {
      const had = cell.more.watching.delete(id);
      this.#untie(had, { kind: "unwatch", to: ref.path, from: cell.path, id });
    };
    return { id, cancel };
  }

  link(ref: Target) {
    const cell = this.#check("link");
    cell.more.links.add(ref.path);
    this.#tie(cell, { kind: "link", to: ref.path, from: cell.path });
    const unlink = () => {
      const had = cell.more.unlink(ref.path);
      this.#untie(had, { kind: "unlink", to: ref.path, from: cell.path });
    };
    return { unlink };
  }

  reply(value: never): void {
    const cell = this.#check("reply");
    const { open } = this;
    if (open === null) {
      throw new ActorError("E_CTX_CLOSED", "there is no ask to answer", {
        at: cell.path,
        fix: "reply once, to a message declared with ask()",
      });
    }
    this.open = null;
    this.#send(cell, replyTo(open, { ok: true, value: cell.kernel.frozen(value) }));
  }

  defer() {
    const cell = this.#check("defer");
    const { open } = this;
    if (open === null) {
      throw new ActorError("E_CTX_CLOSED", "there is no ask to defer", { at: cell.path });
    }
    this.open = null;
    cell.more.deferred.add(open);
    return {
      reply: (value: never) => {
        const now = cell.active;
        if (now === null || !cell.more.deferred.delete(open)) return this.#late(cell);
        now.#send(cell, replyTo(open, { ok: true, value: cell.kernel.frozen(value) }));
      },
    };
  }

  /** A reply nobody waits for, or of a dead incarnation: counted, never delivered. */
  #late(cell: Cell): void {
    cell.kernel.fenced(cell, "defer.reply");
  }

  exit(reason: ExitReason = NORMAL): never {
    this.#check("exit");
    this.over = new ExitThrown(reason);
    throw this.over;
  }
}
