/**
 * Owns: the states that simulations must have been in now and then ("sometimes"): their names and
 * how often each was seen. Does not own: where they are seen (scout.ts and the driver).
 *
 * A mark that thousands of seeds never hit means that the simulator has become blind at that place.
 */
import { FAULTS, type Fault } from "./faults.ts";

/** What is seen in runs, apart from the faults. */
export const STATES = [
  "model and kernel agree on one thread",
  "model and kernel agree on several threads",
  "a scenario ended with its root",
  "ask ended: ok",
  "ask ended: timeout",
  "ask ended: exited",
  "ask ended: no_actor",
  "ask ended: no_reply",
  "ask ended: overloaded",
  "ask ended: calling_self",
  "ask ended: refused",
  "call ended: ok",
  "call ended: exited",
  "call ended: no_actor",
  "call ended: already_started",
  "call ended: already_present",
  "call ended: running",
  "call ended: restarting",
  "call ended: not_found",
  "call ended: max_children",
  "call ended: dynamic",
  "call ended: start_failed",
  "dead letter: no_actor",
  "dead letter: actor_exited",
  "dead letter: mailbox_full",
  "dead letter: max_deliveries",
  "a message was delivered again, and counted before",
  "a message was handled and never written",
  "late and refused: commit",
  "late and refused: fire",
  "a durable timer was set",
  "a durable timer was replaced",
  "a durable timer was taken back",
  "a durable timer has fired",
  "a durable timer outlived its incarnation",
  "actor ended: normal",
  "actor ended: shutdown",
  "actor ended: error",
  "actor ended: killed",
  "actor ended: linked",
  "refused when too late: tell",
  "refused when too late: ask",
  "refused when too late: reply",
  "refused when too late: after",
  "refused when too late: step",
  "refused when too late: watch",
  "refused when too late: link",
  "refused when too late: deferred reply",
  "down of the incarnation that was watched",
  "down of nobody",
  "down was dropped by an actor without a handler",
  "exit of a link was handled",
  "timer fired: delay",
  "timer fired: idle",
  "timer fired: next",
  "timer was cancelled",
  "a sender rested because a mailbox was full",
  "a sender rested because a mailbox of another thread was full",
  "a sender rested because a line to another thread was crowded",
  "an actor moved to another thread",
  "a durable actor moved to another thread",
  "an actor left the memory",
  "an actor came back to the memory",
  "an actor was needed again while it left the memory",
  "a timer was due while its actor was in the store only",
  "an actor that had moved was lost with its new thread, or on its way",
  "an actor ignored its start",
  "a start failed",
  "a start took too long",
  "a restart failed and was tried again",
  "a retry was one too many",
  "a group restart took in a sibling that had died by itself",
  "a supervisor gave up",
  "a supervisor ended with its significant children",
  "a stop took too long",
  "a stop came while suspended",
  "last words failed",
  "a supervisor was killed while it started children",
  "a supervisor was killed while it stopped children",
  "a supervisor was killed during a group restart",
  "a thread was lost while another one was not replaced yet",
  "a thread was lost during a start",
  "a thread was lost before it knew that its commit was done",
  "a durable actor went on from the store",
  "a durable actor went on in the middle of a message",
  "a message was delivered again",
  "a removed actor was forgotten with its mail",
  "a payment was passed on",
  "a payment became a dead letter",
  "a watch was open at rest",
  "a link held at rest",
  "at rest with ten live actors",
  "the root gave up",
  "all stopped in order",
] as const;

export type Mark = (typeof STATES)[number] | `fault: ${Fault}`;

/** Every mark. */
export const MARKS: readonly Mark[] = [
  ...STATES,
  ...(Object.keys(FAULTS) as Fault[]).map((fault) => `fault: ${fault}` as const),
];

const KNOWN: ReadonlySet<string> = new Set(MARKS);

/** Counts of all marks. */
export class Marks {
  readonly #counts = new Map<Mark, number>(MARKS.map((mark) => [mark, 0]));

  hit(mark: Mark, times = 1): void {
    this.#counts.set(mark, (this.#counts.get(mark) ?? 0) + times);
  }

  /** For marks whose name ends with a word of the run: one that is no mark does not count. */
  hitIfKnown(mark: string): void {
    if (KNOWN.has(mark)) this.hit(mark as Mark);
  }

  add(other: Marks): void {
    for (const [mark, count] of other.#counts) if (count > 0) this.hit(mark, count);
  }

  /** In the order of {@link MARKS}. */
  counts(): [mark: Mark, count: number][] {
    return [...this.#counts];
  }

  /** Those never hit. */
  missing(): Mark[] {
    return this.counts().flatMap(([mark, count]) => (count === 0 ? [mark] : []));
  }
}
