/**
 * Owns: the words of supervision: a child's record, what can happen to a supervisor, what it
 * commands, what it can be asked, and the state all of that changes.
 * Does not own: any rule (strategy.ts, work.ts, admin.ts, supervisor.ts).
 */
import type { ExitReason } from "../actor/exit.ts";
import type { ChildSpec, SupervisorSpec } from "../actor/spec.ts";
import type { Few } from "./few.ts";
import { Fifo } from "./fifo.ts";
import { Lives } from "./lives.ts";
import { Window, type WindowUnit } from "./strategy.ts";

/** A child as its supervisor sees it. */
export interface Child {
  readonly id: string;
  readonly spec: ChildSpec;
  args: unknown;
  /** `dead`: its life is over, and that waits in the inbox. */
  status: "up" | "dead" | "undefined" | "restarting" | "starting";
  /** Unique number of its present life; 0 = none. */
  life: number;
  /** Number of its starts so far: the incarnation people see. */
  starts: number;
  /** Why and when its last life ended: for people who look. */
  lastExit: { reason: ExitReason; atMs: number } | null;
}

/** Args of a child that comes back from the store, which has them. */
export const STORED: unique symbol = Symbol("stored");

/** `restored`: the store had it already; `elsewhere`: it was not started, as it runs on another node. */
export type StartOutcome =
  | { ok: true; restored?: true }
  | { ignore: true; elsewhere?: true }
  | { error: ExitReason };

/** Who asked for something: opaque to the machine. */
export type From = unknown;

export type SupervisorEvent =
  | { type: "started"; life: number; outcome: StartOutcome }
  | { type: "exited"; life: number; reason: ExitReason }
  | { type: "deadline"; life: number }
  | { type: "hibernated"; life: number }
  | { type: "wake"; id: string; sure: boolean }
  /** The store has them, for this node. */
  | { type: "adopt"; ids: readonly string[] }
  /** Some may run elsewhere now. */
  | { type: "oust" }
  /** `counted`: the store was asked just before how many children there are. */
  | { type: "call"; request: AdminRequest; from: From; counted?: boolean }
  | { type: "retry"; child: Child; reason: ExitReason }
  | { type: "shutdown"; reason: ExitReason }
  | { type: "kill"; reason: ExitReason };

/** What is to be reported, with OTP's words (SEMANTICS 29). */
export type Report =
  | { kind: "start_error"; child: Child; reason: ExitReason }
  | { kind: "child_terminated"; child: Child; reason: ExitReason }
  | { kind: "shutdown_error"; child: Child; reason: ExitReason }
  | { kind: "restart_intensity"; child: Child; intensity: number; periodMs: number }
  | { kind: "progress"; child: Child; cause: "init" | "restart" | "call" };

/** What the shell must do. */
export interface Commands {
  nowMs(): number;
  nextLife(): number;
  start(child: Child): void;
  stop(child: Child): void;
  kill(child: Child): void;
  /** Brings a `deadline` event for this life unless cancelled. */
  deadline(life: number, ms: number): void;
  cancelDeadline(): void;
  reply(from: From, result: AdminResult): void;
  /** This supervisor's own start is over. */
  ready(error: ExitReason | null): void;
  exit(reason: ExitReason): void;
  report(report: Report): void;
  /** What a store has of it goes. @param then called when that is done, or there is nothing */
  forget(child: Child, then: () => void): void;
  /** Brings this call again when those that are asleep are counted. */
  recount(request: AdminRequest, from: From): void;
  /** Somebody needs a child of this id, and there is none. */
  nobody(id: string): void;
  /** May a child of this id run on this node? Absent: any may. */
  here?(id: string): boolean;
}

export type Action = { readonly do: "start" | "stop"; readonly child: Child };
export type Kind =
  | "init"
  | "unwind"
  | "start"
  | "revive"
  | "terminate"
  | "restart"
  | "wake"
  | "oust"
  | "exit";

/** What a supervisor is busy with; `wait` is what it waits for. */
export interface Work {
  kind: Kind;
  actions: Action[];
  at: number;
  from: From;
  reason: ExitReason;
  wait: Few<number>;
  /** Done when it is over; of a start: when the child was asleep. */
  then?: (() => void) | null;
}

/** Deadline number of a common stop of all children of a dynamic supervisor. */
export const ALL = 0;

/** A supervisor's state: made by {@link createSupervisor}, changed by {@link step} only. */
export class SupervisorState {
  readonly spec: SupervisorSpec;
  readonly unit: WindowUnit;
  readonly children = new Map<string, Child>();
  readonly lives = new Lives<Child>();
  readonly restarts = new Window();
  readonly inbox = new Fifo<SupervisorEvent>();
  /** The loss of a thread that was counted last: one value for all that it took. */
  loss: ExitReason | null = null;
  work: Work | null = null;
  suspended = false;
  ended = false;
  /** How many ids this dynamic supervisor has handed out itself. */
  handedOut = 0;
  /** Children that are in the store only: not fewer than that, and exact when they were counted. */
  asleep = 0;
  /** Those of them that are needed: in the inbox. */
  readonly waking = new Set<string>();
  /** Children that are needed again if they go to sleep now. */
  readonly wanted = new Set<string>();

  constructor(spec: SupervisorSpec, unit: WindowUnit) {
    this.spec = spec;
    this.unit = unit;
  }
}

/** May children of this supervisor be in the store only? */
export const mayHibernate = ({ spec: { template } }: SupervisorState): boolean =>
  template?.kind === "actor" && template.hibernateAfterMs !== null;

/** A child record that is not running yet. */
export function newChild(id: string, spec: ChildSpec, args: unknown): Child {
  return { id, spec, args, status: "undefined", life: 0, starts: 0, lastExit: null };
}

/** A child's status as it is shown: nobody has been told yet that the dead are dead. */
export const shownStatus = ({ status }: Child): ChildView["status"] =>
  status === "dead" ? "up" : status;

/** Args of a child as its spec gives them. */
export const specArgs = (spec: ChildSpec) => (spec.kind === "actor" ? spec.args : undefined);

export type AdminRequest =
  /** A static supervisor takes a spec, a dynamic one args and an optional id. */
  | { op: "start_child"; spec?: ChildSpec; id?: string | undefined; args?: unknown }
  | { op: "restart_child" | "terminate_child" | "delete_child"; id: string }
  /** Stop and start again in place; not counted as a restart. An extension of ours. */
  | { op: "renew_child"; id: string }
  | { op: "get_childspec" | "which_child"; id: string }
  /** Children that run on another node now are stopped, those that run here are started. Ours. */
  | { op: "rehome" }
  /** Where children may hibernate they come page by page: at most `max`, behind `after`. */
  | { op: "which_children"; after?: string; max?: number }
  | { op: "count_children" };

export interface ChildView {
  id: string;
  status: Exclude<Child["status"], "dead"> | "asleep";
  kind: "actor" | "supervisor";
  starts: number;
  life: number;
}

export interface ChildCounts {
  specs: number;
  active: number;
  supervisors: number;
  workers: number;
}

export type AdminError =
  | "already_started"
  | "already_present"
  | "running"
  | "restarting"
  | "not_found"
  | "max_children"
  | "dynamic"
  | "bad_spec"
  | "start_failed"
  | "exited";

/** `ok` of start_child and restart_child: the child's id, or null when it ignored its start. */
export type AdminResult =
  | { ok: string | null | ChildSpec | ChildView | ChildView[] | ChildCounts; next?: string }
  | { error: AdminError; reason?: ExitReason; message?: string };
