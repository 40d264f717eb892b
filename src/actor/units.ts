/**
 * Owns: turning what people write ("5s", "64mb") into integers with a unit.
 * Does not own: defaults (spec.ts).
 */
import { ActorError, shown } from "./errors.ts";

/** A time span: whole milliseconds, or a number with a unit. @example "250ms" "5s" "10m" "2h" "1d" */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;
/** A size: whole bytes, or a number with a unit (1 kb = 1,024 bytes). @example "64mb" */
export type Size = number | `${number}${"b" | "kb" | "mb" | "gb"}`;

const MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES: Record<string, number> = { b: 1, kb: 1_024, mb: 1_048_576, gb: 1_073_741_824 };

function parse(value: number | string, table: Record<string, number>, what: string, at: string) {
  const text = typeof value === "string" ? value.trim().toLowerCase() : "";
  const match = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(text);
  const unit = match?.[2] ?? "";
  const factor =
    typeof value === "number" ? 1 : Object.hasOwn(table, unit) ? table[unit] : undefined;
  const amount = typeof value === "number" ? value : Number(match?.[1]);
  if (factor === undefined || !Number.isFinite(amount) || amount < 0) {
    throw new ActorError("E_UNITS", `${shown(value)} is not a ${what}`, {
      at,
      fix: `write a number ≥ 0 or one with a unit: ${Object.keys(table).join(", ")}`,
    });
  }
  return Math.round(amount * factor);
}

/** Milliseconds of a {@link Duration}. @unit ms @throws E_UNITS when it means no time span */
export function milliseconds(value: Duration, at = "duration"): number {
  return parse(value, MS, "duration", at);
}

/** Bytes of a {@link Size}. @unit bytes @throws E_UNITS when it means no size */
export function bytes(value: Size, at = "size"): number {
  return parse(value, BYTES, "size", at);
}
