/**
 * Owns: what one actor did to others, as plain values for tests.
 */
import type { ExitReason } from "../actor/exit.ts";

/** What left an actor, as a plain value: compare it with toEqual. */
export type Effect =
  | { readonly kind: "tell" | "ask"; to: string; type: string; message: unknown }
  | { readonly kind: "use"; tool: string; input: unknown }
  | { readonly kind: "timer"; afterMs: number; type: string; message: unknown }
  | { readonly kind: "start"; under: string; id: string | null; args: unknown }
  | { readonly kind: "watch" | "unwatch" | "link" | "unlink"; to: string }
  | { readonly kind: "exit"; reason: ExitReason };
