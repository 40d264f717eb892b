/**
 * Owns: which thread runs what: pure. Thread 0 is the control thread (supervisors), 1…N run actors;
 * an actor's path decides, so every thread can find every actor without asking.
 * Does not own: starting threads (node.ts).
 */
import type { ChildSpec } from "../actor/spec.ts";

export const CONTROL = 0;

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  // The low bits of FNV-1a are weak for short, similar paths: mix them.
  value ^= value >>> 16;
  value = Math.imul(value, 0x85ebca6b);
  return (value ^ (value >>> 13)) >>> 0;
}

/** Thread of an actor's path, or of "~N" (somebody outside, attached to thread N). */
export function threadOf(path: string, threads: number): number {
  if (path.startsWith("~")) return Number(path.slice(1));
  return 1 + (hash(path) % threads);
}

/** Thread on which a child is started. */
export function placeOf(path: string, spec: ChildSpec, threads: number): number {
  return spec.kind === "supervisor" ? CONTROL : threadOf(path, threads);
}
