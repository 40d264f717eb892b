/**
 * Owns: the Context interface, the verbs an actor has; its docs are the contract.
 * Does not own: what the verbs do (kernel/verbs.ts).
 */
import type { ExitReason } from "./exit.ts";
import type {
  AnyRef,
  AskKeys,
  DynamicRef,
  InputOf,
  Messages,
  NewChild,
  OutputOf,
  Ref,
  TellKeys,
} from "./protocol.ts";
import type { ToolValue } from "./tool.ts";
import type { Duration } from "./units.ts";

/** Structured log lines of one actor: they carry its path and incarnation. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** A timer set by {@link Context.after}. */
export interface Timer {
  /** Stops it. @returns false when it had fired or was cancelled before */
  cancel(): boolean;
}

/**
 * What happens to the times that passed while the actor was not there: `once` (default): one message
 * for all of them; `skip`: none; `all`: one for each, the first 1,000.
 */
export type Missed = "once" | "skip" | "all";

/**
 * A time that comes again: after each interval, or as a cron expression says ("minute hour day month
 * weekday", a field of seconds may go before), in a time zone. @default zone "UTC"
 */
export type Repeat = ({ every: Duration } | { cron: string; zone?: string }) & { missed?: Missed };

/** What {@link Context.after} may be told besides a delay. */
export interface AfterOptions {
  /**
   * `delay` (default): an ordinary message when the time is over. `idle`: only if no message at all
   * arrives in between (OTP's gen_server timeout). `next`: before any queued message, right after
   * the present handler (OTP's continue); the delay must be 0.
   */
  when?: "delay" | "idle" | "next";
  /**
   * Name of the timer within its actor: a later one of the same name takes its place, also after a
   * restart, and `"infinity"` as its delay takes it back. @limit 1 … 200 characters
   */
  id?: string;
}

/** What {@link Context.use} may be told besides the input. */
export interface UseOptions {
  /**
   * Who hears the output of a command while it is printed: each piece is a tell of
   * `{ stream: "stdout" | "stderr", text }`. Not recorded, so a rerun may say it again. @default nobody
   */
  output?: { readonly to: AnyRef; readonly type: string };
}

/** Verbs shared by whoever acts: `ctx` inside of an actor and `system` outside. */
export interface Sender {
  /**
   * Sends a message that is not answered. From a durable actor it leaves with the slice's commit;
   * otherwise at once. FIFO per sender and receiver. Never fails: what cannot be delivered becomes
   * a dead letter.
   */
  tell<M extends Messages, K extends TellKeys<M>>(
    ref: Ref<M>,
    type: K,
    message: InputOf<M[K]>,
  ): void | Promise<void>;
  /**
   * Sends a message and waits for its answer: reply, exit of the callee, or timeout.
   *
   * @param options.timeout default 5 s, as in OTP
   * @throws ActorError (rejects) timeout | exited | no_actor | overloaded | no_reply | calling_self
   */
  ask<M extends Messages, K extends AskKeys<M>>(
    ref: Ref<M>,
    type: K,
    message: InputOf<M[K]>,
    options?: { timeout?: Duration },
  ): Promise<OutputOf<M[K]>>;
}

/** What a handler may do. Only usable while its message is being handled. */
export interface Context<M extends Messages = Messages, Out = never> extends Sender {
  tell<N extends Messages, K extends TellKeys<N>>(
    ref: Ref<N>,
    type: K,
    message: InputOf<N[K]>,
  ): void;
  /**
   * Calls a granted tool: the result is recorded, so a rerun of the message does not call again.
   *
   * @throws ActorError (rejects) E_TOOL_DENIED E_TOOL_FAILED E_TOOL_KILLED E_TOOL_HOSTILE
   *   E_TOOL_UNKNOWN timeout overloaded; what the function of an inline tool throws
   */
  use<I, O>(tool: ToolValue<I, O>, input: I, options?: UseOptions): Promise<O>;
  /**
   * An inline side effect whose result is recorded: after a crash a durable actor gets the recorded
   * result and `fn` is not run again. Trusted code only.
   */
  step<T>(
    name: string,
    fn: (signal: AbortSignal, idempotencyKey: string) => T | Promise<T>,
    options?: { retries?: number; timeout?: Duration },
  ): Promise<T>;
  /**
   * A message to oneself later, or again and again. A timer ends with its actor; one of a durable
   * actor (`when: "delay"`) is kept by the commit that sets it and fires at least once, late if
   * nobody was there, never early.
   *
   * @limit 1,000 timers of a durable actor, or with a name, or that repeat
   * @throws E_UNITS E_TIMER
   */
  after<K extends TellKeys<M>>(
    delay: Duration | "infinity" | Repeat,
    type: K,
    message: InputOf<M[K]>,
    options?: AfterOptions,
  ): Timer;
  /** Starts a child of a dynamic supervisor. @throws ActorError (rejects) refused | exited */
  start<A, N extends Messages>(supervisor: DynamicRef<A, N>, options: NewChild<A>): Promise<Ref<N>>;
  /** Be told once, by the behaviour's `down` handler, when that incarnation ends. */
  watch(ref: AnyRef): { readonly id: number; cancel(): void };
  /** End together: an unclean end of one ends the other, unless it has an `exit` handler. */
  link(ref: AnyRef): { unlink(): void };
  /** Answers the ask being handled, once. */
  reply(value: Out): void;
  /** Keeps the ask being handled open; answer it later from any message of this incarnation. */
  defer(): { reply(value: Out): void };
  /** Ends this actor now. What earlier messages did stands; this one is finished too. */
  exit(reason?: ExitReason): never;
  /** Own ref. */
  readonly self: Ref<M>;
  /** Milliseconds of the runtime's monotonic clock: virtual in simulation. @unit ms */
  now(): number;
  /** Random number in [0, 1) from the runtime's generator: seeded in simulation. */
  random(): number;
  readonly log: Log;
  /** Fires when this incarnation ends: pass it to what should stop then. */
  readonly signal: AbortSignal;
}

/** A context of any types: what the kernel passes in. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where a context's types are erased
export type AnyContext = Context<any, any>;
