/**
 * Owns: an ask's end as plain data, and back as an error for whoever awaits it.
 */
import { ActorError, ERROR_CODES, type ErrorCode } from "../actor/errors.ts";
import { type ExitReason, formatReason, fromThrown } from "../actor/exit.ts";
import { Address } from "../actor/protocol.ts";
import type { Answer, Envelope } from "./ports.ts";
import type { AdminResult } from "./supervision.ts";

/** A failed answer of a given code. */
export function failed(code: ErrorCode, at: string, reason?: ExitReason): Answer {
  const why = reason === undefined ? "" : ` (${formatReason(reason)})`;
  const message = `${at}: ${ERROR_CODES[code]}${why}`;
  return reason === undefined ? { ok: false, code, message } : { ok: false, code, message, reason };
}

/** What user code threw, as an answer. */
export function answerOf(thrown: unknown): Answer {
  const reason = fromThrown(thrown);
  if (thrown instanceof ActorError) {
    return {
      ok: false,
      code: thrown.code,
      message: thrown.message,
      reason: thrown.reason ?? reason,
    };
  }
  const message = reason.tag === "error" ? reason.message : formatReason(reason);
  return { ok: false, code: "exited", message, reason };
}

/** The error that whoever waits gets. An error of a step comes back under its own name. */
export function errorOf(answer: Extract<Answer, { ok: false }>): Error {
  const { code, message, reason } = answer;
  return new ActorError(code, message, reason === undefined ? {} : { reason });
}

/** The ref of a child that a dynamic supervisor was asked to start. @throws ActorError refused */
export function startedRef(path: string, behaviour: string, result: AdminResult) {
  if ("ok" in result && result.ok !== null)
    return new Address(`${path}/${String(result.ok)}`, behaviour);
  const why = "error" in result ? (result.message ?? result.error) : "it ignored its start";
  throw new ActorError("refused", `${path} did not start the child: ${why}`, {
    at: path,
    ...("error" in result && result.reason ? { reason: result.reason } : {}),
  });
}

/** The answer to an ask as an envelope. */
export function replyTo(mail: { from: string; ask: number }, answer: Answer): Envelope {
  return { kind: "reply", to: mail.from, ask: mail.ask, answer };
}

/** What a verb throws that is called when its message is finished. */
export function tooLate(path: string, verb: string): ActorError {
  return new ActorError("E_CTX_CLOSED", `ctx.${verb} was called too late`, {
    at: path,
    fix: "await everything inside of the handler; after it, or after the actor's end, nothing leaves",
  });
}
