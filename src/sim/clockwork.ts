/**
 * Owns: driving a simulated node: how far time goes on for each call from outside, the death of
 * the whole node and its next life on the same store.
 * Does not own: the node itself (world.ts), what goes wrong (misfortune.ts), the verbs of whoever
 * uses it (simulate.ts).
 */
import { accountsOf } from "../actor/accounts.ts";
import type { App } from "../actor/app.ts";
import { ActorError } from "../actor/errors.ts";
import { type ExitReason, formatReason } from "../actor/exit.ts";
import type { SupervisorSpec } from "../actor/spec.ts";
import { errorOf, failed } from "../kernel/answers.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Answer } from "../kernel/ports.ts";
import { MemoryEngine } from "../store/memory.ts";
import { type FakeHost, type FakeTools, fakeTools } from "./fakes.ts";
import { Foreign } from "./foreign.ts";
import { Misfortune } from "./misfortune.ts";
import { seeded } from "./random.ts";
import { Record } from "./record.ts";
import { sabotaged } from "./sabotage.ts";
import type { SimulateOptions } from "./simulate.ts";
import { World } from "./world.ts";

/** Steps at one moment of virtual time after which a run counts as endless. */
const STEPS_MAX = 5_000_000;

const outside = (fact: string, low: number, high: number) =>
  new ActorError("E_SPEC_RANGE", `${fact} is outside its limits`, {
    at: "simulate()",
    fix: `use a number from ${low} to ${high}`,
  });

/** A simulated node with its faults and its clock. */
export class Clockwork {
  readonly record = new Record();
  readonly #root: SupervisorSpec;
  readonly #options: SimulateOptions;
  readonly #threads: number;
  readonly #engine = new MemoryEngine();
  readonly #random: () => number;
  readonly #tools: FakeTools;
  #world: World;
  readonly #misfortune: Misfortune;
  readonly #foreign: Foreign;
  /** How to reject the calls from outside that nobody has answered yet. */
  readonly #open = new Set<(error: Error) => void>();
  #calls: Promise<unknown> = Promise.resolve();
  /** Highest number that each thread's first kernel has given out, over all lives of the node. */
  readonly #ids: number[] = [];
  /** Steps until the node dies, or null. */
  #crashIn: number | null = null;
  /** Threads that still have the first kernel of this life. */
  #fresh = new Set<number>();

  constructor(app: App, options: SimulateOptions) {
    const { seed = 1, threads = 2, faults = {}, tools = [] } = options;
    if (!Number.isInteger(threads) || threads < 1 || threads > 7) {
      throw outside(`threads: ${threads}`, 1, 7);
    }
    const { crash = 0, loseThread = 0 } = faults;
    if (!(crash >= 0 && crash <= 1)) throw outside(`faults.crash: ${crash}`, 0, 1);
    if (!(loseThread >= 0)) throw outside(`faults.loseThread: ${loseThread}`, 0, 60_000);
    this.#options = options;
    this.#threads = threads;
    this.#random = seeded(seed);
    this.#misfortune = new Misfortune(seed, crash, loseThread);
    const wait = (ms: number) => this.#wait(ms);
    const { policy } = app;
    const accounts: FakeHost["accounts"] = (path, own) => accountsOf(app.root, path, own);
    this.#tools = fakeTools({ fakes: tools, now: () => this.now, wait, policy, accounts });
    this.#foreign = new Foreign(this.#tools, () => this.kernels());
    const strike = (path: string) => this.#misfortune.strike(this.#world, path);
    this.#root = crash > 0 ? sabotaged(app.root, strike) : app.root;
    this.#world = this.#life(0);
  }

  get now(): number {
    return this.#world.nowMs;
  }

  get ended(): ExitReason | null {
    const end = this.#world.rootSignals.find((each) => each.kind === "exited");
    return end?.kind === "exited" ? end.reason : null;
  }

  kernels(): Kernel[] {
    return this.#world.hosts.filter((each) => each.alive).map((each) => each.kernel);
  }

  calm(): void {
    this.#misfortune.calm();
  }

  /** Starts the tree. @throws ActorError (rejects) E_START_FAILED */
  boot(): Promise<void> {
    return this.#turn(() => this.#start());
  }

  /** Does something at once, and what follows from it at once. */
  act(what: (kernel: Kernel) => void): Promise<void> {
    what(this.#world.control);
    return this.#turn(() => this.#settle());
  }

  /** Asks something at once; time goes on until it is answered. */
  async call(begin: (kernel: Kernel, done: (answer: Answer) => void) => void): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#open.add(reject);
    const isOpen = () => this.#open.has(reject);
    // Whoever called sees its rejection when this turn is over.
    promise.catch(() => {});
    begin(this.#world.control, (answer) => {
      this.#open.delete(reject);
      if (answer.ok) resolve(answer.value);
      else reject(errorOf(answer));
    });
    await this.#turn(async () => {
      await this.#run(() => !isOpen(), Number.POSITIVE_INFINITY);
      await this.#settle();
      if (isOpen() && !this.#crashing) reject(new ActorError("timeout", "nobody will ever answer"));
    });
    return promise;
  }

  advance(ms: number): Promise<void> {
    return this.#turn(async () => {
      const until = this.now + ms;
      await this.#run(() => false, until);
      this.#world.advance(until);
      await this.#settle();
    });
  }

  async kill(path: string): Promise<void> {
    const kernel = this.kernels().find((each) => each.members.has(path));
    if (kernel === undefined) {
      throw new ActorError("E_PATH_UNKNOWN", `nothing runs at ${path}`, {
        at: "sim.kill",
        fix: "sim.tree() shows what there is",
      });
    }
    await this.act(() => kernel.deliver({ kind: "kill", to: path, life: 0, by: "operator" }));
  }

  async loseThread(thread: number): Promise<void> {
    if (!Number.isInteger(thread) || thread < 1 || thread > this.#threads) {
      throw outside(`thread: ${thread}`, 1, this.#threads);
    }
    await this.act(() => this.#cutOff(thread));
  }

  /**
   * The node dies when some steps more are done; of what it had given to the store a prefix still
   * takes effect. Calls under way do not hold it up.
   */
  crashAndRestart(steps: number): Promise<void> {
    this.#crashIn = steps;
    return this.#turn(async () => {
      await this.#settle();
      this.#crashIn = null;
      this.#tools.crashed();
      const old = this.#world;
      for (const [thread, host] of old.hosts.entries()) {
        this.#noteIds(thread);
        host.alive = false;
        const taken = host.store.take(Math.floor(this.#random() * (host.store.size + 1)));
        if (taken.length > 0) this.#engine.execute(taken);
      }
      this.#misfortune.forget();
      const { code, message } = failed("exited", "the node") as Extract<Answer, { ok: false }>;
      const reason: ExitReason = { tag: "thread_lost", thread: 0 };
      for (const reject of this.#open) reject(new ActorError(code, message, { reason }));
      this.#open.clear();
      this.#world = this.#life(old.nowMs, old);
      await this.#start();
    });
  }

  /* ---- inside ---- */

  /** One call after the other moves the world. */
  #turn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#calls.then(run);
    this.#calls = turn.catch(() => {});
    return turn;
  }

  async #start(): Promise<void> {
    const world = this.#world;
    world.start(this.#root);
    await this.#run(() => world.rootSignals.length > 0, Number.POSITIVE_INFINITY);
    await this.#settle();
    const first = world.rootSignals[0];
    if (first?.kind === "started" && !("error" in first.outcome)) return;
    const at = `/${this.#root.id}`;
    const reason =
      first?.kind === "started" && "error" in first.outcome ? first.outcome.error : null;
    const why = reason === null ? "it never finishes its start" : formatReason(reason);
    const details = { at, fix: "mend what the reason names", ...(reason ? { reason } : {}) };
    throw new ActorError("E_START_FAILED", `the tree did not start: ${why}`, details);
  }

  /** A node on the store as it is; its numbers go on where those of the last one ended. */
  #life(nowMs: number, old?: World): World {
    const world = new World({
      threads: this.#threads,
      random: this.#random,
      engine: this.#engine,
      nowMs,
      tools: this.#tools,
      sink: (event) => {
        this.record.add(event);
        this.#options.onEvent?.(event);
      },
    });
    const lives = old?.control.nextLife() ?? 0;
    while (world.control.nextLife() < lives);
    for (const [thread, { kernel }] of world.hosts.entries()) {
      // A mail in the store may still be answered under a number of the old node's.
      const used = this.#ids[thread] ?? 0;
      while (kernel.nextId() < used);
      world.generations[thread] = old === undefined ? 0 : (old.generations[thread] ?? 0) + 1;
      this.#fresh.add(thread);
    }
    return world;
  }

  #noteIds(thread: number): void {
    const kernel = this.#world.hosts[thread]?.kernel;
    if (kernel !== undefined && this.#fresh.delete(thread)) this.#ids[thread] = kernel.nextId();
  }

  #cutOff(thread: number): void {
    this.#noteIds(thread);
    this.#world.loseThread(thread);
  }

  /** What happens at this moment of virtual time. */
  #settle(): Promise<void> {
    return this.#run(() => false, this.now);
  }

  /** Until something is done, or the limit; time goes on only when nothing else can happen. */
  async #run(done: () => boolean, limitMs: number): Promise<void> {
    const world = this.#world;
    for (let steps = 0; !done() && !this.#crashing; ) {
      if (world.step()) {
        if (this.#crashIn !== null) this.#crashIn--;
        if (++steps > STEPS_MAX) throw endless();
        // Others on this real thread want to live too.
        if (steps % 10_000 === 0) await new Promise((resolve) => setImmediate(resolve));
        this.#misfortune.reap(world);
      } else if (!this.#loosened() && !(await this.#foreign.wait())) {
        const { nextLossMs } = this.#misfortune;
        const next = Math.min(world.nextTimer() ?? Number.POSITIVE_INFINITY, nextLossMs);
        if (next > limitMs || next === Number.POSITIVE_INFINITY) return;
        world.advance(next);
        if (next === nextLossMs) this.#cutOff(this.#misfortune.loss(next, this.#threads));
        steps = 0;
      }
      if (world.takeLoose()) {
        this.#foreign.stirred = true;
        await world.drain();
      }
    }
  }

  get #crashing(): boolean {
    return this.#crashIn !== null && this.#crashIn <= 0;
  }

  #loosened(): boolean {
    return this.kernels().some((each) => each.loose);
  }

  /** Virtual time for a fake's delay. */
  #wait(ms: number): Promise<void> {
    const { control } = this.#world;
    return new Promise((resolve) => {
      control.timers.add(control.nowMs + ms, () => {
        control.loose = true;
        resolve();
      });
    });
  }
}

function endless(): ActorError {
  return new ActorError("timeout", `${STEPS_MAX} steps and no time has passed`, {
    at: "simulate()",
    fix: "look for actors that send each other messages for ever; use ctx.after",
  });
}
