/**
 * Owns: an independent view of the store, kept beside the engine: what each transaction took and
 * gave. Checks on each commit that mail is handled before it is acked, that money is neither lost
 * nor made, that no payment and no step's result is committed twice.
 * Does not own: keeping anything (store/memory.ts).
 */
import { decode } from "../store/codec.ts";
import { MemoryEngine } from "../store/memory.ts";
import type { EncodedCommit, Engine, StoreAnswer, StoreOp } from "../store/store.ts";
import { Handled } from "./handled.ts";
import type { Marks } from "./marks.ts";
import { type Account, isMinted, type Payment } from "./money.ts";
import type { EventStream } from "./stream.ts";
import { TimerBook } from "./timer-book.ts";

type Fate = "sent" | "applied" | "dead" | "forgotten" | "left";

interface Transfer {
  fate: Fate;
  readonly amount: number;
}

const ACCOUNTING = "durable: committed effects exactly once";

/** An engine that keeps books. */
export class Ledger implements Engine {
  readonly #engine = new MemoryEngine();
  readonly #stream: EventStream;
  readonly #marks: Marks;
  readonly #accounts = new Map<string, Account>();
  readonly #transfers = new Map<string, Transfer>();
  readonly handled: Handled;
  /** Recorded steps of messages in flight: path/seq/index. */
  readonly #steps = new Set<string>();
  /** Keys of messages that have left durable actors. */
  readonly #released = new Set<number>();
  /** Payments that went with a forgotten actor, by mail number: its successor may have them still. */
  readonly #stranded = new Map<number, Payment>();
  readonly #origins = new Set<string>();
  /** The incarnation that read a path last, if it found something. */
  readonly #loaded = new Map<string, number>();
  /** Newest incarnation ordered, and what it was when paths were asked to be forgotten. */
  readonly #ordered = new Map<string, number>();
  readonly #forgetting = new Map<string, number>();
  /** When a path's row was made, in events of the stream, and by which incarnation. */
  readonly #created = new Map<string, { at: number; life: number }>();
  readonly #durable = new Set<string>();
  /** Money that left the accounts, by the way it went. */
  readonly pots = { minted: 0, dead: 0, forgotten: 0, left: 0 };
  readonly timers: TimerBook;
  commits = 0;
  fenced = 0;

  constructor(stream: EventStream, marks: Marks) {
    this.#stream = stream;
    this.#marks = marks;
    this.timers = new TimerBook(stream, marks);
    this.handled = new Handled(stream);
    stream.listen((event) => {
      if (event.type === "start_ordered") this.#ordered.set(event.path, event.life);
    });
  }

  /** Has this path ever had a durable actor? */
  isDurable(path: string): boolean {
    return this.#durable.has(path);
  }

  /** Says that actors of this path are durable. */
  declare(path: string): void {
    this.#durable.add(path);
  }

  account(path: string): Account | null {
    return this.#accounts.get(path) ?? null;
  }

  createdAt(path: string): { at: number; life: number } {
    return this.#created.get(path) ?? { at: 0, life: 0 };
  }

  waiting = (path: string): number => this.#engine.waiting(path).length;

  /** Mail that waits for an actor, as the store has it. */
  mailOf = (path: string) => this.#engine.waiting(path);

  paths(): string[] {
    return this.#engine.paths();
  }

  /** Has a commit let this message out? */
  isReleased(key: number): boolean {
    return this.#released.has(key);
  }

  /** An inline step begins to run; `key` is its idempotency key: path/seq/index. */
  stepRuns(key: string): void {
    if (!this.#steps.has(key)) return;
    this.#stream.fail("K12 a recorded step stands", `${key} runs again after it was recorded`);
  }

  close(): void {}

  execute(ops: readonly StoreOp[]): StoreAnswer[] {
    // One at a time: each is checked against what was there before it.
    return ops.map((op) => this.#one(op));
  }

  #one(op: StoreOp): StoreAnswer {
    if (op.kind === "forget") this.#forget(op.path);
    const before = op.kind === "commit" ? this.#engine.waiting(op.commit.path) : [];
    const [answer] = this.#engine.execute([op]) as [StoreAnswer];
    this.timers.saw(op, answer);
    if (op.kind === "load" && answer?.kind === "loaded") {
      const { stored } = answer;
      this.#loaded.set(op.path, stored === null ? 0 : op.life);
      if (stored?.progress) this.#marks.hit("a durable actor went on in the middle of a message");
    }
    if (op.kind !== "commit" || answer?.kind !== "committed") return answer;
    if (answer.fenced) this.fenced++;
    else this.#committed(op.commit, before, answer.seqs);
    return answer;
  }

  #committed(
    commit: EncodedCommit,
    before: readonly { seq: number; type: string; body: Uint8Array }[],
    seqs: readonly number[],
  ): void {
    this.commits++;
    const { path } = commit;
    const old = this.#accounts.get(path);
    const { life } = commit;
    if (commit.created !== null) this.#created.set(path, { at: this.#stream.count, life });
    if (commit.created !== null && old !== undefined) {
      this.#stream.fail(ACCOUNTING, `${path} was created over its own state`);
    }
    const account = commit.state === null ? old : (decode(commit.state) as Account);
    if (account !== undefined) this.#accounts.set(path, account);
    let expected = commit.created === null ? (old?.money ?? 0) : 0;
    const dead = new Set(commit.dead.map(({ seq }) => seq));
    for (const mail of before) {
      if (!commit.acks.includes(mail.seq)) continue;
      if (!dead.has(mail.seq) && !this.handled.has(path, mail)) {
        const detail = `${path} acked message ${mail.seq} (${mail.type}) without handling it`;
        this.#stream.fail("K8 accepted mail is handled or a dead letter", detail);
      }
      if (mail.type !== "pay") continue;
      const payment = decode(mail.body) as Payment;
      if (!dead.has(mail.seq)) expected += payment.amount;
      this.#settle(payment, dead.has(mail.seq) ? "dead" : "applied");
    }
    expected += this.#adopt(commit.acks) + this.#takeSpared(commit);
    for (const [at, mail] of commit.mails.entries()) {
      const message = decode(mail.body) as Payment;
      this.#released.add(message.key);
      this.#once(path, message.origin);
      if (mail.type !== "pay") continue;
      expected -= message.amount;
      this.#pay(message, seqs[at] ?? 0);
    }
    this.#recordSteps(commit);
    if (account !== undefined && account.money !== expected) {
      const detail = `${path} has ${account.money} after a commit, its mail makes it ${expected}`;
      this.#stream.fail(ACCOUNTING, detail);
    }
  }

  /** Mail that was never written. */
  #takeSpared(commit: EncodedCommit): number {
    let sum = 0;
    for (const { type, message } of this.handled.sparedBy(commit)) {
      this.#marks.hit("a message was handled and never written");
      if (type !== "pay") continue;
      this.#settle(message as Payment, "applied");
      sum += (message as Payment).amount;
    }
    return sum;
  }

  /** Mail of a forgotten actor was on its way when its successor came, who has handled it. */
  #adopt(acks: readonly number[]): number {
    let sum = 0;
    for (const seq of acks) {
      const payment = this.#stranded.get(seq);
      if (payment === undefined) continue;
      this.#stranded.delete(seq);
      this.#settle(payment, "applied");
      sum += payment.amount;
    }
    return sum;
  }

  /** A handler that runs again does not send again what was released before. */
  #once(path: string, origin: string | undefined): void {
    if (origin === undefined) return;
    const name = `${path} ${origin}`;
    if (this.#origins.has(name)) this.#stream.fail(ACCOUNTING, `${name} was sent twice`);
    this.#origins.add(name);
  }

  #pay(payment: Payment, seq: number): void {
    if (this.#transfers.has(payment.id)) {
      this.#stream.fail(ACCOUNTING, `payment ${payment.id} was committed twice`);
    }
    this.#transfers.set(payment.id, { fate: "sent", amount: payment.amount });
    // Its receiver is not known to the store: from here on it travels as any other message.
    if (seq === 0) this.#settle(payment, "left");
  }

  /** A payment comes to an end, its only one. Minted money is new when it arrives. */
  #settle(payment: Payment, fate: Exclude<Fate, "sent">): void {
    const { id, amount } = payment;
    const transfer = this.#transfers.get(id) ?? { fate: "sent", amount };
    const late = transfer.fate === "left" || transfer.fate === "forgotten";
    if (transfer.fate !== "sent" && (!late || fate === transfer.fate)) {
      this.#stream.fail(ACCOUNTING, `payment ${id} was ${transfer.fate} and then ${fate}`);
    }
    if (isMinted(payment) && !late) this.pots.minted += amount;
    if (transfer.fate === "left" || transfer.fate === "forgotten") {
      this.pots[transfer.fate] -= amount;
    }
    if (fate !== "applied") this.pots[fate] += amount;
    this.#transfers.set(id, { fate, amount });
  }

  #recordSteps({ path, steps, acks }: EncodedCommit): void {
    for (const { seq, index } of steps) {
      const key = `${path}/${seq}/${index}`;
      if (this.#steps.has(key)) {
        this.#stream.fail("K12 a recorded step stands", `${key} was recorded twice`);
      }
      this.#steps.add(key);
    }
    if (this.#steps.size === 0) return;
    for (const seq of acks) {
      for (const key of this.#steps) if (key.startsWith(`${path}/${seq}/`)) this.#steps.delete(key);
    }
  }

  /** A supervisor asks for a path to be forgotten. */
  forgetAsked(path: string): void {
    this.#forgetting.set(path, this.#ordered.get(path) ?? 0);
  }

  #forget(path: string): void {
    const last = this.#forgetting.get(path) ?? 0;
    const reader = this.#loaded.get(path) ?? 0;
    this.#forgetting.delete(path);
    if (reader > last && last > 0) {
      const detail = `${path}: life ${reader} was given what had to be forgotten before`;
      this.#stream.fail("K11 what is forgotten stays so", detail);
    }
    for (const mail of this.#engine.waiting(path)) {
      if (mail.type !== "pay") continue;
      const payment = decode(mail.body) as Payment;
      this.#marks.hit("a removed actor was forgotten with its mail");
      // On its way when the first one was forgotten, it was stored for the next, who goes as well.
      const again = [...this.#stranded].find(([, { id }]) => id === payment.id);
      if (again === undefined) this.#settle(payment, "forgotten");
      else this.#stranded.delete(again[0]);
      this.#stranded.set(mail.seq, payment);
    }
    this.pots.forgotten += this.#accounts.get(path)?.money ?? 0;
    this.#accounts.delete(path);
  }

  /** At rest: what was to be forgotten is. */
  auditForgotten(): void {
    for (const [path, life] of this.#forgetting) {
      if (!this.#accounts.has(path) || (this.#ordered.get(path) ?? 0) > life) continue;
      this.#stream.fail("K11 what is forgotten stays so", `${path} is still in the store`);
    }
  }

  /** At rest: all money is in an account, on its way, or in a pot. */
  audit(): void {
    let sum = 0;
    for (const { money } of this.#accounts.values()) sum += money;
    for (const { fate, amount } of this.#transfers.values()) if (fate === "sent") sum += amount;
    const { minted, dead, forgotten, left } = this.pots;
    // Minted money counts when it is first taken from a mailbox.
    if (sum + dead + forgotten + left === minted) return;
    const pots = JSON.stringify(this.pots);
    this.#stream.fail(ACCOUNTING, `accounts and mail hold ${sum}, the pots are ${pots}`);
  }
}
