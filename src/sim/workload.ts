/**
 * Owns: the behaviours of simulated actors: they run programs, pay each other, ask and are asked,
 * and put everything they do into the stream.
 * Does not own: single instructions (session.ts), the tree (swarm.ts), when what comes (chaos.ts).
 */

import { z } from "zod";
import { type AnyBehaviour, actor, type Down, IGNORE, type LinkExit } from "../actor/actor.ts";
import type { AnyContext } from "../actor/context.ts";
import { type ExitReason, formatReason } from "../actor/exit.ts";
import { NO_USAGE } from "../actor/outcome.ts";
import { ask } from "../actor/protocol.ts";
import type { Tools } from "../kernel/tools.ts";
import type { Faults } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import type { Marks } from "./marks.ts";
import type { Account, Payment } from "./money.ts";
import type { Outside } from "./outside.ts";
import type { Program, Random } from "./programs.ts";
import type { Book, Message, RunContext } from "./run-context.ts";
import { Session } from "./session.ts";
import type { EventStream, Handler } from "./stream.ts";
import type { World } from "./world.ts";

/** What a child spec gives a simulated actor. */
export interface WorkerArgs {
  /** What its init does. */
  readonly init: Program;
  /** Chance that it ignores its start. */
  readonly ignores: number;
}

export const DEFAULT_ARGS: WorkerArgs = { init: [], ignores: 0 };

type Next = Account | undefined;
type Body = (session: Session) => Next | void | Promise<Next | void>;

/** The behaviours of one run, and what they share. */
export class Workload implements RunContext {
  readonly stream: EventStream;
  readonly faults: Faults;
  readonly random: Random;
  readonly marks: Marks;
  readonly outside: Outside;
  readonly ledger: Ledger;
  /** Set when the world is made: it needs the tree, and the tree these behaviours. */
  world: World | null = null;
  readonly tools: Tools;
  readonly behaviours: Readonly<Record<"plain" | "trapping" | "deaf", AnyBehaviour>>;
  readonly #books = new Map<number, Book>();
  readonly #gone = new Set<number>();
  /** Lives that have handled something. */
  readonly #seen = new Set<number>();
  /** Lives whose state init has made; others got it from the store. */
  readonly #made = new Set<number>();
  #key = 0;

  constructor(run: Omit<RunContext, "nextKey" | "book" | "isGone">) {
    ({
      stream: this.stream,
      faults: this.faults,
      random: this.random,
      marks: this.marks,
      outside: this.outside,
      ledger: this.ledger,
    } = run);
    const done = (value: number) =>
      ({ tag: "ok", value, tier: "inline", usage: NO_USAGE }) as const;
    this.tools = { call: () => this.outside.call().then(done) };
    this.behaviours = {
      plain: this.#behaviour("plain"),
      trapping: this.#behaviour("trapping"),
      deaf: this.#behaviour("deaf"),
    };
  }

  nextKey(): number {
    return ++this.#key;
  }

  book(life: number): Book {
    let book = this.#books.get(life);
    if (book === undefined) {
      book = { watches: [], links: new Map(), timers: [], deferred: [] };
      this.#books.set(life, book);
    }
    return book;
  }

  /** An incarnation has come to another thread: the handles it had are void there. */
  moves(life: number): void {
    const { watches, links, timers } = this.book(life);
    watches.length = timers.length = 0;
    links.clear();
  }

  isGone(life: number): boolean {
    return this.#gone.has(life);
  }

  /** An incarnation went with its thread. */
  goes(life: number): void {
    this.#gone.add(life);
  }

  #behaviour(kind: "plain" | "trapping" | "deaf"): AnyBehaviour {
    const down = (state: unknown, { id, path }: Down, ctx: unknown) =>
      this.#handle("down", path, id, ctx, state, (session) => this.#noticed(session));
    const exit = (state: unknown, { path, reason }: LinkExit, ctx: unknown) =>
      this.#handle("exit", `${path} ${reason.tag}`, 0, ctx, state, (session) => {
        session.book.links.delete(path);
        return this.#noticed(session);
      });
    const terminate = (state: unknown, reason: ExitReason, ctx: unknown) =>
      this.#handle("terminate", formatReason(reason), 0, ctx, state, (session) =>
        this.#lastWords(session),
      );
    const work = (what: string) => (state: unknown, message: unknown, ctx: unknown) =>
      this.#work(what, state as Account, message as Message, ctx);
    const any = z.unknown();
    const definition = {
      args: any,
      state: any,
      messages: { work: any, tick: any, pay: any, flush: any, question: ask(any, any) },
      init: (args: unknown, ctx: unknown) => this.#init((args ?? DEFAULT_ARGS) as WorkerArgs, ctx),
      on: {
        work: work("work"),
        tick: work("tick"),
        question: work("question"),
        flush: (state: unknown, { key }: Message, ctx: unknown) =>
          this.#handle("mail", "flush", key, ctx, state, (session) => session.answerDeferred()),
        pay: (state: unknown, message: unknown, ctx: unknown) =>
          this.#pay(state as Account, message as Payment, ctx),
      },
      ...(kind === "deaf" ? { trapExit: true } : { down }),
      ...(kind === "trapping" ? { exit, terminate } : {}),
    };
    return actor(kind, definition as never) as unknown as AnyBehaviour;
  }

  /** Opens a session, runs the handler's body in it, closes it however it ends. */
  #handle(
    handler: Handler,
    what: string,
    key: number,
    context: unknown,
    state: unknown,
    body: Body,
    question: Message | null = null,
  ): Next | Promise<Next> {
    const ctx = context as AnyContext;
    const { path } = ctx.self;
    const life = this.#lifeOf(path);
    this.stream.emit({ type: "enter", path, life, handler, what, key });
    if (handler !== "init" && !this.#seen.has(life)) this.#first(path, life, state);
    const session = new Session(this, { path, life }, ctx, handler, key, question);
    const leave = (ok: boolean) => {
      if (this.isGone(life)) return;
      session.close();
      this.stream.emit({ type: "leave", path, life, handler, ok });
    };
    let result: Next | void | Promise<Next | void>;
    try {
      result = body(session);
    } catch (thrown) {
      leave(false);
      throw thrown;
    }
    if (!(result instanceof Promise)) {
      leave(true);
      return result as Next;
    }
    const settle = (next: Next | void) => {
      leave(true);
      return next as Next;
    };
    return result.then(settle, (thrown) => {
      leave(false);
      throw thrown;
    });
  }

  #lifeOf(path: string): number {
    const process = this.world?.kernelOf(path).members.get(path);
    return process?.life ?? 0;
  }

  /** The first thing a life handles: a restored one must begin with what was committed last. */
  #first(path: string, life: number, state: unknown): void {
    this.#seen.add(life);
    if (!this.ledger.isDurable(path) || this.#made.has(life)) return;
    this.marks.hit("a durable actor went on from the store");
    const [had, has] = [this.ledger.account(path), state].map((each) => JSON.stringify(each));
    if (had === has) return;
    this.stream.fail("K4 restart from a committed state", `${path} has ${has}, stored is ${had}`);
  }

  #init({ init, ignores }: WorkerArgs, ctx: unknown): unknown {
    const begin = (session: Session): unknown => {
      this.#made.add(session.life);
      if (this.faults.fires("throw in init")) throw new Error("thrown in init");
      if (this.random() < ignores) {
        this.marks.hit("an actor ignored its start");
        return IGNORE;
      }
      const account: Account = { money: 0, birth: this.nextKey(), got: {}, sent: {}, done: 0 };
      const performed = session.perform(init);
      const hangs = this.faults.fires("hang in init");
      if (performed === undefined && !hangs) return account;
      return Promise.resolve(performed)
        .then(() => (hangs ? this.outside.call() : null))
        .then(() => account);
    };
    return this.#handle("init", "", 0, ctx, null, begin as Body);
  }

  #work(what: string, account: Account, message: Message, ctx: unknown) {
    const { key, program, mode } = message;
    const question = mode === undefined ? null : message;
    const body = (session: Session) => {
      const next = () => (key % 3 === 0 ? undefined : { ...account, done: account.done + 1 });
      // Everything must come to rest in the end, what comes again too.
      if (message.again !== undefined && this.faults.over) {
        session.ctx.after("infinity", "tick", null, { id: message.again });
      }
      const performed = session.perform(program);
      return performed === undefined ? next() : performed.then(next);
    };
    return this.#handle("mail", what, key, ctx, account, body, question);
  }

  /** A down or a link's exit: now and then it is a reason to answer, or to trip. */
  #noticed(session: Session): undefined {
    session.answerDeferred();
    if (this.faults.fires("throw in handler")) throw new Error("thrown at a notice");
  }

  #lastWords(session: Session): void | Promise<void> {
    if (this.random() < 0.3) session.answerDeferred();
    if (this.faults.fires("throw in terminate")) throw new Error("thrown in terminate");
    if (this.faults.fires("hang in terminate")) return this.outside.call().then(() => {});
  }

  #pay(account: Account, payment: Payment, ctx: unknown): Next | Promise<Next> {
    const { key, slow } = payment;
    const body = (session: Session) => {
      session.mayExit = false;
      if (!slow) return this.#settle(session, account, payment);
      const asked: Program = [
        ["step", "price", "later", 0],
        ["ask", payment.route[0] ?? session.path, [], "last", 200],
      ];
      // What an async handler sends may leave before its state does: nothing is passed on here.
      const last = { ...payment, route: [] };
      return (session.perform(asked) as Promise<void>).then(() =>
        this.#settle(session, account, last),
      );
    };
    return this.#handle("mail", "pay", key, ctx, account, body);
  }

  /** Takes a payment in and passes a part of it on: state and mail leave in one commit. */
  #settle(session: Session, account: Account, payment: Payment): Account {
    const { from, n, amount, route, slow } = payment;
    const { path } = session;
    const last = account.got[from] ?? 0;
    if (n <= last) {
      const detail = `${path} got payment ${n} of ${from} after ${last}`;
      this.stream.fail("K7 mail of one sender keeps its order", detail);
    }
    const got = { ...account.got, [from]: n };
    const [to, ...rest] = route;
    if (to === undefined || to === path || amount < 2) {
      return { ...account, money: account.money + amount, got };
    }
    const part = amount >> 1;
    const count = (account.sent[to] ?? 0) + 1;
    const self = `${path}@${account.birth}`;
    const id = `${self}>${to}#${count}`;
    const key = this.nextKey();
    const passed = { key, id, from: self, n: count, amount: part, route: rest, slow };
    session.tell(to, "pay", passed);
    if (this.faults.fires("throw in handler")) throw new Error("thrown after a payment");
    const sent = { ...account.sent, [to]: count };
    return { ...account, money: account.money + amount - part, got, sent };
  }
}
