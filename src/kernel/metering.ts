/**
 * Owns: an async handler that has used up its slice: it goes on in a later turn, so that its
 * neighbours get theirs. Does not own: counting (the host's meter), limits (guard.ts).
 */
import type { Kernel } from "./kernel.ts";
import type { Meter } from "./ports.ts";
import { proceed } from "./running.ts";

/** Makes metered code yield to this kernel's scheduler. */
export function meterYields(kernel: Kernel, meter: Meter): void {
  const outside = meter.yielding;
  const { guard } = kernel;
  meter.yielding = () => {
    const cell = guard.current;
    const verbs = cell?.active ?? null;
    // Code that goes on outside of any run: a user's own timer or I/O.
    if (cell === null || verbs === null) return outside();
    guard.pause();
    const { promise, resolve } = Promise.withResolvers<void>();
    cell.later(() => {
      if (cell.active === verbs) proceed(cell, resolve as (value: unknown) => void, undefined);
    });
    guard.resume();
    return promise;
  };
}
