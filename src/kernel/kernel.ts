/**
 * Owns: one thread's actors: deliver an envelope, run a turn, complete what a store did, advance
 * the clock. Synchronous and deterministic: no clock, no I/O, no randomness of its own.
 * Does not own: threads, stores, real time (they are its host's; ports.ts).
 */
import { Address } from "../actor/protocol.ts";
import { arrive, begin } from "./arrival.ts";
import { Asks } from "./asks.ts";
import { Callers } from "./callers.ts";
import { Cell } from "./cell.ts";
import { seal } from "./commits.ts";
import { complete } from "./completing.ts";
import { DeadLetters } from "./dead.ts";
import { absent, accept, stamped } from "./delivery.ts";
import type { Fact } from "./events.ts";
import { Forgetting } from "./forgetting.ts";
import { freeze } from "./freeze.ts";
import { Guard, LIVES } from "./guard.ts";
import { threadLost } from "./loss.ts";
import { mailOf } from "./mailbox.ts";
import { meterYields } from "./metering.ts";
import { Moves } from "./moves.ts";
import { Outgoing } from "./outgoing.ts";
import type {
  Answer,
  Calendar,
  Committer,
  Completion,
  Envelope,
  KernelOptions,
  Mail,
  Signal,
} from "./ports.ts";
import { Programs } from "./program.ts";
import { Lines } from "./resting.ts";
import { Scheduler } from "./scheduler.ts";
import { Stacks } from "./stacks.ts";
import type { AdminRequest } from "./supervision.ts";
import { SupervisorCell } from "./supervisor-cell.ts";
import { Timers } from "./timers.ts";
import type { Tools } from "./tools.ts";
import { Transfers } from "./transfers.ts";

export type Member = Cell | SupervisorCell;

/** Kinds of which only the supervisor of a path is meant. */
const TO_SUPERVISORS: ReadonlySet<Envelope["kind"]> = new Set([
  ...(["call", "started", "exited", "hibernated", "wake"] as const),
]);

/** The kernel of one thread. */
export class Kernel {
  readonly options: KernelOptions;
  readonly thread: number;
  readonly committer: Committer;
  readonly tools: Tools;
  readonly calendar: Calendar;
  readonly members = new Map<string, Member>();
  readonly timers = new Timers();
  readonly scheduler: Scheduler;
  readonly dead = new DeadLetters();
  /** Paths whose mail goes to the store also while nobody lives there. */
  readonly durablePaths = new Set<string>();
  readonly windowUnit: "ms" | "seconds";
  readonly random: () => number;
  nowMs: number;
  /** A handler goes on in the microtasks after this turn: the turn must end here. */
  resumed = false;
  /** User code may go on in microtasks: set here, cleared by a host that cares. */
  loose = false;
  /** Whose code runs now, for a watcher. */
  readonly guard: Guard;
  readonly drain: (() => void) | null;
  fencedCalls = 0;
  /** Answers that somebody waits for. */
  readonly asks: Asks;
  /** Commits in flight and what waits for them. */
  readonly outgoing: Outgoing;
  readonly lines = new Lines();
  readonly stacks = new Stacks();
  /** Who has come for an actor that is in the store only. */
  readonly callers = new Callers(this);
  readonly forgetting = new Forgetting(this);
  readonly traces: boolean;
  readonly freezes: boolean;
  readonly programs = new Programs(this);
  /** Who is not at home, and who comes and goes. */
  readonly moves: Moves;
  /** Who moves: on the control thread only. */
  readonly transfers: Transfers | null;
  private attendees: Cell[] = [];
  /** The last number given out, here or where an actor came from. */
  lastId: number;

  constructor(options: KernelOptions) {
    this.options = options;
    this.thread = options.thread;
    this.committer = options.committer;
    this.tools = options.tools;
    this.calendar = options.calendar;
    this.windowUnit = options.windowUnit ?? "ms";
    this.random = options.random;
    this.nowMs = options.nowMs;
    this.guard = new Guard(options.cells, options.meter);
    this.drain = options.drain ?? null;
    this.traces = options.trace ?? false;
    this.freezes = options.freeze ?? false;
    if (options.meter !== undefined) meterYields(this, options.meter);
    this.asks = new Asks(this);
    this.outgoing = new Outgoing(this);
    this.moves = new Moves(this);
    this.transfers = options.thread === options.control ? new Transfers(this) : null;
    this.lastId = options.firstId ?? 0;
    if (options.firstLife !== undefined) this.guard.cells[LIVES] = options.firstLife;
    this.scheduler = new Scheduler(options.wake ?? (() => {}));
  }

  /* ---- what a host calls ---- */

  /** An envelope from another thread or from outside. */
  deliver(envelope: Envelope): void {
    if (envelope.kind !== "mail") return arrive(this, envelope);
    const member = this.members.get(envelope.to);
    if (member instanceof Cell && envelope.stamp === undefined) {
      accept(this, member, envelope, null);
    } else arrive(this, envelope);
  }

  /** One member runs one turn. @returns false when nobody had anything to do */
  runTurn(): boolean {
    if (this.attendees.length > 0) this.sealAttended();
    this.resumed = false;
    return this.scheduler.runTurn();
  }

  /** Has anybody anything to do now? */
  get busy(): boolean {
    return this.scheduler.size > 0 || this.attendees.length > 0;
  }

  /** The clock went on. @returns how many timers fired */
  advance(nowMs: number): number {
    this.nowMs = Math.max(this.nowMs, nowMs);
    return this.timers.fireDue(this.nowMs);
  }

  /** The time for what begins now. Nothing becomes due by that. @unit ms */
  freshen(): number {
    const { clock } = this.options;
    if (clock !== undefined) this.nowMs = Math.max(this.nowMs, clock());
    return this.nowMs;
  }

  /** Something asked of the committer is done. */
  complete(completion: Completion): void {
    complete(this, completion);
  }

  /** Another thread is gone, with all that was on it. */
  threadLost(thread: number): void {
    threadLost(this, thread);
  }

  /** An ask from outside. `done` is called once. @param stamp its id, "" = none */
  request(
    to: string,
    type: string,
    message: unknown,
    ms: number,
    done: (a: Answer) => void,
    stamp = "",
  ): void {
    const mail = this.mail(to, type, message, `~${this.thread}`, 0);
    mail.ask = this.asks.outside(to, false, ms, done);
    if (stamp !== "") mail.stamp = { id: stamp, receipt: 0, atMs: 0 };
    if (stamp !== "") stamped(this, mail);
    else this.send(mail, null);
  }

  /** An administrative call, or get_state, from outside. */
  call(
    to: string,
    request: AdminRequest | "get_state",
    ms: number,
    done: (a: Answer) => void,
  ): void {
    const ask = this.asks.outside(to, request !== "get_state", ms, done);
    const from = `~${this.thread}`;
    if (request === "get_state") this.send({ kind: "get_state", to, from, ask }, null);
    else this.send({ kind: "call", to, from, ask, request }, null);
  }

  /* ---- what cells call ---- */

  mail(to: string, type: string, message: unknown, from: string, ask: number): Mail {
    return mailOf(to, type, this.freezes ? freeze(message) : message, from, ask);
  }

  frozen<T>(value: T): T {
    return this.freezes ? freeze(value) : value;
  }

  /**
   * Whom a ref has reached before, if in this turn an ephemeral actor's mail may go straight into its
   * mailbox. (Outside of a turn the host must be woken, and no end may land in there.)
   */
  near(ref: object): Cell | null {
    const met = Address.met(ref) as Cell | null;
    if (met === null || met.status === "exited" || met.slice !== null) return null;
    if (this.scheduler.current === null) return null;
    const { kernel, mailboxMax } = met.program;
    return kernel === this && met.waiting < mailboxMax ? met : null;
  }

  /** An ephemeral actor's mail to whom a ref names: without a look-up if it has reached them before. */
  post(ref: object, mail: Mail, sender: Cell): void {
    sender.reductions++;
    const met = Address.met(ref) as Cell | null;
    if (met !== null && met.status !== "exited" && met.program.kernel === this) {
      return accept(this, met, mail, sender);
    }
    const member = this.members.get(mail.to);
    if (!(member instanceof Cell)) return this.send(mail, sender);
    Address.meet(ref, member);
    accept(this, member, mail, sender);
  }

  /** To a member of this thread, or on its way to another. */
  send(envelope: Envelope, sender: Cell | null): void {
    const member = this.members.get(envelope.to);
    if (envelope.kind === "mail") {
      if (member instanceof Cell) return accept(this, member, envelope, sender);
    } else if (envelope.kind === "reply") {
      if (member !== undefined || this.#threadOf(envelope) === this.thread) {
        return this.asks.replied(envelope.to, envelope.ask, envelope.answer);
      }
    } else if (member !== undefined) {
      return member.receive(envelope);
    }
    if (member instanceof SupervisorCell) return absent(this, envelope);
    if (this.options.elsewhere?.take(envelope)) return;
    const thread = this.#threadOf(envelope);
    if (thread === this.thread) return absent(this, envelope);
    const { transport } = this.options;
    if (!transport.send(thread, envelope) && sender !== null) this.lines.rest(thread, sender);
  }

  startChild(start: Extract<Signal, { kind: "start" }>): void {
    if (this.moves.keeps(start)) return;
    const { to, spec } = start;
    const supervisor = spec.kind === "supervisor";
    const thread = supervisor ? this.options.route(to, true) : this.moves.threadOf(to, false);
    if (thread === this.thread) begin(this, start);
    else this.options.transport.send(thread, start);
  }

  schedule(member: Member): void {
    this.scheduler.schedule(member);
  }

  /** Remembers a cell whose slice may grow outside of its turn. */
  attended(cell: Cell): void {
    if (cell.slice === null || this.scheduler.current === cell) return;
    this.attendees.push(cell);
    this.scheduler.wakeUp();
  }

  emit(fact: Fact): void {
    this.options.sink?.(fact, this.scheduler.current === null ? this.freshen() : this.nowMs);
  }

  nextId(): number {
    return ++this.lastId;
  }

  nextLife(): number {
    // In the shared memory, so that a successor goes on from here.
    const life = (this.guard.cells[LIVES] as number) + 1;
    this.guard.cells[LIVES] = life;
    return life;
  }

  fenced(cell: Cell, verb: string): void {
    this.fencedCalls++;
    this.emit({ type: "fenced", path: cell.path, life: cell.life, verb });
  }

  #threadOf(envelope: Envelope): number {
    const { kind } = envelope;
    return this.moves.threadOf(envelope.to, TO_SUPERVISORS.has(kind));
  }

  private sealAttended(): void {
    const cells = this.attendees;
    this.attendees = [];
    for (const cell of cells) seal(cell);
  }
}
