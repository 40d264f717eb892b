/**
 * Owns: a whole node on one thread, under one seed: a control kernel, scheduler kernels, the links
 * between them, a store, one virtual clock. Each macro step (a turn, a delivery, a batch of the
 * store, a jump of the clock) is picked by the generator, then promise callbacks drain.
 * Does not own: which faults happen (faults.ts), what must hold (checkers.ts).
 * Invariant: K14 same seed, same events.
 */
import { isDurable, mayHibernate } from "../actor/app.ts";
import type { SupervisorSpec } from "../actor/spec.ts";
import type { KernelEvent } from "../kernel/events.ts";
import { LIVES } from "../kernel/guard.ts";
import { Kernel } from "../kernel/kernel.ts";
import { Places } from "../kernel/placement.ts";
import type { Envelope, Mail, Signal } from "../kernel/ports.ts";
import type { Tools } from "../kernel/tools.ts";
import { StoreClient } from "../store/committer.ts";
import { MemoryEngine } from "../store/memory.ts";
import type { EncodedCommit, Engine, StoreOp } from "../store/store.ts";
import { CALENDAR } from "./calendar.ts";
import { complete, type Host } from "./host.ts";
import { Links } from "./links.ts";
import { movingIn } from "./moving.ts";

export interface WorldOptions {
  /** Scheduler threads; 0 = everything on the control kernel. @limit 0 … 7 */
  threads: number;
  random: () => number;
  /** Pick the first possible step instead of a random one: for runs without races. */
  ordered?: boolean;
  engine?: Engine;
  /** Told what a lost thread had asked of the store, and is not executed. */
  onLost?: (ops: readonly StoreOp[]) => void;
  /** Told of mail that is not written, because this commit has handled it. */
  onSpared?: (commit: EncodedCommit, mails: readonly Mail[]) => void;
  nowMs?: number;
  windowUnit?: "ms" | "seconds";
  sink?: (event: KernelEvent) => void;
  tools?: Tools;
  trace?: boolean;
  /** Envelopes that wait between two threads before senders rest. @default no limit */
  lineMax?: number;
}

/** What can be made to rest: a thread's turns, its store, the store's answers, what it sends. */
export type Stallable = "turn" | "store" | "answers" | "link";

const NO_TOOLS: Tools = { call: ({ tool }) => Promise.reject(new Error(`no fake: ${tool.name}`)) };

const KINDS = ["turn", "store", "answers", "link"] as const;
/** A possible step as one number: kind, thread, and for links the receiving thread. */
const stepCode = (kind: number, thread: number, to = 0) => kind * 64 + thread * 8 + to;

/** A simulated node. */
export class World {
  readonly options: WorldOptions;
  readonly engine: Engine;
  readonly hosts: Host[] = [];
  readonly links: Links;
  places: Places;
  #root: SupervisorSpec | null = null;
  #stalls: { what: Stallable; thread: number; untilMs: number }[] = [];
  readonly #choices: number[] = [];
  nowMs: number;
  steps = 0;
  /** How often each thread has been replaced. */
  readonly generations: number[] = [];
  /** How often each thread has been lost. */
  readonly losses: number[] = [];
  rootSignals: Extract<Signal, { kind: "started" | "exited" }>[] = [];

  constructor(options: WorldOptions) {
    this.options = options;
    this.engine = options.engine ?? new MemoryEngine();
    this.nowMs = options.nowMs ?? 0;
    this.links = new Links(options.threads, options.lineMax);
    this.places = new Places(null, options.threads);
    for (let thread = 0; thread <= options.threads; thread++) {
      this.generations.push(0);
      this.losses.push(0);
      this.hosts.push(this.#host(thread));
    }
  }

  get control(): Kernel {
    return (this.hosts[0] as Host).kernel;
  }

  /** Where an actor lives, or "~N"; if it does not live, its home. */
  threadOf(path: string): number {
    const at = this.hosts.findIndex(({ alive, kernel }) => alive && kernel.members.has(path));
    return at >= 0 ? at : this.places.threadOf(path);
  }

  kernelOf(path: string): Kernel {
    return (this.hosts[this.threadOf(path)] as Host).kernel;
  }

  /** Starts the tree; run until {@link rootSignals} says how it went. */
  start(root: SupervisorSpec): void {
    this.#root = root;
    this.places = new Places(root, this.options.threads);
    const life = this.control.nextLife();
    const start = { to: `/${root.id}`, life, incarnation: 1, spec: root, args: undefined };
    this.control.deliver({ kind: "start", parent: "~0", ...start });
  }

  /** Sends from outside. */
  send(envelope: Envelope): void {
    this.control.send(envelope, null);
  }

  /** One macro step. @returns false when nothing can happen but time */
  step(): boolean {
    this.#findChoices();
    const { length } = this.#choices;
    if (length === 0) return false;
    const at = this.options.ordered ? 0 : Math.floor(this.options.random() * length);
    const code = this.#choices[at] as number;
    const host = this.hosts[(code >> 3) & 7] as Host;
    this.steps++;
    switch (KINDS[code >> 6]) {
      case "turn":
        host.kernel.runTurn();
        break;
      case "store":
        this.#execute(host);
        break;
      case "answers":
        complete(host);
        break;
      default:
        this.#deliver((code >> 3) & 7, code & 7);
    }
    return true;
  }

  /** May user code be waiting to go on in microtasks? Asking clears it. */
  takeLoose(): boolean {
    let loose = false;
    for (const { kernel } of this.hosts) {
      loose ||= kernel.loose;
      kernel.loose = false;
    }
    return loose;
  }

  /**
   * Lets promise callbacks run until there are none. From inside of a microtask a tick comes when
   * all microtasks are done, and no timer or I/O of anybody else in between.
   */
  async drain(): Promise<void> {
    await null;
    await new Promise<void>((resolve) => process.nextTick(resolve));
  }

  /** Jumps to the next timer, if any. */
  jump(): boolean {
    const next = this.nextTimer();
    if (next === null) return false;
    this.advance(next);
    return true;
  }

  nextTimer(): number | null {
    let first = Number.POSITIVE_INFINITY;
    for (const [thread, { kernel, alive }] of this.hosts.entries()) {
      if (alive && !this.#stalled("turn", thread)) {
        first = Math.min(first, kernel.timers.next() ?? Number.POSITIVE_INFINITY);
      }
    }
    for (const { untilMs } of this.#stalls) first = Math.min(first, untilMs);
    return first === Number.POSITIVE_INFINITY ? null : first;
  }

  advance(nowMs: number): void {
    this.nowMs = Math.max(this.nowMs, nowMs);
    this.#stalls = this.#stalls.filter(({ untilMs }) => untilMs > this.nowMs);
    for (const [thread, { kernel, alive }] of this.hosts.entries()) {
      if (alive && !this.#stalled("turn", thread)) kernel.advance(this.nowMs);
    }
  }

  /** Lets something rest for a while, as a busy machine or a slow disk does. */
  stall(what: Stallable, thread: number, ms: number): void {
    this.#stalls.push({ what, thread, untilMs: this.nowMs + ms });
  }

  /** Runs until only time could change anything; timers within `withinMs` are waited for. */
  async settle(withinMs = 0, maxSteps = 1_000_000): Promise<void> {
    const until = this.nowMs + withinMs;
    for (let left = maxSteps; left > 0; left--) {
      if (this.step()) {
        if (this.takeLoose()) await this.drain();
        continue;
      }
      const next = this.nextTimer();
      if (next === null || next > until) return;
      this.advance(next);
    }
    throw new Error(`the world did not settle within ${maxSteps} steps`);
  }

  /** As settle, for worlds whose actors never await anything. */
  settleSync(withinMs = 0): void {
    const until = this.nowMs + withinMs;
    for (;;) {
      if (this.step()) continue;
      const next = this.nextTimer();
      if (next === null || next > until) return;
      this.advance(next);
    }
  }

  /**
   * A thread is gone with all that was on it. Of what it had given to the store a prefix still takes
   * effect: `part` of it, random when null. @returns false when it is gone already
   */
  loseThread(thread: number, part: number | null = null): boolean {
    const host = this.hosts[thread] as Host;
    if (thread === 0 || !host.alive) return false;
    host.alive = false;
    this.losses[thread] = (this.losses[thread] as number) + 1;
    const batch = Math.floor((part ?? this.options.random()) * (host.store.size + 1));
    if (batch > 0) this.engine.execute(host.store.take(batch));
    this.options.onLost?.(host.store.take());
    this.links.lose(thread, this.options.random);
    return true;
  }

  #host(thread: number): Host {
    const { options } = this;
    const store = new StoreClient(undefined, undefined, options.onSpared);
    const kernel = new Kernel({
      thread,
      control: 0,
      route: (path, supervisor) => this.places.threadOf(path, supervisor),
      transport: { send: (to, envelope) => !host.alive || this.links.post(thread, to, envelope) },
      committer: store,
      tools: options.tools ?? NO_TOOLS,
      calendar: CALENDAR,
      durable: (path) => this.#root !== null && isDurable(this.#root, path),
      hibernates: (path) => this.#root !== null && mayHibernate(this.#root, path),
      random: options.random,
      nowMs: this.nowMs,
      firstLife: this.hosts[thread]?.kernel.guard.cells[LIVES] ?? 0,
      firstId: ((this.generations[thread] ?? 0) * 100 + thread) * 1e9,
      sink: (fact, atMs) => host.alive && options.sink?.({ atMs, thread, ...fact }),
      freeze: true,
      trace: options.trace ?? false,
      windowUnit: options.windowUnit ?? "ms",
      onRoot: (signal) => this.rootSignals.push(signal),
      moving: movingIn(this, thread),
    });
    const host: Host = { kernel, store, answers: [], alive: true };
    return host;
  }

  #stalled(what: Stallable, thread: number): boolean {
    if (this.#stalls.length === 0) return false;
    return this.#stalls.some((each) => each.what === what && each.thread === thread);
  }

  #findChoices(): void {
    const choices = this.#choices;
    choices.length = 0;
    for (const [thread, { kernel, store, answers, alive }] of this.hosts.entries()) {
      if (alive) {
        if (kernel.busy && !this.#stalled("turn", thread)) choices.push(stepCode(0, thread));
        if (store.size > 0 && !this.#stalled("store", thread)) choices.push(stepCode(1, thread));
        if (answers.length > 0 && !this.#stalled("answers", thread)) {
          choices.push(stepCode(2, thread));
        }
      }
      if (this.#stalled("link", thread)) continue;
      for (const to of this.hosts.keys()) {
        if (this.links.waiting(thread, to)) choices.push(stepCode(3, thread, to));
      }
    }
  }

  #deliver(from: number, to: number): void {
    const parcel = this.links.take(from, to);
    if (this.links.hasRoomAgain(from, to)) this.hosts[from]?.kernel.lines.room(to);
    const kernel = this.hosts[to]?.kernel;
    if (parcel === undefined || kernel === undefined) return;
    if (parcel.kind !== "thread_lost") return void kernel.deliver(parcel);
    // From here on it speaks to the successor.
    this.links.told(parcel.thread, to);
    kernel.threadLost(parcel.thread);
    for (const thread of this.links.replaceable()) {
      this.generations[thread] = (this.generations[thread] ?? 0) + 1;
      this.hosts[thread] = this.#host(thread);
    }
  }

  #execute(host: Host): void {
    const max = this.options.ordered ? 1_000 : 1 + Math.floor(this.options.random() * 8);
    host.answers.push(this.engine.execute(host.store.take(max)));
  }
}
