/**
 * Owns: one chaos run: a random tree under random work and random faults, then a liveness phase
 * without faults, then an orderly stop.
 * Does not own: what is drawn (swarm.ts, programs.ts), single actions (nemesis.ts), what must hold
 * (checkers.ts).
 */
import { SHUTDOWN } from "../actor/exit.ts";
import type { ChildCounts } from "../kernel/supervision.ts";
import { Census } from "./census.ts";
import { watchStream } from "./checkers.ts";
import { checkRest, checkStopped } from "./end-checks.ts";
import { type Fault, Faults } from "./faults.ts";
import { LateStore } from "./late-store.ts";
import { Ledger } from "./ledger.ts";
import type { Marks } from "./marks.ts";
import { Nemesis } from "./nemesis.ts";
import { Outside } from "./outside.ts";
import type { Random } from "./programs.ts";
import { seeded } from "./random.ts";
import type { EventStream } from "./stream.ts";
import { drawSwarm, type Swarm } from "./swarm.ts";
import { Workload } from "./workload.ts";
import { World } from "./world.ts";

/** Time in which everything must be well again when the faults are over. @unit ms */
const LIVENESS_MS = 60_000;
/** Longest time without anything happening before somebody does something. @unit ms */
const PAUSE_MS = 15_000;
/** Time for the stop: longer than all shutdown times of a tree one after the other. @unit ms */
const STOP_MS = 1_200_000;
/** Macro steps that a phase without faults may take: far more than any has taken. */
const STEPS_MAX = 200_000;

/** Chance in each step that something late arrives, if there is any. */
const LATE = 0.1;

/** Streams of numbers that do not disturb each other: a change of one leaves the others alone. */
const streamsOf = (seed: number) => {
  const of = (nth: number) => seeded(seed * 16 + nth);
  return { faults: of(1), tree: of(2), schedule: of(3), work: of(4), driver: of(5), sleep: of(6) };
};

/** One chaos run. */
export class Chaos {
  readonly stream: EventStream;
  readonly marks: Marks;
  readonly faults: Faults;
  readonly workload: Workload;
  readonly ledger: Ledger;
  readonly late: LateStore;
  readonly outside: Outside;
  readonly swarm: Swarm;
  readonly world: World;
  readonly nemesis: Nemesis;
  readonly census = new Census();
  /** How many children supervisors have, as they say at rest, where some may be asleep. */
  readonly counts = new Map<string, number>();
  /** Set by the checks, for the end: messages of which nothing was heard, asks and watches open. */
  unaccounted: () => string[] = () => [];
  openAsks: () => string[] = () => [];
  openWatches: () => { id: number; path: string; to: string }[] = () => [];
  readonly #random: Random;

  constructor(seed: number, stream: EventStream, marks: Marks, always: readonly Fault[] = []) {
    const random = streamsOf(seed);
    this.stream = stream;
    this.marks = marks;
    this.#random = random.driver;
    this.faults = new Faults(random.faults, always);
    this.outside = new Outside(this.faults, random.work);
    this.ledger = new Ledger(stream, marks);
    this.late = new LateStore(this.ledger, stream, marks);
    const { faults, outside, ledger } = this;
    this.workload = new Workload({ stream, marks, faults, outside, ledger, random: random.work });
    this.swarm = drawSwarm(random.tree, this.workload, random.sleep);
    this.world = new World({
      threads: this.swarm.threads,
      lineMax: this.swarm.lineMax,
      random: random.schedule,
      engine: this.late,
      onLost: (ops) => this.late.hold(ops),
      onSpared: (commit, mails) => this.ledger.handled.spares(commit, mails),
      tools: this.workload.tools,
      trace: true,
      sink: (event) => stream.emit(event),
    });
    this.workload.world = this.world;
    this.nemesis = new Nemesis(this, random.driver);
    watchStream(this);
  }

  /** Is there still something to do? A root that gave up is a legal end. */
  get #goesOn(): boolean {
    return this.stream.violation === null && !this.ended;
  }

  get ended(): boolean {
    return this.world.rootSignals.some((signal) => signal.kind === "exited" || failed(signal));
  }

  async run(): Promise<void> {
    this.world.start(this.swarm.root);
    if (this.swarm.calmStart) await this.#startCalmly();
    this.#phase("chaos");
    for (let left = this.swarm.steps; left > 0 && this.#goesOn; left--) {
      if (this.#random() < this.swarm.pressure) this.nemesis.act();
      else if (!this.world.step() && !this.#wait()) this.nemesis.act();
      if (this.#random() < LATE) this.late.arrive();
      this.nemesis.recall();
      this.nemesis.migrate();
      await this.#drain();
    }
    this.faults.stop();
    await this.#recover();
    if (this.ended) this.marks.hit("the root gave up");
    if (this.#goesOn) await this.#count();
    if (this.#goesOn) checkRest(this);
    if (this.#goesOn) await this.#stop();
    if (this.stream.violation === null) checkStopped(this);
    for (const [fault, times] of this.faults.fired) this.marks.hit(`fault: ${fault}`, times);
  }

  /** Lets the tree come up before the faults begin. */
  async #startCalmly(): Promise<void> {
    this.faults.waiting = true;
    for (let left = STEPS_MAX; left > 0 && this.world.rootSignals.length === 0; left--) {
      if (!this.world.step() && !this.#wait() && this.outside.answer(true) === 0) break;
      await this.#drain();
    }
    this.faults.waiting = false;
  }

  /** Nothing can happen but time: it goes on, if not for too long. */
  #wait(): boolean {
    const next = this.world.nextTimer();
    if (next === null || next > this.world.nowMs + PAUSE_MS) return false;
    this.world.advance(next);
    return true;
  }

  /** Faults are over: all that waits gets its answer, and then everything must come to rest. */
  async #recover(): Promise<void> {
    this.#phase("liveness");
    // (Anew after each answer from outside: whoever waited for it could do nothing before.)
    const quiet = () => this.#quiet(this.world.nowMs + LIVENESS_MS);
    this.nemesis.havoc.resumeAll();
    await quiet();
    for (let rounds = 0; rounds < 50 && this.stream.violation === null; rounds++) {
      const answered = this.outside.answer(true);
      await this.#drain();
      const asked = this.ended ? 0 : this.nemesis.flush();
      if (answered + asked === 0) break;
      await quiet();
    }
  }

  async #count(): Promise<void> {
    const { control, nowMs } = this.world;
    for (const cell of control.members.values()) {
      if (!("sleepers" in cell) || cell.sleepers === null) continue;
      control.call(cell.path, { op: "count_children" }, LIVENESS_MS, (answer) => {
        const { ok } = answer.ok ? (answer.value as { ok: ChildCounts }) : { ok: { active: -1 } };
        this.counts.set(cell.path, ok.active);
      });
    }
    await this.#quiet(nowMs);
  }

  async #stop(): Promise<void> {
    this.#phase("stop");
    this.nemesis.havoc.suspendSome();
    const reason = SHUTDOWN;
    this.world.send({ kind: "shutdown", to: `/${this.swarm.root.id}`, life: 0, reason });
    await this.#quiet(this.world.nowMs + STOP_MS);
    if (this.ended) this.marks.hit("all stopped in order");
  }

  /** Runs until only time could change something, or until the time has come. */
  async #quiet(untilMs: number): Promise<void> {
    const { world, stream } = this;
    for (let left = STEPS_MAX; stream.violation === null; left--) {
      if (left === 0) return stream.fail("liveness", "no rest after very many steps");
      if (!world.step()) {
        const next = world.nextTimer();
        if (next === null || next > untilMs) return;
        world.advance(next);
      }
      await this.#drain();
    }
  }

  async #drain(): Promise<void> {
    if (this.world.takeLoose() || this.outside.takeLoose()) await this.world.drain();
  }

  #phase(name: string): void {
    this.stream.emit({ type: "phase", name, atMs: this.world.nowMs });
  }
}

const failed = (signal: World["rootSignals"][number]) =>
  signal.kind === "started" && "error" in signal.outcome;
