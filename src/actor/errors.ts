/**
 * Owns: the one Error class and the table of its codes.
 * Does not own: why actors end (exit.ts): an end is a value, misuse is an error.
 */
import type { ExitReason } from "./exit.ts";

/** Each code with the one sentence that explains it; docs/ERRORS.md has the same rows. */
export const ERROR_CODES = {
  E_APP_DEFAULT: "the app module has no default export made by app()",
  E_APP_FILE: "the app module does not exist",
  E_APP_LOAD: "the app module failed while it was imported",
  E_ARGS_SCHEMA: "arguments do not match the behaviour's args schema",
  E_AUDIT_BROKEN: "the record of decisions does not hold together",
  E_CTX_CLOSED: "a context was used after its message was finished or its actor had ended",
  E_IMAGE: "a guest image of the sandboxes cannot be built",
  E_INTERNAL: "a broken invariant of Coppice itself",
  E_LETTER_UNKNOWN: "there is no dead letter of this number",
  E_MESSAGE_SCHEMA: "a message does not match the behaviour's schema",
  E_MESSAGE_TYPE: "the behaviour has no such message type",
  E_MODEL: "a model's server refused, failed or cannot be reached",
  E_NODE_ABSENT: "no node is running on this data folder",
  E_NODE_RUNNING: "another node already owns this data folder",
  E_NODE_VERSION: "this Node.js is too old",
  E_PACKAGE: "a package of the distribution cannot be fetched or unpacked",
  E_PATH_UNKNOWN: "no actor or supervisor has this path",
  E_POLICY: "a rule of the policy cannot be understood",
  E_PEER_MISSING: "an optional package is not installed",
  E_QUOTA: "a tool call would have passed a quota",
  E_QUOTA_UNHELD: "a quota, or what is added to one, names a limit that cannot be held here",
  E_RUNAWAY: "an agent's tool calls go in circles",
  E_SANDBOX_MISSING: "a tool asks for a sandbox tier this host does not have",
  E_SANDBOX_START: "the host could not start a sandbox for a tool call: nothing ran",
  E_SPEC_CHILD: "a child is not a child spec",
  E_SPEC_COMBINATION: "two settings exclude each other",
  E_SPEC_DUPLICATE_ID: "two children of one supervisor have the same id",
  E_SPEC_ID: "an id or name is empty or holds forbidden characters",
  E_SPEC_RANGE: "a setting is outside its limits",
  E_SPEC_SETTING: "there is no setting of this name",
  E_SPEC_STRATEGY: "a setting is none of what it may be",
  E_START_FAILED: "the app's tree did not start",
  E_STATE_SCHEMA: "a stored state does not match the behaviour's state schema",
  E_STATE_SIZE: "the state of a durable actor has grown over its limit",
  E_STORE_CORRUPT: "the store's file is damaged or is no Coppice store",
  E_STORE_IO: "the store's file cannot be read or written",
  E_STORE_LEASE: "the actor's partition is held by another node",
  E_STORE_REACH: "the store's server cannot be reached or used",
  E_STORE_SETTINGS: "the store's server is set up so that it would lose data",
  E_STORE_VERSION: "the stored data is of a version this program cannot read",
  E_TIMER: "a timer's time or options cannot be understood",
  E_TOOL_DENIED: "a tool call was not granted by the child spec",
  E_TOOL_FAILED: "a tool's command ended with a failure",
  E_TOOL_HOSTILE: "what a tool's sandbox said breaks its protocol",
  E_TOOL_KILLED: "a tool's command was ended by a limit of its sandbox",
  E_TOOL_LOST: "the thread or machine of a tool call was gone before its answer",
  E_TOOL_UNKNOWN: "a tool call may have happened: its answer was lost",
  E_TRACE_FORMAT: "a trace file has a line that is no trace",
  E_UNITS: "a duration or size cannot be read",
  E_USAGE: "the command line cannot be understood",
  /* the ends of an ask, and refusals of the administrative calls */
  timeout: "no answer arrived in time",
  exited: "the actor ended before it answered",
  no_actor: "there is no such actor",
  overloaded: "the mailbox is full",
  duplicate: "a question of this id was asked before, and is not answered yet",
  no_reply: "the handler finished without an answer",
  calling_self: "an actor asked itself and would wait for ever",
  refused: "the supervisor refused the request",
} as const;

/** Any code an {@link ActorError} can carry. */
export type ErrorCode = keyof typeof ERROR_CODES;

const SHOWN_MAX = 200;

/** Any value as short text, for the fact of an error: never throws. */
export function shown(value: unknown): string {
  try {
    if (typeof value === "number") return String(value);
    const text = typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? String(value));
    return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
  } catch {
    return "a value that cannot be printed";
  }
}

/** Options of {@link ActorError}: where it happened, what to do, and for `exited` why. */
export interface ErrorDetails {
  at?: string;
  fix?: string;
  reason?: ExitReason;
  cause?: unknown;
}

/** The one error class: a fact (message), a place (`at`), a remedy (`fix`) and a `code`. */
export class ActorError extends Error {
  override readonly name = "ActorError";
  readonly code: ErrorCode;
  readonly at: string | undefined;
  readonly fix: string | undefined;
  /** For `exited`: why the actor ended. */
  readonly reason: ExitReason | undefined;

  constructor(code: ErrorCode, fact: string, details: ErrorDetails = {}) {
    super(fact, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.at = details.at;
    this.fix = details.fix;
    this.reason = details.reason;
  }

  /** What a person sees: one line of fact and place, one of remedy. No stack. */
  describe(): string {
    const place = this.at === undefined ? "" : ` (at ${this.at})`;
    return `${this.code}: ${this.message}${place}${this.fix ? `\n  remedy: ${this.fix}` : ""}`;
  }

  toJSON() {
    return { code: this.code, message: this.message, at: this.at, fix: this.fix };
  }
}

/** Stops the thread when an invariant of DESIGN §8 is broken: never limp on. */
export function assert(condition: boolean, invariant: string, detail: string): asserts condition {
  if (!condition) {
    throw new ActorError("E_INTERNAL", `${invariant} is broken: ${detail}`, {
      fix: "please report this with the trace; the thread is restarted from its last commits",
    });
  }
}
