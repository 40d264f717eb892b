/**
 * Owns: numbers, times, reasons and values as short words for people, and as JSON for programs.
 * Does not own: where they stand on the screen (terminal.ts).
 */
import { type ExitReason, formatReason } from "../actor/exit.ts";
import { printable } from "../observe/inspect.ts";

/** 1234567 → "1,234,567". */
export const grouped = (count: number): string =>
  String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ",");

/** 1,234 → "1.2k": three digits say enough. */
export function short(count: number): string {
  const units = ["", "k", "M", "G", "T"];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)}${units[unit]}`;
}

const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "m"],
  [1_000, "s"],
] as const;

/** A setting: 5000 → "5s", 1500 → "1500ms". */
export function span(ms: number): string {
  const unit = UNITS.find(([size]) => ms >= size && ms % size === 0);
  return unit === undefined ? `${ms}ms` : `${ms / unit[0]}${unit[1]}`;
}

/** How much time: 23416 → "23.4s"; what is whole has no digit behind the point. */
export function lasting(ms: number): string {
  const [size, unit] = UNITS.find(([each]) => ms >= each) ?? [1, "ms"];
  return `${Math.round((ms / size) * 10) / 10}${unit}`;
}

/** How long ago: "12s", "3m"; below a second in ms. */
export function age(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  const unit = UNITS.find(([size]) => whole >= size);
  return unit === undefined ? `${whole}ms` : `${Math.floor(whole / unit[0])}${unit[1]}`;
}

export const plural = (count: number, one: string): string =>
  `${grouped(count)} ${one}${count === 1 ? "" : "s"}`;

/** An exit reason off the wire: any version's, so perhaps one this program does not know. */
export function reasonText(reason: { tag: string }): string {
  try {
    return formatReason(reason as ExitReason) ?? JSON.stringify(reason);
  } catch {
    return reason.tag;
  }
}

/** The words of OTP for a child that does not run mean little to people. */
export const statusText = (status: string): string => (status === "undefined" ? "stopped" : status);

/** The address of a process as its parent's path and its own name. */
export function splitPath(path: string): { parent: string; name: string } {
  const at = path.lastIndexOf("/");
  return { parent: path.slice(0, at), name: path.slice(at + 1) };
}

/** JSON for programs, harmless if it lands on a terminal. */
export function jsonText(value: unknown): string {
  const lines = JSON.stringify(value, null, 2).split("\n");
  return `${lines.map((each) => printable(each)).join("\n")}\n`;
}

/** Text of several lines, each made printable. */
export const printableLines = (text: string): string =>
  text
    .split("\n")
    .map((each) => printable(each))
    .join("\n");
