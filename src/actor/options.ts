/**
 * Owns: what people write in child(), supervisor() and dynamic(): every setting with its unit,
 * default and limits. Does not own: checking and completing them (spec.ts, settings.ts).
 */
import type { Names } from "./names.ts";
import type { Quota } from "./quota.ts";
import type { Runaway } from "./runaway.ts";
import type { AnyTool } from "./tool.ts";
import type { Duration, Size } from "./units.ts";

export type Restart = "permanent" | "transient" | "temporary";
export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one";
export type AutoShutdown = "never" | "any_significant" | "all_significant";
/** Milliseconds, or kill at once, or wait for ever. */
export type Shutdown = number | "brutal_kill" | "infinity";
export type Placement = "spread" | "with-parent" | "own-thread";
export type Overflow = "mute" | "reject" | "drop";

/** Settings every child has, actor or supervisor. */
export interface ChildSettings {
  /** When to restart: always, after an unclean end, never. @default "permanent" */
  restart?: Restart;
  /** How long a stop may take before the kill. @default "5s"; "infinity" for supervisors */
  shutdown?: Duration | "brutal_kill" | "infinity";
  /** Its end may end the supervisor (autoShutdown). @default false */
  significant?: boolean;
  /**
   * Which thread runs it. `spread`: any. `with-parent`: all children of one supervisor that say so
   * share a thread, and a dynamic supervisor whose children say so is there too: starting and
   * restarting them is a local act, and the loss of that thread takes the supervisor along.
   * `own-thread`: a thread and heap of its own, for it and all below it; not for children of a
   * dynamic supervisor. What is below a supervisor that is not `spread` stays with it.
   * @default "spread"
   */
  placement?: Placement;
  /** Limit of the heap of its own thread; over it the thread is lost. @default Node's */
  threadHeap?: Size;
  /** What it, with all below it, may spend. @default no limits */
  quota?: Quota;
}

/** Settings of a child that runs a behaviour. */
export interface ActorSettings extends ChildSettings {
  /**
   * Denies tool calls that go in circles, with words the model can read (`E_RUNAWAY`).
   * @default false
   */
  runaway?: boolean | Runaway;
  /** State, mailbox and outbox are kept in the app's store, one commit per slice. @default false */
  durable?: boolean;
  /**
   * May a busy thread give it to an idle one, between two messages? Say so when its code keeps
   * nothing of it outside of its state: variables of modules are those of the new thread then, and
   * handles kept from earlier messages do nothing. On one node. @default false @source ADR 0025
   */
  movable?: boolean;
  /** Tools this actor may use: nothing else is reachable. @default [] */
  tools?: readonly AnyTool[];
  /** Bound of the mailbox. @unit messages @default 10_000 @limit 1 … 10_000_000 */
  mailboxMax?: number;
  /** When full: mute local senders, reject asks (`overloaded`), or drop to dead letters. @default "mute" */
  overflow?: Overflow;
  /**
   * A message that makes its actor crash is delivered this often, then it is a dead letter.
   * Not more than the supervisor's intensity, or one bad message would take the tree down.
   * @default 3, or the intensity if that is less, but at least 1
   */
  maxDeliveries?: number;
  /**
   * A message during which a durable actor is gone without a word (its thread or node ended, or it was
   * killed) is delivered again this often, then it is a dead letter. Counted anew after each recorded
   * step, an orderly stop, or a minute of handling. @default 10 @limit 1 … 1_000
   */
  maxInterruptions?: number;
  /** Longest start, `init` included; over it the start fails. @default "infinity", as in OTP */
  startTimeout?: Duration | "infinity";
  /**
   * Longest time a handler may hold its thread at a stretch; over it the run is ended and the actor
   * exits with `aborted`. Time in which the machine runs something else does not count.
   * @unit ms @default 100 @limit 1 … 60_000 @source ADR 0004
   */
  sliceMs?: number;
  /**
   * Most metered work of one message: loop back-edges and function entries of app modules. Over it
   * the actor exits with `quota` (`reductions`), always at the same place of the same work.
   * @unit reductions @default 100_000_000 @limit 1_000 … 1_000_000_000
   */
  maxReductions?: number;
  /** Longest time a handler may take, awaiting included; then it is killed. @default "infinity" */
  handlerTimeout?: Duration | "infinity";
  /** Longest time `ctx.ask` waits when the call names none. @default "5s", as in OTP */
  askTimeout?: Duration;
  /**
   * A durable child of a dynamic supervisor that has had nothing to do for so long leaves the memory;
   * its next message, its next timer or whoever names it brings it back (ADR 0026).
   * @default never @limit 1 ms … 365 days
   */
  hibernateAfter?: Duration;
  /**
   * A large state of a durable actor is kept as what changed, and as a whole at least with every nth
   * commit that changes it: less to put together at a restart, more to write. 1: always as a whole.
   * @default 1_024 @limit 1 … 1_024 @source ADR 0018
   */
  snapshotEvery?: number;
  /**
   * Largest state of a durable actor, as its store has it. A handler that returns a larger one has
   * failed, with `E_STATE_SIZE`, and its message is delivered again as after any crash. Looked at
   * after each message that changes the state, which costs an encoding of it.
   * @unit bytes @default "infinity" @limit 1 kb … 1 gb @source ADR 0045
   */
  stateMax?: Size | "infinity";
  /** Check messages from inside as well as from outside. @default "edges" */
  validate?: "edges" | "always";
}

/** Flags of a supervisor; restart, shutdown and significant speak of it as a child. */
export interface SupervisorFlags extends ChildSettings {
  /** Who else is restarted with a child that ended. @default "one_for_one" */
  strategy?: Strategy;
  /** More restarts than this in `period` end the supervisor. @default 1 @limit 0 … 1_000_000 */
  intensity?: number;
  /** @default "5s" @limit 1 ms … 365 days */
  period?: Duration;
  /** End when significant children have ended. @default "never" */
  autoShutdown?: AutoShutdown;
}

/** Flags of a dynamic supervisor. */
export interface DynamicFlags extends Omit<SupervisorFlags, "strategy" | "autoShutdown"> {
  /** Most children at a time. @default 1_000_000 */
  maxChildren?: number;
}

const CHILD: Names<ChildSettings> = {
  restart: true,
  shutdown: true,
  significant: true,
  placement: true,
  threadHeap: true,
  quota: true,
};

/** The settings there are. */
export const ACTOR_SETTINGS: Names<ActorSettings> = {
  ...CHILD,
  runaway: true,
  durable: true,
  movable: true,
  tools: true,
  mailboxMax: true,
  overflow: true,
  maxDeliveries: true,
  maxInterruptions: true,
  startTimeout: true,
  sliceMs: true,
  maxReductions: true,
  handlerTimeout: true,
  askTimeout: true,
  hibernateAfter: true,
  snapshotEvery: true,
  stateMax: true,
  validate: true,
};

/** Of a fixed child: others get their args with each start. */
export const CHILD_SETTINGS: Names<ActorSettings & { args?: unknown }> = {
  ...ACTOR_SETTINGS,
  args: true,
};

export const DYNAMIC_FLAGS: Names<DynamicFlags> = {
  ...CHILD,
  intensity: true,
  period: true,
  maxChildren: true,
};

/** Of a supervisor with fixed children. */
export const SUPERVISOR_FLAGS: Names<SupervisorFlags> = {
  ...CHILD,
  strategy: true,
  intensity: true,
  period: true,
  autoShutdown: true,
};

/** Of any spec. */
export const ANY_SETTINGS = { ...CHILD_SETTINGS, ...SUPERVISOR_FLAGS, ...DYNAMIC_FLAGS };
