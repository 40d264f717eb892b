/**
 * Owns: what travels between actors, threads and stores, and the ports a host gives a kernel.
 * Does not own: any of their implementations (node/, store/, sim/).
 */
import type { ErrorCode } from "../actor/errors.ts";
import type { ExitReason } from "../actor/exit.ts";
import type { ChildSpec } from "../actor/spec.ts";
import type { Fact } from "./events.ts";
import type { Item } from "./mailbox.ts";
import type { Move } from "./moving.ts";
import type { Pending } from "./pending.ts";
import type { Ahead, Enqueued, Firing, Stamp, Surveyed, TimerChange, TimerRecord } from "./rows.ts";
import type { AdminRequest, StartOutcome } from "./supervision.ts";
import type { Tools } from "./tools.ts";

export type * from "./rows.ts";

/** A user message under way. `ask` is 0 for a tell; `seq` is its number in the store, 0 = none. */
export interface Mail {
  readonly kind: "mail";
  readonly to: string;
  readonly type: string;
  readonly message: unknown;
  /** Path of the sender, "" = nobody, "~N" = outside, attached to thread N. */
  readonly from: string;
  ask: number;
  /** Below 0: not numbered yet, but a life of its receiver, this one, has it already (ahead.ts). */
  seq: number;
  attempts: number;
  /** Of mail that was read from the store: deliveries by incarnations that are gone. */
  tries?: number;
  /** A timer of a durable actor that fires: its row turns into this message. */
  via?: Firing;
  /** Of somebody outside who sends it once, or wants to know that it is stored. */
  stamp?: Stamp;
  /** The next one in the same mailbox (mailbox.ts). */
  next?: Item | null;
  /** An ask of this thread: what waits for its answer. Goes nowhere else. */
  origin?: Pending | null;
}

/** How an ask or a call ended. */
export type Answer =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      readonly message: string;
      readonly reason?: ExitReason;
    };

/** Everything but mail. `to` is the path of the receiver. */
export type Signal =
  | {
      readonly kind: "start";
      readonly to: string;
      readonly life: number;
      readonly incarnation: number;
      readonly spec: ChildSpec;
      readonly args: unknown;
      readonly parent: string;
      /**
       * It comes back: it must be in the store, which has its args. Since this wall time somebody has
       * watched its timers, and none was missed; Infinity: nobody has, it was on another node.
       */
      readonly woken?: number;
    }
  | { readonly kind: "started"; to: string; life: number; outcome: StartOutcome }
  | { readonly kind: "exited"; to: string; life: number; reason: ExitReason }
  /** From its supervisor (life > 0) or an operator (life 0: whichever lives). */
  | { readonly kind: "shutdown"; to: string; life: number; reason: ExitReason }
  | { readonly kind: "kill"; to: string; life: number; by: "supervisor" | "operator" | "deadline" }
  /** An exit signal over a link, or sent by hand (`linked` false). */
  | { readonly kind: "exit"; to: string; from: string; reason: ExitReason; linked: boolean }
  | { readonly kind: "link"; to: string; from: string }
  | { readonly kind: "unlink"; to: string; from: string }
  | { readonly kind: "watch"; to: string; from: string; id: number }
  | { readonly kind: "unwatch"; to: string; from: string; id: number }
  | { readonly kind: "down"; to: string; id: number; path: string; reason: ExitReason }
  | { readonly kind: "reply"; to: string; ask: number; answer: Answer }
  | { readonly kind: "call"; to: string; from: string; ask: number; request: AdminRequest }
  /** To a sender on another thread: a mailbox is full, or has room again. */
  | { readonly kind: "mute" | "unmute"; to: string; by: string }
  /** The store has mail from another node: to a durable actor, which reads its mailbox again. */
  | { readonly kind: "nudge"; to: string }
  | { readonly kind: "suspend"; to: string }
  | { readonly kind: "resume"; to: string }
  /** To the thread of a durable child that is gone for good: before it may be started again there. */
  | { readonly kind: "forget"; to: string; by: number }
  | { readonly kind: "forgotten"; to: string }
  /** To its supervisor: it has left the memory. `dueMs`: wall time of its next timer, if any. */
  | { readonly kind: "hibernated"; to: string; life: number; dueMs: number | null }
  /** To the supervisor of an actor that hibernates, perhaps: somebody needs it. */
  | { readonly kind: "wake"; to: string; id: string }
  /** The answer, if there is no such actor. */
  | { readonly kind: "nobody"; to: string }
  | Move
  /** OTP's sys:get_state: waits its turn behind queued mail. */
  | { readonly kind: "get_state"; to: string; from: string; ask: number };

export type Envelope = Mail | Signal;

/** A recorded result of an ask, use or step of the message in flight. */
export interface StepRecord {
  readonly seq: number;
  readonly index: number;
  readonly name: string;
  readonly answer: Answer;
}

/** What a slice did, as one transaction (DESIGN §1). */
export interface Commit {
  readonly path: string;
  readonly life: number;
  readonly behaviour: string;
  readonly version: number;
  /** Set by the first commit of a new actor: from then on it is known to the store. */
  readonly created: { readonly args: unknown } | null;
  readonly acks: readonly number[];
  /** Mail without a number so far: what was handled, and what has made its actor crash. */
  readonly ahead?: Ahead;
  readonly state: { readonly value: unknown } | null;
  /** How often a large state is kept as a whole. */
  readonly snapshotEvery?: number;
  readonly steps: readonly StepRecord[];
  /** Effects of the unfinished message that this commit releases, so that a rerun skips them. */
  readonly progress: { readonly seq: number; readonly effects: number } | null;
  readonly retries: readonly { readonly seq: number; readonly attempts: number }[];
  /** Deliveries that begin when this is committed, of mail that was delivered before, perhaps. */
  readonly tries: readonly { readonly seq: number; readonly tries: number }[];
  readonly dead: readonly { readonly seq: number; readonly reason: ExitReason }[];
  readonly timers: readonly TimerChange[];
  /** Answers to asks that have an id: given again when they are asked again. */
  readonly answers: readonly { readonly id: string; readonly answer: Answer }[];
  /** Mail leaving with this commit; the store keeps what goes to durable actors. */
  readonly mails: readonly Mail[];
}

/** A durable actor as the store has it. */
export interface Stored {
  readonly behaviour: string;
  readonly version: number;
  readonly args: unknown;
  readonly state: unknown;
  readonly mail: readonly Mail[];
  readonly steps: readonly StepRecord[];
  readonly progress: { readonly seq: number; readonly effects: number } | null;
  readonly timers: readonly TimerRecord[];
  /** Highest mail number the store had given out to this actor when it was read. */
  readonly watermark: number;
}

/** What a committer says, later, through {@link Kernel.complete}. In order of the requests. */
export type Completion =
  | { kind: "loaded"; path: string; life: number; stored: Stored | null; error?: Answer }
  | {
      kind: "committed";
      path: string;
      life: number;
      /** Numbers of `mails` in the store, 0 = its receiver is not durable, < 0: it must read there. */
      result: { ok: true; seqs: readonly number[] } | { ok: false; reason: ExitReason };
    }
  | Enqueued
  | { kind: "listed"; path: string; children: readonly { id: string; args: unknown }[] }
  | Surveyed
  /** `asks`: those that were in the mailbox. */
  | { kind: "forgotten"; path: string; asks: readonly { from: string; ask: number }[] }
  /** All that had been asked before {@link Committer.flush} is done. */
  | { kind: "flushed" };

/** The store as the kernel sees it: requests now, {@link Completion}s later. */
export interface Committer {
  /** @param again this life has loaded it, and reads what has come since */
  load(path: string, life: number, again?: boolean): void;
  commit(commit: Commit): void;
  /** Into the receiver's mailbox; mail `via` a timer takes that timer's place there, exactly once. */
  enqueue(mail: Mail): void;
  /** Mail that went ahead is written whatever happens: somebody waits for its number. */
  number(mail: Mail): void;
  /** Durable children of a dynamic supervisor. */
  list(path: string): void;
  /** Some of the children of a dynamic supervisor, and how many there are. */
  page(path: string, life: number, after: string, max: number): void;
  /** Those for whom something waits at a wall time, behind the id `after`. */
  due(path: string, life: number, atMs: number, after: string, max: number): void;
  /** Length of a state in the store. @unit bytes */
  sizeOf(state: unknown): number;
  /** The actor is gone for good: its state and mail go too. */
  forget(path: string): void;
  /** @returns whether nothing is open; if something is, a completion says when that is done */
  flush(): boolean;
}

/** Times that people speak of. Pure: the kernel's own time is always given. */
export interface Calendar {
  /** Wall time of a kernel's time. @unit ms since 1970 */
  wall(nowMs: number): number;
  /** When a cron expression is due next, strictly after a wall time; null = never. @throws E_TIMER */
  next(cron: string, zone: string, afterMs: number): number | null;
}

/** Carries envelopes to other threads, in order per pair of threads. */
export interface Transport {
  /** @returns whether there is room for more: if not, its sender rests until {@link Kernel.room} */
  send(thread: number, envelope: Envelope): boolean;
}

/** Counts the work of metered user code of one thread. */
export interface Meter {
  /**
   * User code begins or goes on: at most `hard` more reductions; an async handler yields after
   * `slice`. Whole numbers; `hard` ≤ 1_000_000_000, or far above it: then nothing is limited.
   */
  arm(slice: number, hard: number): void;
  /** Reductions since the last arm(). */
  used(): number;
  /** Was the hard limit reached since the last arm()? */
  over(): boolean;
  /**
   * Set by the kernel: what metered async code that has used up its slice awaits. By default one
   * turn of the event loop, with a fresh budget.
   */
  yielding: () => Promise<void>;
}

/** Actors of other nodes. */
export interface Elsewhere {
  /** Does what has this path run on another node? */
  has(path: string): boolean;
  /** Takes an envelope for whom nobody is on this thread. @returns false: it stays on this node */
  take(envelope: Envelope): boolean;
}

/** What a host gives a kernel whose actors may move to other threads (ADR 0025). */
export interface MovingOptions {
  /** Highest number of the threads with actors or supervisors: they are 0 … threads. */
  readonly threads: number;
  /** How often this thread has been replaced. */
  readonly generation: number;
  /** How often each thread had been lost when this one began. */
  readonly losses: readonly number[];
  /** Threads besides those that are told of ends: they wait for answers. */
  readonly onlookers: readonly number[];
  /** Does the tree let the actor of this path leave its place? */
  readonly mayMove: (path: string) => boolean;
  /** Part of the time in which this thread was busy since the last call. @limit 0 … 1 */
  readonly busy: () => number;
}

/** What a host gives a kernel. */
export interface KernelOptions {
  /** Number of this thread. */
  readonly thread: number;
  /** Number of the control thread, where supervisors live. */
  readonly control: number;
  /** Thread of a path, or of "~N"; the flag counts where the tree does not know the path. */
  readonly route: (path: string, supervisor: boolean) => number;
  readonly transport: Transport;
  readonly committer: Committer;
  readonly tools: Tools;
  readonly calendar: Calendar;
  /**
   * May the store know an actor of this path although it never ran on this kernel? Then mail that
   * arrives before it is started (after a crash of its thread or node) goes to the store.
   */
  readonly durable?: (path: string) => boolean;
  /** May an actor of this path be in the store only? Absent: none may. */
  readonly hibernates?: (path: string) => boolean;
  readonly random: () => number;
  readonly nowMs: number;
  /** The time now, for who is in no turn: handlers that waited, callers outside. @default nowMs */
  readonly clock?: () => number;
  /** First number for asks; must differ between lives of a node (stored mail outlives them). */
  readonly firstId?: number;
  readonly sink?: ((fact: Fact, atMs: number) => void) | undefined;
  /** Freeze messages on their way, so that aliasing bugs throw. */
  readonly freeze?: boolean;
  /** Report every handled message to the sink. */
  readonly trace?: boolean;
  readonly windowUnit?: "ms" | "seconds";
  /** First number for lives; if it is not in `cells` already: a successor goes on where it was. */
  readonly firstLife?: number;
  /** What the root supervisor, whose parent is "~N", says. */
  readonly onRoot?: (signal: Extract<Signal, { kind: "started" | "exited" }>) => void;
  /** Memory shared with whoever watches this thread (guard.ts); of its own when absent. */
  readonly cells?: Int32Array;
  /** Counts user code, if the app's modules are metered. */
  readonly meter?: Meter;
  /** Runs all promise callbacks that are due. Without it, a handler goes on only between turns. */
  readonly drain?: () => void;
  /** Other nodes; absent where there are none. */
  readonly elsewhere?: Elsewhere;
  /** What moving actors takes; without it nobody moves. */
  readonly moving?: MovingOptions;
  /** Called when a message or signal makes this kernel busy from outside of its turn. */
  readonly wake?: () => void;
}
