/**
 * Owns: what few handlers need besides sending: how many steps and effects they have come to, that
 * they must end, how long they may take. Does not own: the verbs (verbs.ts), which make one of these
 * when it is first needed, as there is a Verbs for each message.
 */
import { type ExitReason, ExitThrown } from "../actor/exit.ts";
import type { TimerEntry } from "./timers.ts";

/** How far the handler of one message has come. */
export class Course {
  /** Next place in the journal, and number of effects so far that a rerun must not repeat. */
  steps = 0;
  effects = 0;
  /** Set by exit() and by a rerun on another way: it ends the actor also when it was caught. */
  over: ExitThrown | null = null;
  /** Metered work up to where it waits. @unit reductions */
  spent = 0;
  /** When a handler that awaits must have ended. */
  deadline: TimerEntry | null = null;

  /** It ends the actor, whatever it catches, and is cut back. The first reason stands. */
  doom(reason: ExitReason): ExitThrown {
    this.over ??= new ExitThrown(reason, false);
    return this.over;
  }
}
