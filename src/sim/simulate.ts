/**
 * Owns: simulate(): a real tree in virtual time under one seed, with faults and scripted tools, for
 * regression tests and for simulations of many agents. The verbs of a test are those of a system.
 * Does not own: the simulated node (world.ts), its clockwork (clockwork.ts).
 */

import { type AnyBehaviour, checkArgs } from "../actor/actor.ts";
import { type App, behavioursOf, isApp } from "../actor/app.ts";
import type { Sender } from "../actor/context.ts";
import { ActorError, shown } from "../actor/errors.ts";
import type { ExitReason } from "../actor/exit.ts";
import { type Names, onlyKnown } from "../actor/names.ts";
import type {
  AnyRef,
  AskKeys,
  DynamicRef,
  InputOf,
  Messages,
  NewChild,
  OutputOf,
  Ref,
  TellKeys,
} from "../actor/protocol.ts";
import { type Duration, milliseconds } from "../actor/units.ts";
import type { KernelEvent } from "../kernel/events.ts";
import type { ProcessView } from "../kernel/inspect.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Answer } from "../kernel/ports.ts";
import type { AdminRequest, AdminResult } from "../kernel/supervision.ts";
import { Clockwork } from "./clockwork.ts";
import { checkMessage } from "./edge.ts";
import type { Fake } from "./fakes.ts";
import { overview } from "./overview.ts";

/** What goes wrong by itself. */
export interface SimulatedFaults {
  /**
   * How likely it is that an actor is killed at a message: before, during or after its handler.
   * @limit 0 … 1 @default 0
   */
  crash?: number;
  /** Threads lost in a virtual minute, on average. @default 0 */
  loseThread?: number;
}

/** How an app is simulated; every setting has a default. */
export interface SimulateOptions {
  /** Same seed, same run. @default 1 */
  seed?: number;
  /** Scheduler threads, simulated. @default 2 @limit 1 … 7 */
  threads?: number;
  /** How long the run takes, with the script. @unit days of virtual time @default 0 */
  days?: number;
  /** The same in other units; added to `days`. */
  duration?: Duration;
  faults?: SimulatedFaults;
  /** What the app's tools answer: fake(tool, …). A tool without a fake is denied. */
  tools?: readonly Fake[];
  /** What is done from outside. Time goes on only in its awaits of `sim`. */
  script?: (sim: Sim) => unknown;
  /** Told every fact as it happens. */
  onEvent?: (event: KernelEvent) => void;
}

const OPTIONS: Names<SimulateOptions> = {
  seed: true,
  threads: true,
  days: true,
  duration: true,
  faults: true,
  tools: true,
  script: true,
  onEvent: true,
};

/** A simulated system. Its calls let virtual time pass only as far as they must. */
export interface Sim extends Sender {
  /** Sends, and lets follow what follows at once. */
  tell<M extends Messages, K extends TellKeys<M>>(
    ref: Ref<M>,
    type: K,
    message: InputOf<M[K]>,
  ): Promise<void>;
  /** Asks; time goes on until the answer is there, or its timeout (default 5 s). */
  ask<M extends Messages, K extends AskKeys<M>>(
    ref: Ref<M>,
    type: K,
    message: InputOf<M[K]>,
    options?: { timeout?: Duration },
  ): Promise<OutputOf<M[K]>>;
  /** Starts a child of a dynamic supervisor. @throws ActorError (rejects) refused | no_actor */
  start<A, M extends Messages>(supervisor: DynamicRef<A, M>, options: NewChild<A>): Promise<Ref<M>>;
  /** An administrative call to a supervisor (SEMANTICS 12, 13). */
  admin(path: string, request: AdminRequest): Promise<AdminResult>;
  /** An actor's state, in turn with its mail. */
  getState(ref: AnyRef): Promise<unknown>;
  /** Lets virtual time pass. */
  advance(time: Duration): Promise<void>;
  /** Kills an actor or supervisor, as an operator does. @throws E_PATH_UNKNOWN */
  kill(path: string): Promise<void>;
  /** A scheduler thread is gone with all that was on it. @param thread 1 … threads */
  loseThread(thread: number): Promise<void>;
  /**
   * The whole process dies and is started again on the same store: only what was committed is left.
   * Asks under way are rejected with `exited`.
   *
   * @param options.steps how many small steps of what is under way still happen: turns, deliveries,
   *   store batches. @default 0
   */
  crashAndRestart(options?: { steps?: number }): Promise<void>;
  /** From now on nothing goes wrong by itself: the tree must come to rest. */
  calm(): void;
  /** The live tree: parents first, children in start order. */
  tree(): ProcessView[];
  /** The newest facts, at most 200,000. */
  readonly events: readonly KernelEvent[];
  /** Over all facts so far: the same for the same seed. */
  readonly hash: string;
  /** @unit ms of virtual time */
  readonly now: number;
  /** Why the root has ended, or null: the app runs. */
  readonly ended: ExitReason | null;
}

/**
 * Runs an app in virtual time: its whole tree, on simulated threads and a store in memory. Nothing
 * is real but the behaviours: give fakes for tools.
 *
 * @example await simulate(desk, { seed: 7, days: 7, tools: [fake(python, { stdout: "42" })] })
 * @throws ActorError (rejects) E_APP_DEFAULT E_SPEC_SETTING E_START_FAILED, what the script throws
 */
export async function simulate(app: App, given?: SimulateOptions): Promise<Sim> {
  if (!isApp(app)) {
    const fix = "give what app() made: the default export of the app's module";
    throw new ActorError("E_APP_DEFAULT", `${shown(app)} is no app`, { at: "simulate()", fix });
  }
  const options = onlyKnown(given, OPTIONS, "simulate()");
  onlyKnown(options.faults, { crash: true, loseThread: true }, "simulate(), faults");
  const { days = 0, duration = 0, script } = options;
  const untilMs = milliseconds(days * 86_400_000) + milliseconds(duration, "simulate, duration");
  const clockwork = new Clockwork(app, options);
  await clockwork.boot();
  const sim = verbsOf(clockwork, behavioursOf(app));
  await script?.(sim);
  if (untilMs > sim.now) await sim.advance(untilMs - sim.now);
  return sim;
}

type Ask = { timeout?: Duration };

function verbsOf(clockwork: Clockwork, behaviours: ReadonlyMap<string, AnyBehaviour>): Sim {
  const checked = ({ path, behaviour }: Ref, type: string, message: unknown): unknown => {
    const known = behaviours.get(behaviour);
    if (known !== undefined) return checkMessage(known, type, message, path);
    throw new ActorError("E_MESSAGE_TYPE", `the app has no behaviour ${behaviour}`, {
      at: path,
      fix: `use one of: ${[...behaviours.keys()].join(", ")}`,
    });
  };
  const call = (begin: (kernel: Kernel, done: (answer: Answer) => void) => void) =>
    clockwork.call(begin);
  const forever = Number.POSITIVE_INFINITY;
  const admin = (path: string, request: AdminRequest) =>
    call((kernel, done) => kernel.call(path, request, forever, done)) as Promise<AdminResult>;
  const verbs = {
    async tell(ref: Ref, type: string, message: unknown) {
      const value = checked(ref, type, message);
      await clockwork.act((kernel) => kernel.send(kernel.mail(ref.path, type, value, "", 0), null));
    },
    async ask(ref: Ref, type: string, message: unknown, { timeout = 5_000 }: Ask = {}) {
      const value = checked(ref, type, message);
      const ms = milliseconds(timeout, "sim.ask timeout");
      return call((kernel, done) => kernel.request(ref.path, type, value, ms, done));
    },
    async start({ path, dynamic }: DynamicRef, { id, args }: NewChild<unknown>) {
      const behaviour = behaviours.get(dynamic);
      const value = behaviour ? checkArgs(behaviour, args, path) : args;
      const result = await admin(path, { op: "start_child", id, args: value });
      if ("ok" in result) return { path: `${path}/${String(result.ok)}`, behaviour: dynamic };
      const { error, reason } = result;
      const fact = `${path} did not start the child: ${error}`;
      throw new ActorError("refused", fact, { at: path, ...(reason ? { reason } : {}) });
    },
    admin,
    getState: ({ path }: AnyRef) =>
      call((kernel, done) => kernel.call(path, "get_state", 5_000, done)),
    advance: (time: Duration) => clockwork.advance(milliseconds(time, "sim.advance")),
    kill: (path: string) => clockwork.kill(path),
    loseThread: (thread: number) => clockwork.loseThread(thread),
    crashAndRestart: ({ steps = 0 } = {}) => clockwork.crashAndRestart(steps),
    calm: () => clockwork.calm(),
    tree: () => overview(clockwork.kernels()),
    get events() {
      return clockwork.record.events;
    },
    get hash() {
      return clockwork.record.hash;
    },
    get now() {
      return clockwork.now;
    },
    get ended() {
      return clockwork.ended;
    },
  };
  return verbs as unknown as Sim;
}
