/**
 * Owns: what becomes of an envelope that cannot leave its thread, because it holds what is no data
 * or names what the app does not know: whoever waits for something is told.
 */
import { ActorError } from "../actor/errors.ts";
import { replyTo } from "./answers.ts";
import { undeliverable } from "./delivery.ts";
import type { Kernel } from "./kernel.ts";
import type { Answer, Envelope } from "./ports.ts";

/** @throws the error when nobody waits, and the envelope is no message: a bug of ours */
export function refuse(kernel: Kernel, envelope: Envelope, error: unknown): void {
  const code = error instanceof ActorError ? error.code : "E_MESSAGE_SCHEMA";
  const message = error instanceof Error ? error.message : String(error);
  const answer: Answer = { ok: false, code, message };
  switch (envelope.kind) {
    case "mail":
      if (envelope.ask === 0) return undeliverable(kernel, envelope, "bad_message", null);
      return kernel.send(replyTo(envelope, answer), null);
    case "call":
      return kernel.send(replyTo(envelope, answer), null);
    case "reply":
      return kernel.send({ ...envelope, answer }, null);
    case "start": {
      const { parent: to, life } = envelope;
      const outcome = { error: { tag: "bad_start", code, message } } as const;
      return kernel.send({ kind: "started", to, life, outcome }, null);
    }
  }
  throw error;
}
