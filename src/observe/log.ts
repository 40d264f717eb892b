/**
 * Owns: turning the facts of a node into log lines on stderr: JSON lines by pino, or lines for
 * people when stderr is a terminal. Which fact has which level, and that no text of an actor can
 * steer a terminal or fill the memory.
 * Does not own: the facts (kernel/events.ts).
 */
import { isMainThread } from "node:worker_threads";
import { destination, type Logger, pino, stdTimeFunctions } from "pino";
import { type ExitReason, formatReason, STACK_LEFT_OUT } from "../actor/exit.ts";
import type { Fact, KernelEvent, LogLevel } from "../kernel/events.ts";
import { printable } from "./view.ts";

/** What a log shows: this level and what is worse. */
export type LogLevelName = "silent" | LogLevel;
/** The levels, the default first. */
export const LOG_LEVELS = ["warn", "silent", "debug", "info", "error"] as const;

/** Longest text of a message, and of all fields of a log line together. @unit characters */
const TEXT_MAX = 8_192;
/** Lines that wait because stderr is not read; beyond it they are counted and dropped. @unit bytes */
const BACKLOG_MAX = 16 * 1_048_576;
/** Lines of a stack for people; JSON has all of it. */
const STACK_LINES = 5;

const ORDER = ["debug", "info", "warn", "error"] as const satisfies LogLevel[];

/** A log line before it is written, but for its level. */
interface Said {
  message: string;
  fields: Record<string, unknown>;
  reason?: ExitReason;
}

interface Line extends Said {
  level: LogLevel;
}

type Fields = Record<string, unknown>;

const ended = (message: string, reason: ExitReason, fields: Fields = {}): Said => ({
  message: `${message}: ${formatReason(reason)}`,
  fields,
  reason,
});

/** Which level a fact has, or null when it is no news for a log. */
function levelOf(fact: Fact): LogLevel | null {
  switch (fact.type) {
    case "log":
      return fact.level;
    case "start_error":
    case "restart_intensity":
    case "thread_lost":
      return "error";
    case "child_terminated":
    case "shutdown_error":
    case "dead_letter":
      return "warn";
    case "decided":
      return fact.decision === "deny" ? "warn" : fact.decision === "ask" ? "info" : "debug";
    case "used":
      return fact.end === "ok" ? "debug" : "info";
    case "child_started":
      return fact.cause === "restart" ? "info" : "debug";
    case "exited":
    case "fenced":
    case "dropped_notice":
    case "muted":
    case "hibernated":
    case "woken":
      return "debug";
    default:
      return null;
  }
}

/** Does a log of this level tell of the fact? A thread need not pass on what nobody hears. */
export function isHeard(fact: Fact, level: LogLevelName): boolean {
  const own = level === "silent" ? null : levelOf(fact);
  return own !== null && ORDER.indexOf(own) >= ORDER.indexOf(level as LogLevel);
}

/** What is said of a fact. */
function said(event: KernelEvent): Said {
  switch (event.type) {
    case "log": {
      const fields = isEmpty(event.fields) ? {} : { fields: bounded(event.fields) };
      return { message: event.message.slice(0, TEXT_MAX), fields };
    }
    case "start_error":
      return ended("start failed", event.reason);
    case "child_terminated":
      return ended("child terminated", event.reason, { life: event.life });
    case "shutdown_error":
      return ended("did not shut down as asked", event.reason);
    case "exited": {
      const { life, incarnation } = event;
      return ended("exited", event.reason, { life, incarnation });
    }
    case "restart_intensity": {
      const { child, intensity, periodMs } = event;
      const message = `gave up: more than ${intensity} restarts in ${periodMs} ms, last ${child}`;
      return { message, fields: { child, intensity, periodMs } };
    }
    case "thread_lost": {
      const { lost, why } = event;
      return { message: `thread ${lost} lost: ${why}`, fields: { lost } };
    }
    case "child_started": {
      const { life, cause } = event;
      return { message: cause === "restart" ? "restarted" : "started", fields: { life, cause } };
    }
    case "dead_letter": {
      const { message, from, reason } = event;
      const text = `dead letter: ${message} from ${from || "nobody"}: ${reason}`;
      return { message: text, fields: { message, from, why: reason } };
    }
    case "fenced": {
      const { life, verb } = event;
      return { message: `fenced: ${verb} of a dead life`, fields: { life, verb } };
    }
    case "decided": {
      const { tool, key, decision, why, by } = event;
      const message = `tool ${tool}: ${decision}${why === "" ? "" : ` (${why})`}, by ${by}`;
      return { message, fields: { tool, key, decision, by } };
    }
    case "used": {
      const { tool, key, end, tier, usage } = event;
      const place = tier === null ? "" : ` in ${tier}`;
      const message = `tool ${tool} ended: ${end}${place} after ${Math.round(usage.wallMs)} ms`;
      return { message, fields: { tool, key, end, tier, usage } };
    }
    case "dropped_notice":
      return { message: `dropped notice: ${event.notice}`, fields: {} };
    case "muted":
      return { message: `muted by ${event.by}`, fields: { by: event.by } };
    default:
      return { message: event.type, fields: {} };
  }
}

const isEmpty = (fields: unknown) =>
  fields === undefined ||
  fields === null ||
  (typeof fields === "object" && Object.keys(fields).length === 0);

/** Fields as they are while they are small; otherwise the beginning of their text. */
function bounded(fields: unknown): unknown {
  try {
    const text = JSON.stringify(fields, (_key, each) =>
      typeof each === "bigint" ? `${each}n` : each,
    );
    return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : JSON.parse(text);
  } catch {
    return "(cannot be shown)";
  }
}

/* ---- where it goes ---- */

let shared: ReturnType<typeof destination> | null = null;
let dropped = 0;

/**
 * Stderr, shared by all nodes of this process. On the main thread lines are written behind the
 * program's back and flushed at its exit (pino sees to it); a thread may be ended at any moment,
 * so there each line is written at once.
 */
function stderr() {
  if (shared !== null && !(shared as { destroyed?: boolean }).destroyed) return shared;
  shared = destination({ dest: 2, sync: !isMainThread, maxLength: BACKLOG_MAX });
  shared.on("drop", () => dropped++);
  return shared;
}

function write(line: string): void {
  const to = stderr();
  const lost = dropped;
  if (lost > 0) {
    dropped = 0;
    to.write(`{"level":"warn","msg":"${lost} log lines were dropped: stderr is not read"}\n`);
    // There was no room for this note either: say it later.
    if (dropped > 0) dropped = lost;
  }
  to.write(line);
}

/** JSON escapes less than a terminal obeys: the rest is escaped as JSON may be, line end apart. */
const escaped = (json: string) => `${printable(json.replace(/\n$/, ""))}\n`;

function jsonLogger(level: LogLevelName): Logger {
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => write(escaped(line)) },
  );
}

function forPeople(event: KernelEvent, { level, message, fields, reason }: Line): string {
  const time = new Date().toTimeString().slice(0, 8);
  const place = event.path === "" ? `thread ${event.thread}` : event.path;
  const extra = "fields" in fields ? `  ${JSON.stringify(fields.fields)}` : "";
  const stack = reason?.tag === "error" ? (reason.stack ?? "") : "";
  const isFrame = (each: string) => /^\s+at /.test(each) || each === STACK_LEFT_OUT;
  const frames = stack.split("\n").filter(isFrame);
  const lines = [`${time} ${level.toUpperCase().padEnd(5)} ${place}  ${message}${extra}`]
    .concat(frames.slice(0, STACK_LINES).map((each) => `    ${each.trim()}`))
    .map((each) => printable(each));
  return `${lines.join("\n")}\n`;
}

/**
 * A log: give it the facts of a node.
 *
 * @param pretty lines for people instead of JSON. @default whether stderr is a terminal
 */
export function createLog(
  level: LogLevelName,
  pretty: boolean = process.stderr.isTTY === true,
): (event: KernelEvent) => void {
  if (level === "silent") return () => {};
  const logger = pretty ? null : jsonLogger(level);
  return (event) => {
    if (!isHeard(event, level)) return;
    const line: Line = { level: levelOf(event) as LogLevel, ...said(event) };
    if (logger === null) return write(forPeople(event, line));
    const { fields, message, reason } = line;
    const { path, thread, type, atMs } = event;
    const record = { path, thread, type, atMs, ...fields, ...(reason ? { reason } : {}) };
    logger[line.level](record, message);
  };
}
