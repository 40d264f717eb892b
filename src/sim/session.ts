/**
 * Owns: one handler at work in a simulated actor: runs its program's instructions through the
 * actor's context and puts what they did into the stream.
 * Does not own: which programs there are (programs.ts), the behaviours around it (workload.ts).
 */
import type { AnyContext } from "../actor/context.ts";
import { ActorError } from "../actor/errors.ts";
import { NORMAL } from "../actor/exit.ts";
import { hold } from "./holdings.ts";
import type { Payment } from "./money.ts";
import { FOREVER_MS, type Instruction, type Program, type ReplyMode, waits } from "./programs.ts";
import { type Book, Gone, type Message, PROBE, type RunContext } from "./run-context.ts";
import type { Handler } from "./stream.ts";

/** @unit ms */
const PATIENCE_MS = 1_000;

/** Lets an inner wait end: what it was worth is in the stream. */
const ignore = () => {};

/** One handler at work. */
export class Session {
  readonly run: RunContext;
  readonly path: string;
  readonly life: number;
  readonly ctx: AnyContext;
  readonly handler: Handler;
  /** A deliberate exit finishes the message without its new state: not while money is in hand. */
  mayExit = true;
  /** The question being handled, until it is answered. */
  #question: Message | null;
  /** Does its program wait? Such a handler of a durable actor may run again from a released part. */
  #waits = false;
  /** What it waits for: only the code itself knows, when it ends without waiting. */
  readonly #pending = new Set<number>();
  /** Key of the message being handled, and how many tells it has led to. */
  readonly #key: number;
  #tells = 0;
  #closed = false;

  constructor(
    run: RunContext,
    at: { path: string; life: number },
    ctx: AnyContext,
    handler: Handler,
    key: number,
    question: Message | null = null,
  ) {
    this.run = run;
    this.path = at.path;
    this.life = at.life;
    this.ctx = ctx;
    this.handler = handler;
    this.#key = key;
    this.#question = question;
  }

  get book(): Book {
    return this.run.book(this.life);
  }

  /** Does one thing through the context and notes whether it was let through. */
  act<T>(verb: string, key: number, act: () => T): T {
    const { run, path, life } = this;
    if (run.isGone(life)) throw new Gone();
    try {
      const before = run.stream.fenced;
      const result = act();
      // A deferred reply that comes too late is refused without a throw.
      const type = run.stream.fenced === before ? "acted" : "refused";
      run.stream.emit({ type, path, life, verb, key });
      return result;
    } catch (thrown) {
      if (thrown instanceof ActorError && thrown.code === "E_CTX_CLOSED") {
        run.stream.emit({ type: "refused", path, life, verb, key });
      }
      throw thrown;
    }
  }

  message(program: Program, mode?: ReplyMode): Message {
    const { path: from, life } = this;
    return { key: this.run.nextKey(), from, life, program, ...(mode ? { mode } : {}) };
  }

  tell(to: string, type: string, message: Message | Payment): void {
    this.act("tell", message.key, () => this.ctx.tell({ path: to, behaviour: "" }, type, message));
    this.#sent(to, message.key, false, type === "pay");
  }

  #tellWork(to: string, program: Program): void {
    const message = this.message(program);
    const origin = `${this.#key}:${this.#tells++}`;
    const traced = this.run.ledger.isDurable(this.path) && this.handler === "mail";
    this.tell(to, "work", traced ? { ...message, origin } : message);
  }

  #mint([, to, amount, route, slow]: Extract<Instruction, readonly ["mint", ...unknown[]]>): void {
    const key = this.run.nextKey();
    const from = `~${this.path}@${this.life}`;
    this.tell(to, "pay", { key, id: `mint#${key}`, from, n: key, amount, route, slow });
  }

  #sent(to: string, key: number, ask: boolean, money = false): void {
    const { path, life } = this;
    this.run.stream.emit({ type: "sent", path, life, to, key, ask, money });
  }

  /** The handler is over: nobody waits any more for what it has begun. */
  close(): void {
    const { path, life } = this;
    for (const key of this.#pending) {
      this.run.stream.emit({ type: "answered", path, life, key, how: "abandoned" });
    }
    this.#pending.clear();
    this.#closed = true;
  }

  /** Runs a program; a promise when one of its instructions waits. */
  perform(program: Program): void | Promise<void> {
    if (waits(program)) return this.#performAsync(program);
    this.#answer("first");
    for (const instruction of program) {
      this.#do(instruction);
      this.#trouble();
    }
    this.#answer("last");
  }

  async #performAsync(program: Program): Promise<void> {
    this.#waits = true;
    this.#answer("first");
    for (const instruction of program) {
      await this.#do(instruction);
      this.#trouble();
      if (this.run.faults.fires("reject later")) throw new Error("rejected later");
    }
    this.#answer("last");
  }

  /** What a handler's own code may do at any place. */
  #trouble(): void {
    const { faults } = this.run;
    if (this.run.isGone(this.life)) throw new Gone();
    if (faults.fires("throw in handler")) throw new Error("thrown in a handler");
    if (this.handler === "init" || this.handler === "terminate" || !this.mayExit) return;
    if (faults.fires("exit normal")) this.ctx.exit(NORMAL);
    if (faults.fires("exit shutdown")) this.ctx.exit({ tag: "shutdown", detail: "own" });
    if (faults.fires("exit error")) this.ctx.exit({ tag: "error", name: "Own", message: "exit" });
  }

  /** Answers the question being handled, if this is the place to do so. */
  #answer(place: "first" | "last"): void {
    const question = this.#question;
    if (question === null) return;
    const { mode } = question;
    if (mode === "crash" && place === "last") throw new Error("a question that crashes");
    if (mode === "defer" && place === "first") {
      this.#question = null;
      const { key } = question;
      const deferred = this.act("defer", key, () => this.ctx.defer());
      this.book.deferred.push({ key, reply: (value) => deferred.reply(value as never) });
    } else if (mode === place || (mode === "twice" && place === "last")) {
      this.#question = null;
      const value = { key: question.key, by: this.life };
      const reply = () => this.act("reply", question.key, () => this.ctx.reply(value as never));
      reply();
      if (mode === "twice") attempt(reply);
    }
  }

  /** Answers what was put off; each once. */
  answerDeferred(): void {
    const { stream } = this.run;
    for (const each of this.book.deferred.splice(0)) {
      const { key, reply } = each;
      const before = stream.fenced;
      this.act("deferred reply", key, () => reply({ key, by: this.life }));
      // Refused between two messages: it can still be given in one.
      if (stream.fenced > before) this.book.deferred.push(each);
    }
  }

  #do(instruction: Instruction): void | Promise<void> {
    switch (instruction[0]) {
      case "tell":
        return this.#tellWork(instruction[1], instruction[2]);
      case "ask":
        return this.#ask(instruction);
      case "step":
        return this.#step(instruction);
      case "use":
        return this.#await("use", this.run.nextKey(), () => this.ctx.use(PROBE, null));
      case "wait":
        return this.run.outside.call().then(ignore, ignore);
      case "start":
        // Nor may a supervisor be waited for by what it may be waiting for.
        return instruction[1] > this.path ? this.#start(instruction[1], instruction[2]) : undefined;
      case "detached":
        if (!this.fickle) this.#detach(instruction[1]);
        return;
      case "answer deferred":
        if (!this.fickle) this.answerDeferred();
        return;
      case "mint":
        return this.#mint(instruction);
      case "poison":
        throw new Error("a poisoned message");
      default:
        hold(this, instruction);
    }
  }

  /**
   * May this handler run again from a released part? Its effects must be the same then, so they
   * cannot hang on what only this incarnation knows.
   */
  get fickle(): boolean {
    return this.#waits && this.run.ledger.isDurable(this.path);
  }

  async #ask(instruction: Extract<Instruction, readonly ["ask", ...unknown[]]>): Promise<void> {
    const [to, timeoutMs] = [instruction[1], instruction[4]];
    // A durable actor that runs again asks again: what it asks must not bring itself down.
    const durable = this.run.ledger.isDurable(this.path);
    const program = durable ? [] : instruction[2];
    const mode = durable && instruction[3] === "crash" ? "last" : instruction[3];
    // Who asks without end must not be waited for in turn: only later paths are asked so.
    const timeout = timeoutMs === FOREVER_MS && to <= this.path ? PATIENCE_MS : timeoutMs;
    const message = this.message(program, mode);
    const question = "question" as never;
    const ask = () => this.ctx.ask({ path: to, behaviour: "" }, question, message, { timeout });
    await this.#await("ask", message.key, ask, to);
  }

  #start(supervisor: string, id: string | null): Promise<void> {
    const options = { args: null, ...(id === null ? {} : { id }) };
    const start = () => this.ctx.start({ path: supervisor, dynamic: "" }, options);
    return this.#await("start", this.run.nextKey(), start, supervisor);
  }

  #step([, name, how, ms]: Extract<Instruction, readonly ["step", ...unknown[]]>): Promise<void> {
    const { run } = this;
    const fn = (_signal: AbortSignal, key: string) => {
      run.ledger.stepRuns(key);
      if (how === "fails") throw new Error("a step that fails");
      return how === "now" ? run.outside.immediate() : run.outside.call();
    };
    const options = { retries: how === "fails" ? 1 : 0, ...(ms === 0 ? {} : { timeout: ms }) };
    return this.#await("step", run.nextKey(), () => this.ctx.step(name, fn, options));
  }

  /** Begins something, waits for its end and notes it. A failure ends the handler now and then. */
  async #await(verb: string, key: number, begin: () => Promise<unknown>, to = ""): Promise<void> {
    const { path, life } = this;
    const { stream, random } = this.run;
    const pending = this.act(verb, key, begin);
    if (to !== "") this.#sent(to, key, true);
    this.#pending.add(key);
    // Begun by code that nobody waits for, between the handler's end and the end of its message.
    if (this.#closed) this.close();
    try {
      const value = await pending;
      if (this.run.isGone(life)) throw new Gone();
      this.#pending.delete(key);
      const how = verb === "ask" ? `ok ${(value as { key: number }).key}` : "ok";
      stream.emit({ type: "answered", path, life, key, how });
    } catch (thrown) {
      if (this.run.isGone(life)) throw new Gone();
      this.#pending.delete(key);
      const how = thrown instanceof ActorError ? thrown.code : "failed";
      stream.emit({ type: "answered", path, life, key, how });
      if (random() < 0.1) throw thrown;
    }
  }

  /** Code that nobody waits for: it acts when its message may long be finished, or its actor dead. */
  #detach(program: Program): void {
    const late = async () => {
      await this.run.outside.call();
      for (const instruction of program) await this.#do(instruction);
    };
    late().catch(ignore);
  }
}

function attempt(act: () => void): void {
  try {
    act();
  } catch (thrown) {
    if (!(thrown instanceof ActorError)) throw thrown;
  }
}
