/**
 * Owns: why an actor ended, as a value; the one place that turns an unknown thrown thing into one.
 * Does not own: who restarts what because of it (kernel/strategy.ts).
 */
import { ActorError, type ErrorCode } from "./errors.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Why an actor or supervisor ended: plain JSON, printed alike by logs, CLI and tests. */
export type ExitReason =
  | { tag: "normal" }
  | { tag: "shutdown"; detail?: Json }
  /** `stack` may say instead that it was left out: see {@link STACK_LEFT_OUT}. */
  | { tag: "error"; name: string; message: string; stack?: string; cause?: ExitReason }
  | { tag: "killed"; by: "supervisor" | "operator" | "deadline" }
  /** Held its thread for longer than `sliceMs`; `stack` says where. */
  | { tag: "aborted"; sliceMs: number; stack?: string }
  /** A limit of this actor, or of a supervisor above it (`at`), would have been passed. */
  | { tag: "quota"; resource: QuotaResource; limit: number; used: number; at?: string }
  | { tag: "linked"; to: string; reason: ExitReason }
  | { tag: "thread_lost"; thread: number }
  /** The node where it was asked is gone, or has lost its lease: it may have happened. */
  | { tag: "node_lost"; node: string }
  /** The thread of the store is gone: so is the node. */
  | { tag: "store_lost"; why: string }
  /** Links and watches do not reach other nodes. */
  | { tag: "other_node"; path: string }
  | { tag: "fenced"; token: number }
  | { tag: "bad_start"; code: ErrorCode; message: string }
  | { tag: "no_actor"; path: string }
  | { tag: "nondeterminism"; step: number };

export type QuotaResource =
  | "reductions"
  | "tokens"
  | "microUsd"
  | "steps"
  | "toolCalls"
  | "wallMs"
  | "memoryBytes";

export const NORMAL: ExitReason = Object.freeze({ tag: "normal" });
export const SHUTDOWN: ExitReason = Object.freeze({ tag: "shutdown" });

/**
 * A clean end: `normal` or `shutdown`, also when it came over a link. Transient children are
 * restarted after anything else; this line is the whole difference (SEMANTICS §5).
 */
export function isClean(reason: ExitReason): boolean {
  if (reason.tag === "linked") return isClean(reason.reason);
  return reason.tag === "normal" || reason.tag === "shutdown";
}

const TEXT_MAX = 4_096;
const cut = (text: string) => (text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text);

/** Is the stack of an error of this name and message worth keeping? */
export type KeepsStack = (name: string, message: string) => boolean;

/** In the place of a stack that is not kept: many of the same error come at a time. */
export const STACK_LEFT_OUT = "(stack left out: that of the same error just before is kept)";

/**
 * The one unknown → reason function. Whatever was thrown, however odd, becomes plain data.
 *
 * @param keeps asked of an error and of each of its causes @default every stack is kept
 */
export function fromThrown(thrown: unknown, keeps: KeepsStack | null = null): ExitReason {
  return reasonOf(thrown, keeps, 0);
}

function reasonOf(thrown: unknown, keeps: KeepsStack | null, depth: number): ExitReason {
  // Inside of the try also what looks harmless: instanceof asks a proxy.
  try {
    if (thrown instanceof ExitThrown) return thrown.reason;
    if (thrown instanceof ActorError && thrown.code === "exited" && thrown.reason) {
      return {
        tag: "error",
        name: "ActorError",
        message: cut(thrown.message),
        cause: thrown.reason,
      };
    }
    if (thrown instanceof Error) {
      const reason = errorReason(thrown, keeps);
      if (thrown.cause !== undefined && depth < 4) {
        reason.cause = reasonOf(thrown.cause, keeps, depth + 1);
      }
      return reason;
    }
    return { tag: "error", name: "Thrown", message: cut(String(thrown)) };
  } catch {
    return { tag: "error", name: "Thrown", message: "a value that cannot be printed" };
  }
}

/** The stack is put into words when somebody reads it: that takes longer than a restart. */
function errorReason(
  thrown: Error,
  keeps: KeepsStack | null,
): Extract<ExitReason, { tag: "error" }> {
  const tag = "error" as const;
  const name = cut(String(thrown.name));
  const message = cut(String(thrown.message));
  if (!Object.hasOwn(thrown, "stack")) return { tag, name, message };
  if (keeps?.(name, message) === false) return { tag, name, message, stack: STACK_LEFT_OUT };
  let stack: string | null = null;
  return {
    tag,
    name,
    message,
    get stack() {
      stack ??= stackOf(thrown);
      return stack;
    },
  };
}

function stackOf(thrown: Error): string {
  try {
    return cut(String(thrown.stack ?? ""));
  } catch {
    return "";
  }
}

/** Carries a chosen reason out of a handler: what ctx.exit() throws; no user code should catch it. */
export class ExitThrown {
  readonly reason: ExitReason;
  /** Is the message finished with this? So it is after ctx.exit(); otherwise it is cut back. */
  readonly finished: boolean;
  constructor(reason: ExitReason, finished = true) {
    this.reason = reason;
    this.finished = finished;
  }
}

const ofPath = (path: string | undefined) => (path === undefined ? "" : ` at ${path}`);

/** One line for people: `error TypeError: x is not a function`. */
export function formatReason(reason: ExitReason): string {
  switch (reason.tag) {
    case "normal":
      return "normal";
    case "shutdown":
      return reason.detail === undefined ? "shutdown" : `shutdown ${JSON.stringify(reason.detail)}`;
    case "error":
      return `error ${reason.name}: ${reason.message.split("\n")[0]}`;
    case "killed":
      return `killed by ${reason.by}`;
    case "aborted":
      return `aborted after ${reason.sliceMs}ms`;
    case "quota":
      return `quota ${reason.resource}: ${reason.used} of ${reason.limit}${ofPath(reason.at)}`;
    case "linked":
      return `linked to ${reason.to}: ${formatReason(reason.reason)}`;
    case "thread_lost":
      return `thread ${reason.thread} lost`;
    case "node_lost":
      return `node ${reason.node} lost`;
    case "store_lost":
      return `the store's thread is lost: ${reason.why}`;
    case "other_node":
      return `${reason.path} runs on another node, where links and watches do not reach`;
    case "fenced":
      return `fenced (token ${reason.token})`;
    case "bad_start":
      return `bad start ${reason.code}: ${reason.message}`;
    case "no_actor":
      return `no actor ${reason.path}`;
    case "nondeterminism":
      return `nondeterminism at step ${reason.step}`;
  }
}

/** The innermost cause of a failed start, with the path to it, as text. */
export function explainStart(reason: ExitReason): string {
  const detail = reason.tag === "shutdown" ? reason.detail : undefined;
  if (typeof detail !== "object" || detail === null || Array.isArray(detail)) {
    return formatReason(reason);
  }
  const { failedToStart, reason: inner } = detail as { failedToStart: string; reason: ExitReason };
  return `child ${failedToStart}: ${explainStart(inner)}`;
}
