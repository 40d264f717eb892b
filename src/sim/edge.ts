/**
 * Owns: checking a message that enters a probe or a simulation from outside, as a node checks what
 * enters it (DESIGN §5). Does not own: sending it.
 */
import type { AnyBehaviour } from "../actor/actor.ts";
import { ActorError } from "../actor/errors.ts";

/** A message as its behaviour's schema reads it. @throws E_MESSAGE_TYPE E_MESSAGE_SCHEMA */
export function checkMessage(
  behaviour: AnyBehaviour,
  type: string,
  message: unknown,
  at: string,
): unknown {
  const { messages, name } = behaviour;
  const declared = Object.hasOwn(messages, type) ? messages[type] : undefined;
  if (declared === undefined) {
    throw new ActorError("E_MESSAGE_TYPE", `${name} has no message "${type}"`, {
      at,
      fix: `send one of: ${Object.keys(messages).join(", ")}`,
    });
  }
  const schema = "kind" in declared ? declared.input : declared;
  const result = schema.safeParse(message);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const place = issue?.path.length ? `.${issue.path.join(".")}` : "";
  throw new ActorError("E_MESSAGE_SCHEMA", `message ${type}${place}: ${issue?.message}`, {
    at,
    fix: `send what behaviour ${name} declares`,
  });
}
