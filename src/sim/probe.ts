/**
 * Owns: probe(): one behaviour alone, on a real kernel, without threads and without time, typed
 * from its schemas. Tests say what comes in and see the state, the reply and what went out.
 * Does not own: the kernel around the actor and what is noted (stage.ts).
 */
import type { AnyBehaviour } from "../actor/actor.ts";
import { ActorError } from "../actor/errors.ts";
import { type ExitReason, formatReason, NORMAL, SHUTDOWN } from "../actor/exit.ts";
import type {
  AnyRef,
  ArgsOf,
  AskKeys,
  InputOf,
  Messages,
  MessagesOf,
  OutputOf,
  Ref,
  StateOf,
  TellKeys,
} from "../actor/protocol.ts";
import { type ActorSettings, child } from "../actor/spec.ts";
import type { ToolValue } from "../actor/tool.ts";
import { type Duration, milliseconds } from "../actor/units.ts";
import { errorOf } from "../kernel/answers.ts";
import type { Answer } from "../kernel/ports.ts";
import { checkMessage } from "./edge.ts";
import type { Effect } from "./effect.ts";
import { type FakeAnswer, fake } from "./fakes.ts";
import { Stage } from "./stage.ts";

/** What one act of a test led to. */
export interface Turn<S> {
  /** After it; of an actor that ended, the last one. */
  readonly state: S;
  /** What left the actor meanwhile, in order. */
  readonly effects: readonly Effect[];
  /** Why the actor ended, or null: it lives. */
  readonly exit: ExitReason | null;
}

/** A turn that was asked for, with the answer. */
export interface Reply<S, O> extends Turn<S> {
  readonly reply: O;
}

/** Where and how a probed actor runs; grants come from {@link Probe.with}. */
export interface ProbeSettings extends Pick<ActorSettings, "durable" | "maxDeliveries"> {
  /** Its path, as `ctx.self` says it. @default "/probe/<name of the behaviour>" */
  path?: string;
  /** Seed of `ctx.random()`. @default 1 */
  seed?: number;
}

/** One behaviour under test. Acts happen in the order in which they were called. */
export interface Probe<S, M extends Messages> {
  /** Grants a tool and says what it answers: a value, an Error, or a function of the input. */
  with<I, O>(
    tool: ToolValue<I, O>,
    answer: FakeAnswer<NoInfer<I>, NoInfer<O>>,
    options?: { delay?: Duration },
  ): this;
  /**
   * Says what somebody else answers when the actor asks; an Error rejects the ask. Without it the
   * ask stays open, until its timeout ({@link advance}) or an answer given later.
   */
  answer<N extends Messages, K extends AskKeys<N>>(
    ref: Ref<N>,
    type: K,
    answer: FakeAnswer<InputOf<N[K]>, OutputOf<N[K]>>,
  ): this;
  /** Starts the actor, so that the effects of `init` can be seen. Every other act does it too. */
  start(): Promise<Turn<S>>;
  tell<K extends TellKeys<M>>(type: K, message: InputOf<M[K]>): Promise<Turn<S>>;
  /** @throws ActorError (rejects) exited | no_reply | timeout | overloaded */
  ask<K extends AskKeys<M>>(
    type: K,
    message: InputOf<M[K]>,
    options?: { timeout?: Duration },
  ): Promise<Reply<S, OutputOf<M[K]>>>;
  /** Lets virtual time pass. */
  advance(time: Duration): Promise<Turn<S>>;
  /** Somebody the actor watches, or is linked to, has ended. @param reason default normal */
  ended(ref: AnyRef, reason?: ExitReason): Promise<Turn<S>>;
  /** Stops the actor as its supervisor does: with its last words. */
  stop(reason?: ExitReason): Promise<Turn<S>>;
  /**
   * Kills the actor, in the middle of whatever it does, and starts the next incarnation as its
   * supervisor would: a durable one goes on where it was.
   */
  crash(): Promise<Turn<S>>;
  /** Starts the next incarnation of an actor that has ended. */
  restart(): Promise<Turn<S>>;
  readonly state: S;
  /** All effects so far. */
  readonly effects: readonly Effect[];
  readonly exit: ExitReason | null;
}

/** How long an unanswered ask may keep a test waiting. @unit ms of real time */
const SILENCE_MS = 1_000;

/**
 * Runs one behaviour alone, for a test.
 *
 * @example await probe(Analyst, { args }).with(python, { stdout: "42" }).ask("question", { text })
 * @throws E_SPEC_CHILD E_SPEC_SETTING E_ARGS_SCHEMA
 */
export function probe<B extends AnyBehaviour>(
  behaviour: B,
  ...[settings]: undefined extends ArgsOf<B>
    ? [settings?: ProbeSettings & { args?: ArgsOf<B> }]
    : [settings: ProbeSettings & { args: ArgsOf<B> }]
): Probe<StateOf<B>, MessagesOf<B>> {
  if (behaviour?.kind !== "behaviour") {
    const fact = "the first argument is no behaviour";
    throw new ActorError("E_SPEC_CHILD", fact, { at: "probe()", fix: "pass what actor() made" });
  }
  const { path = `/probe/${behaviour.name}`, seed = 1, args, ...rest } = settings ?? {};
  const id = path.slice(path.lastIndexOf("/") + 1);
  const spec = child(id, behaviour as AnyBehaviour, { ...rest, args });
  const maxDeliveries = rest.maxDeliveries ?? 3;
  const stage = new Stage(path, { ...spec, tools: [], maxDeliveries }, seed);
  return new StagedProbe(stage, behaviour) as unknown as Probe<StateOf<B>, MessagesOf<B>>;
}

class StagedProbe {
  readonly #stage: Stage;
  readonly #behaviour: AnyBehaviour;
  #begun = false;
  #acts: Promise<unknown> = Promise.resolve();
  /** Number of acts begun and ended: it stands still when nobody does anything. */
  #moves = 0;

  constructor(stage: Stage, behaviour: AnyBehaviour) {
    this.#stage = stage;
    this.#behaviour = behaviour;
  }

  get state(): unknown {
    return this.#stage.cell?.state;
  }

  get effects(): readonly Effect[] {
    return this.#stage.effects;
  }

  get exit(): ExitReason | null {
    return this.#stage.exit;
  }

  with(tool: ToolValue, answer: FakeAnswer<unknown, unknown>, options?: { delay?: Duration }) {
    const { fakes, spec } = this.#stage;
    if (!spec.tools.includes(tool)) spec.tools.push(tool);
    fakes.unshift(fake(tool, answer, options));
    return this;
  }

  answer(ref: AnyRef, type: string, answer: FakeAnswer<never, unknown>) {
    this.#stage.script({ path: ref.path, type, answer });
    // An ask that waits already goes on with it.
    if (this.#begun) this.#act(() => {}, false).catch(() => {});
    return this;
  }

  async start(): Promise<Turn<unknown>> {
    if (this.#begun) return this.#act(() => {});
    const from = this.#stage.effects.length;
    await this.#act(() => {}).catch(() => {});
    return this.#turn(from);
  }

  tell(type: string, message: unknown): Promise<Turn<unknown>> {
    return this.#act(() => {
      const { kernel, path } = this.#stage;
      kernel.deliver(kernel.mail(path, type, this.#checked(type, message), "", 0));
    });
  }

  async ask(type: string, message: unknown, options: { timeout?: Duration } = {}) {
    const { kernel, path, effects } = this.#stage;
    const ms = milliseconds(options.timeout ?? 5_000, "probe.ask timeout");
    const answered = Promise.withResolvers<Answer>();
    let from = 0;
    await this.#act(() => {
      from = effects.length;
      kernel.request(path, type, this.#checked(type, message), ms, answered.resolve);
    });
    const answer = await this.#patiently(answered.promise, type);
    await this.#act(() => {}, false);
    if (!answer.ok) throw errorOf(answer);
    return { ...this.#turn(from), reply: answer.value };
  }

  advance(time: Duration): Promise<Turn<unknown>> {
    return this.#act(() => this.#stage.advance(milliseconds(time, "probe.advance")), false);
  }

  ended(ref: AnyRef, reason: ExitReason = NORMAL): Promise<Turn<unknown>> {
    return this.#act(() => this.#stage.ended(ref, reason));
  }

  stop(reason: ExitReason = SHUTDOWN): Promise<Turn<unknown>> {
    const { kernel, path: to } = this.#stage;
    return this.#act(() => kernel.deliver({ kind: "shutdown", to, life: 0, reason }));
  }

  crash(): Promise<Turn<unknown>> {
    const { kernel, path: to } = this.#stage;
    return this.#act(async () => {
      kernel.deliver({ kind: "kill", to, life: 0, by: "operator" });
      await this.#stage.settle();
      this.#stage.start();
    });
  }

  restart(): Promise<Turn<unknown>> {
    return this.#act(() => {
      if (this.#stage.exit !== null) this.#stage.start();
    }, false);
  }

  /** One act after the other; each begins with a living actor and ends when all is quiet. */
  #act(run: () => void | Promise<void>, alive = true): Promise<Turn<unknown>> {
    const act = async () => {
      this.#moves++;
      await this.#begin();
      if (alive) this.#checkAlive();
      const from = this.#stage.effects.length;
      await run();
      await this.#stage.settle();
      this.#moves++;
      return this.#turn(from);
    };
    const turn = this.#acts.then(act);
    this.#acts = turn.catch(() => {});
    return turn;
  }

  async #begin(): Promise<void> {
    if (this.#begun) return;
    this.#begun = true;
    this.#stage.start();
    await this.#stage.settle();
  }

  #checkAlive(): void {
    const { exit, path, started } = this.#stage;
    if (exit === null) return;
    const why = `${path} ${started ? "has ended" : "did not start"} (${formatReason(exit)})`;
    throw new ActorError(started ? "no_actor" : "E_START_FAILED", why, {
      at: path,
      fix: "look at probe.exit; restart() starts the next incarnation",
      reason: exit,
    });
  }

  #checked(type: string, message: unknown): unknown {
    return checkMessage(this.#behaviour, type, message, this.#stage.path);
  }

  #turn(from: number): Turn<unknown> {
    const { effects, exit } = this.#stage;
    return { state: this.state, effects: effects.slice(from), exit };
  }

  /** An answer that another act may still lead to, but not for ever. */
  async #patiently(answer: Promise<Answer>, type: string): Promise<Answer> {
    let seen = -1;
    const over = Promise.withResolvers<never>();
    const watch = setInterval(() => {
      if (seen === this.#moves) over.reject(this.#unanswered(type));
      seen = this.#moves;
    }, SILENCE_MS / 2);
    try {
      return await Promise.race([answer, over.promise]);
    } finally {
      clearInterval(watch);
    }
  }

  #unanswered(type: string): ActorError {
    const waits = this.#stage.waitsFor();
    const why = waits === "" ? "it was deferred" : `the handler waits for ${waits}`;
    return new ActorError("timeout", `"${type}" is not answered: ${why}`, {
      at: this.#stage.path,
      fix: "give probe.answer(…) or probe.with(…), let probe.advance(…) pass, or act further",
    });
  }
}
