/**
 * Owns: running user code that is no call of a behaviour: a handler that goes on after an await, an
 * inline effect. Under the guard, and with the promise callbacks that follow from it.
 * Does not own: calls of behaviours (handling.ts).
 */
import type { Cell } from "./cell.ts";
import type { Verbs } from "./verbs.ts";

/** What a handler that waits has used does not come back when it goes on. */
export function spend(verbs: Verbs | null, used: number): void {
  if (used !== 0 && verbs !== null) verbs.more.spent += used;
}

/** A handler goes on with an answer; this kernel's turn ends there if its host cannot drain. */
export function proceed(cell: Cell, settle: (value: unknown) => void, value: unknown): void {
  const { kernel, active } = cell;
  kernel.guard.reenter(cell);
  settle(value);
  if (kernel.drain === null) kernel.resumed = kernel.loose = true;
  else kernel.drain();
  spend(active, kernel.guard.leave());
}

/** Runs an inline effect, from a verb or in a turn. @throws whatever it throws */
export function inline<T>(cell: Cell, effect: () => T): T {
  const { guard, drain } = cell.kernel;
  cell.kernel.loose = true;
  if (guard.current !== null) {
    guard.resume();
    try {
      return effect();
    } finally {
      guard.pause();
    }
  }
  guard.reenter(cell);
  try {
    return effect();
  } finally {
    if (drain !== null) drain();
    spend(cell.active, guard.leave());
  }
}
