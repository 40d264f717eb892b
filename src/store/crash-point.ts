/**
 * Owns: the named places where a process may be made to die, so that a test can kill it exactly
 * there: between a write and its flush, between a commit and its answer. Off unless
 * `COPPICE_CRASH_AT=<point>:<n>` is set, which is read once: the n-th time the point is reached on a
 * thread, the process gets SIGKILL. Off, a point costs one comparison a batch, none a message.
 * Does not own: choosing points and judging what is left (test/kill/).
 */

/** Where a process may die. Each is passed once a batch, a tool call, a load or an opening. */
export const CRASH_POINTS = [
  /** The lock of the folder is held, nothing is opened. */
  "open:locked",
  /** The empty store has its name, its folder is not flushed. */
  "open:created",
  /** The epoch has been raised. */
  "open:raised",
  /** An actor has its new owner, within the transaction that reads it. */
  "load:owned",
  /** A batch is taken from a thread's committer, and not sent. */
  "batch:taken",
  "batch:arrived",
  "batch:begun",
  /** Half of the operations of a transaction are done. */
  "batch:half",
  "batch:executed",
  /** On disk, and nobody knows. */
  "batch:committed",
  /** The answers are posted; effects have not left. */
  "batch:answered",
  /** The answers have arrived; effects have not left. */
  "batch:heard",
  /** Effects have left. */
  "batch:released",
  /** A child has ended for good, and the store is not told that it is to forget it. */
  "forget:asked",
  /** The store has forgotten it, and whoever wanted that has no answer. */
  "forget:done",
  /** A granted tool is about to run. */
  "tool:called",
  /** It has run, and its answer is not recorded. */
  "tool:done",
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];

const armed = process.env.COPPICE_CRASH_AT ?? null;
/** Kept from before: on scheduler threads users' code is not let at it. */
const kill = process.kill.bind(process);
let left = Number(armed?.slice(armed.lastIndexOf(":") + 1) ?? 0);

/** Is any point armed? What would cost something to pass points is left out when not. */
export const crashing = armed !== null;

/** Dies here, if this is the point that is armed and its turn has come. */
export function crashPoint(name: CrashPoint): void {
  if (armed === null || !armed.startsWith(`${name}:`) || --left > 0) return;
  kill(process.pid, "SIGKILL");
  // The signal takes a moment to arrive: nothing may happen in it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
