/**
 * Owns: amounts of quotas in the units people read them in.
 * Does not own: tables (terminal.ts).
 */
import type { Cell } from "./terminal.ts";
import { grouped, lasting } from "./words.ts";

/** What resources are called. */
export const RESOURCES: Readonly<Record<string, string>> = {
  microUsd: "money",
  toolCalls: "tool calls",
  wallMs: "time",
  memoryBytes: "memory",
};

/** An amount in the unit people read it in. */
export function amount(resource: string, value: number): string {
  if (resource === "microUsd") return `$${(value / 1e6).toFixed(6)}`;
  if (resource === "wallMs") return lasting(value);
  return resource === "memoryBytes" ? `${(value / 1_048_576).toFixed(1)} MB` : grouped(value);
}

/** How much of a limit is used up. */
export function usedUp(spent: number, limit: number): Cell {
  const style = spent >= limit ? "red" : spent >= limit * 0.8 ? "yellow" : "dim";
  return { text: `${Math.round((spent / (limit || 1)) * 100)} %`, style };
}
