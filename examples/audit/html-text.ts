/**
 * Owns how foreign text gets into HTML without becoming HTML. Whatever a report puts between tags or
 * quotes goes through here.
 */
import { visible } from "./text.ts";

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (mark) => entities[mark] ?? "");
}

/** Thousands are easier to read apart. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
