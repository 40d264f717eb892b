/**
 * Owns: the ready queue and the budget of a turn.
 * Does not own: what a turn does (cell.ts, supervisor-cell.ts), when to run one (the host's pump).
 * Invariants: K5 a member is in the queue at most once; K6 signals cost no budget.
 *
 * The members themselves form the queue, as the items of a mailbox do: a ring, each knows its follower.
 */
import type { Cell } from "./cell.ts";
import type { SupervisorCell } from "./supervisor-cell.ts";

type Member = Cell | SupervisorCell;

/** Mail a turn may handle; Pony's batch. @unit messages */
export const TURN_MESSAGES = 100;
/** Work a turn may do: 1 per message and effect; Erlang's CONTEXT_REDS. @unit reductions */
export const TURN_REDUCTIONS = 4_000;

/** Who runs next on this thread. */
export class Scheduler {
  private last: Member | null = null;
  private readonly wake: () => void;
  /** Whose turn it is, or null between turns. */
  current: Member | null = null;
  turns = 0;
  /** How many are ready. */
  size = 0;

  constructor(wake: () => void) {
    this.wake = wake;
  }

  /** Adds a member to the end of the queue, once. (An end may land here: see guard.ts.) */
  schedule(member: Member): void {
    if (member.follower !== null) return;
    const { last } = this;
    if (last === null) member.follower = member;
    else {
      member.follower = last.follower;
      last.follower = member;
    }
    this.last = member;
    this.size++;
    if (this.current === null) this.wake();
  }

  /** Who is ready to run, next one first. */
  *waiting(): Generator<Member> {
    const { last } = this;
    if (last === null) return;
    let each = last;
    do {
      each = each.follower as Member;
      yield each;
    } while (each !== last);
  }

  wakeUp(): void {
    if (this.current === null) this.wake();
  }

  /** @returns false when nobody was ready */
  runTurn(): boolean {
    const { last } = this;
    if (last === null) return false;
    const member = last.follower as Member;
    if (member === last) this.last = null;
    else last.follower = member.follower;
    member.follower = null;
    this.size--;
    this.current = member;
    this.turns++;
    // What throws here is a bug of ours: then the host ends this kernel.
    if (member.turn(TURN_MESSAGES, TURN_REDUCTIONS)) this.schedule(member);
    this.current = null;
    return true;
  }
}
