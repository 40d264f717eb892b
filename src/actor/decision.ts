/**
 * Owns: what may be decided about a tool call.
 * Does not own: who decides (policy.ts), what comes of it (tool/policy.ts).
 */
import { ActorError, shown } from "./errors.ts";
import { type Duration, milliseconds } from "./units.ts";

/** Let it run; refuse it with words the model can read; or ask a person, an actor made by human(). */
export type Decision =
  | "allow"
  | { readonly deny: string }
  | { readonly ask: string; readonly within?: Duration };

type Words = { readonly [name in "deny" | "ask" | "within"]?: unknown };

/**
 * No words beside these, either: of `{ ask: "/desk", withn: "1h" }` the deadline would be left out.
 *
 * @throws E_POLICY for what is no decision; E_UNITS
 */
export function checkDecision(said: unknown, at: string): asserts said is Decision {
  if (said === "allow") return;
  const { deny, ask, within, ...more } = (typeof said === "object" && said ? said : {}) as Words;
  const denies = typeof deny === "string" && ask === undefined && within === undefined;
  const asks = typeof ask === "string" && ask.startsWith("/") && deny === undefined;
  if ((!denies && !asks) || Object.keys(more).length > 0) {
    const fix = 'use "allow", { deny: "why" } or { ask: "/path", within: "1h" }';
    throw new ActorError("E_POLICY", `${shown(said)} is no decision`, { at, fix });
  }
  if (within !== undefined) milliseconds(within as Duration, `${at}, within`);
}
