/**
 * Owns: every observable fact of the kernel, once. Logs, CLI, checkers and tests read these.
 * Does not own: what is done with them (observe/, sim/checkers.ts).
 */
import type { ExitReason, QuotaResource } from "../actor/exit.ts";
import type { Outcome, Tier, Usage } from "../actor/outcome.ts";

/** Why a message became a dead letter. */
export type DeadReason =
  | "no_actor"
  | "actor_exited"
  | "mailbox_full"
  | "unknown_type"
  | "bad_message"
  | "max_deliveries"
  | "not_durable";

/** A fact. `atMs` is the kernel's monotonic clock. */
export type KernelEvent = { readonly atMs: number; readonly thread: number } & Fact;

export type Fact =
  | { type: "starting"; path: string; life: number; incarnation: number; behaviour: string }
  | { type: "started"; path: string; life: number; incarnation: number; behaviour: string }
  /** It has left the memory, as it was idle; it is back. */
  | { type: "hibernated"; path: string; life: number }
  | { type: "woken"; path: string; life: number }
  | { type: "exited"; path: string; life: number; incarnation: number; reason: ExitReason }
  | { type: "handled"; path: string; life: number; message: string; from: string; seq: number }
  | { type: "committed"; path: string; life: number; mails: number }
  | { type: "dead_letter"; path: string; message: string; from: string; reason: DeadReason }
  | { type: "child_started"; path: string; life: number; cause: "init" | "restart" | "call" }
  | { type: "child_terminated"; path: string; life: number; reason: ExitReason }
  | { type: "start_error"; path: string; reason: ExitReason }
  | { type: "shutdown_error"; path: string; reason: ExitReason }
  | { type: "restart_intensity"; path: string; child: string; intensity: number; periodMs: number }
  /** A message of this id had come before: it was not delivered again. */
  | { type: "repeated"; path: string; message: string; id: string }
  /** A dead incarnation, or a finished message, tried to act: refused. */
  | { type: "fenced"; path: string; life: number; verb: string }
  | { type: "dropped_notice"; path: string; notice: "down" | "exit" }
  /** A scheduler thread ended by itself; a new one takes its place. */
  | { type: "thread_lost"; path: string; lost: number; why: string }
  /** A run of user code was ended from outside; its actor exits with this reason. */
  | { type: "aborted"; path: string; life: number; reason: ExitReason }
  /** What was decided about a tool call before it ran. `why` of an `ask` is whom. */
  | {
      type: "decided";
      path: string;
      tool: string;
      key: string;
      decision: "allow" | "deny" | "ask";
      why: string;
      by: string;
    }
  /** A quota of `account` is nearly used up, by a call of `path`. */
  | {
      type: "quota_near";
      path: string;
      account: string;
      resource: QuotaResource;
      used: number;
      limit: number;
    }
  /** A tool call has ended; its input and output are nobody's business here. */
  | {
      type: "used";
      path: string;
      tool: string;
      key: string;
      end: Outcome["tag"];
      tier: Tier | null;
      usage: Usage;
    }
  | { type: "muted"; path: string; by: string }
  /** An actor has come here from another thread; `moves` is how many have so far. */
  | { type: "moved"; path: string; life: number; moves: number }
  /** The control thread has seen that an actor away from home is lost, or was on its way. */
  | { type: "vanished"; path: string; reason: ExitReason }
  | { type: "log"; path: string; level: LogLevel; message: string; fields: unknown };

export type LogLevel = "debug" | "info" | "warn" | "error";
