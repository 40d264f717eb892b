/**
 * Owns: the ready queue and the budget of a turn.
 * Does not own: what a turn does (cell.ts, supervisor-cell.ts), when to run one (the host's pump).
 * Invariants: K5 a member is in the queue at most once; K6 signals cost no budget.
 */
import type { Cell } from "./cell.ts";
import { Fifo } from "./fifo.ts";
import type { SupervisorCell } from "./supervisor-cell.ts";

type Member = Cell | SupervisorCell;

/** Mail a turn may handle; Pony's batch. @unit messages */
export const TURN_MESSAGES = 100;
/** Work a turn may do: 1 per message and effect; Erlang's CONTEXT_REDS. @unit reductions */
export const TURN_REDUCTIONS = 4_000;

/** Who runs next on this thread. */
export class Scheduler {
  private readonly ready = new Fifo<Member>();
  private readonly wake: () => void;
  /** Whose turn it is, or null between turns. */
  current: Member | null = null;
  turns = 0;

  constructor(wake: () => void) {
    this.wake = wake;
  }

  get size(): number {
    return this.ready.size;
  }

  /** Adds a member to the end of the queue, once. */
  schedule(member: Member): void {
    if (member.queued) return;
    member.queued = true;
    this.ready.push(member);
    if (this.current === null) this.wake();
  }

  /** Who is ready to run, next one first. */
  waiting(): Iterable<Member> {
    return this.ready;
  }

  wakeUp(): void {
    if (this.current === null) this.wake();
  }

  /** @returns false when nobody was ready */
  runTurn(): boolean {
    const member = this.ready.shift();
    if (member === undefined) return false;
    member.queued = false;
    this.current = member;
    this.turns++;
    // What throws here is a bug of ours: then the host ends this kernel.
    if (member.turn(TURN_MESSAGES, TURN_REDUCTIONS)) this.schedule(member);
    this.current = null;
    return true;
  }
}
