/**
 * Owns: the kernel's Committer on top of any engine: encodes requests, keeps them in order, turns
 * the engine's answers into completions. Batches are cut by whoever calls {@link StoreClient.take}.
 * Does not own: where the engine runs (node/store-link.ts, sim/world.ts).
 */
import { ERROR_CODES } from "../actor/errors.ts";
import type {
  Answer,
  Commit,
  Committer,
  Completion,
  Mail,
  Stored,
  TimerRecord,
} from "../kernel/ports.ts";
import { BATCH_BYTES, BATCH_OPS, bytesOf } from "./batch.ts";
import { decode, encode } from "./codec.ts";
import type {
  EncodedMail,
  EncodedTimer,
  LetterAnswer,
  LetterOp,
  StoreAnswer,
  StoredActor,
  StoredMail,
  StoreOp,
} from "./store.ts";

/** What an operation needs when its answer comes, and how many flushes end with it. */
type Waiting = { flushes?: number } & Asked;

type Asked =
  | { kind: "load"; path: string; life: number }
  | { kind: "commit"; path: string; life: number; mails: number }
  | { kind: "enqueue"; mail: Mail }
  | { kind: "list"; path: string }
  | { kind: "page" | "due"; path: string; life: number }
  | { kind: "forget"; path: string }
  | { kind: "letter"; done: (answer: LetterAnswer) => void };

const encodeMail = (mail: Mail): EncodedMail => ({
  to: mail.to,
  from: mail.from,
  type: mail.type,
  ask: mail.ask,
  body: encode(mail.message),
});

const stampOf = ({ stamp }: Mail) =>
  stamp?.id ? { stamp: { id: stamp.id, atMs: stamp.atMs } } : {};

const encodeTimer = ({ message, repeat, ...rest }: TimerRecord): EncodedTimer => ({
  ...rest,
  body: encode(message),
  repeat: repeat && JSON.stringify(repeat),
});

const decodeTimer = ({ body, repeat, ...rest }: EncodedTimer): TimerRecord => ({
  ...rest,
  message: decode(body),
  repeat: repeat === null ? null : JSON.parse(repeat),
});

/** May it go before mail that was there first? What makes an actor, or sends mail itself, may not. */
const overtakes = (op: StoreOp) =>
  op.kind === "commit" && op.commit.created === null && op.commit.mails.length === 0;

/** Requests not taken yet, in order. */
class Lane {
  readonly ops: StoreOp[] = [];
  readonly waiting: Waiting[] = [];

  push(op: StoreOp, waiting: Waiting): void {
    this.ops.push(op);
    this.waiting.push(waiting);
  }

  /** Moves the oldest behind what another has: no more than so many, and so many bytes. */
  pour(into: Lane, ops: number, bytes: number): number {
    let left = bytes;
    let count = 0;
    for (const op of this.ops) {
      if (count >= ops || left <= 0) break;
      left -= bytesOf(op);
      count++;
    }
    const taken = this.waiting.splice(0, count);
    for (const [at, op] of this.ops.splice(0, count).entries()) {
      into.push(op, taken[at] as Waiting);
    }
    return left;
  }
}

/**
 * One kernel's end of a store.
 *
 * Commits go before mail that is not kept yet: who was let in is answered before others are let in,
 * and a store under load keeps little mail at a time. All else stays in the order of the requests.
 */
export class StoreClient implements Committer {
  readonly #first = new Lane();
  /** Mail to be kept, asked for since the last request in `#first` that may not overtake it. */
  readonly #mail = new Lane();
  #waiting: Waiting[] = [];
  #next = 0;
  readonly #wake: () => void;
  readonly #base: number;

  /**
   * @param wake called when there is something to take
   * @param base added to the numbers of lives: kernels count in small ones, stores compare over
   *   all starts of a node
   */
  constructor(wake: () => void = () => {}, base = 0) {
    this.#wake = wake;
    this.#base = base;
  }

  load(path: string, life: number): void {
    this.#ask({ kind: "load", path, life: this.#base + life }, { kind: "load", path, life });
  }

  commit(commit: Commit): void {
    const { path, life } = commit;
    const waiting: Waiting = { kind: "commit", path, life, mails: commit.mails.length };
    this.#ask({ kind: "commit", commit: encodeCommit(commit, this.#base + life) }, waiting);
  }

  enqueue(mail: Mail): void {
    const { to: path, via } = mail;
    const waiting = { kind: "enqueue" as const, mail };
    if (via === undefined || mail.seq > 0) {
      return this.#ask({ kind: "enqueue", mail: encodeMail(mail), ...stampOf(mail) }, waiting);
    }
    this.#ask({ kind: "fire", path, ...via, life: this.#base + via.life }, waiting);
  }

  list(path: string): void {
    this.#ask({ kind: "list", path }, { kind: "list", path });
  }

  page(path: string, life: number, after: string, max: number): void {
    this.#ask({ kind: "page", path, after, max }, { kind: "page", path, life });
  }

  due(path: string, life: number, atMs: number, after: string, max: number): void {
    this.#ask({ kind: "due", path, atMs, after, max }, { kind: "due", path, life });
  }

  forget(path: string): void {
    this.#ask({ kind: "forget", path }, { kind: "forget", path });
  }

  flush(): boolean {
    this.#mail.pour(this.#first, Infinity, Infinity);
    const open = this.#next < this.#waiting.length ? this.#waiting.at(-1) : undefined;
    const last = this.#first.waiting.at(-1) ?? open;
    if (last === undefined) return true;
    last.flushes = (last.flushes ?? 0) + 1;
    return false;
  }

  /** What concerns dead letters. Mail that is revived is also completed as if it had just come. */
  letter(op: LetterOp, done: (answer: LetterAnswer) => void): void {
    this.#ask(op, { kind: "letter", done });
  }

  /** Requests not taken yet. */
  get size(): number {
    return this.#first.ops.length + this.#mail.ops.length;
  }

  /** Takes the next batch for the engine. Answers must come back in the same order. */
  take(max = BATCH_OPS): StoreOp[] {
    const batch = new Lane();
    const left = this.#first.pour(batch, max, BATCH_BYTES);
    // Passed over once, mail is passed over no more: commits that never end must not keep it out.
    if (this.#first.ops.length > 0) this.#mail.pour(this.#first, Infinity, Infinity);
    else this.#mail.pour(batch, max - batch.ops.length, left);
    for (const each of batch.waiting) this.#waiting.push(each);
    return batch.ops;
  }

  /** The engine's answers to the oldest unanswered requests. */
  complete(answers: readonly StoreAnswer[]): Completion[] {
    const done: Completion[] = [];
    for (const answer of answers) {
      const waiting = this.#waiting[this.#next++] as Waiting;
      const completion = completionOf(waiting, answer);
      if (completion !== null) done.push(completion);
      for (let left = waiting.flushes ?? 0; left > 0; left--) done.push({ kind: "flushed" });
    }
    if (this.#next > 1_024 || this.#next === this.#waiting.length) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
    return done;
  }

  #ask(op: StoreOp, waiting: Waiting): void {
    const isMail = op.kind === "enqueue";
    if (!isMail && !overtakes(op)) this.#mail.pour(this.#first, Infinity, Infinity);
    (isMail ? this.#mail : this.#first).push(op, waiting);
    this.#wake();
  }
}

function encodeCommit(commit: Commit, life: number) {
  return {
    ...commit,
    life,
    created: commit.created && { args: encode(commit.created.args) },
    state: commit.state && encode(commit.state.value),
    steps: commit.steps.map((step) => ({ ...step, answer: encode(step.answer) })),
    timers: commit.timers.map(({ id, set }) => ({ id, set: set && encodeTimer(set) })),
    answers: commit.answers.map(({ id, answer }) => ({ id, answer: encode(answer) })),
    mails: commit.mails.map(encodeMail),
  };
}

function completionOf(waiting: Waiting, answer: StoreAnswer): Completion | null {
  if (waiting.kind === "forget") return { kind: "forgotten", path: waiting.path };
  if (answer === null) return null;
  if (waiting.kind === "letter") {
    waiting.done(answer as LetterAnswer);
    if (answer.kind !== "revived" || answer.mail === null) return null;
    return { kind: "enqueued", mail: mailOf(answer.mail, answer.mail.to) };
  }
  if (waiting.kind === "load" && answer.kind === "refused") {
    const { path, life } = waiting;
    const message = `${path}: ${ERROR_CODES.E_STORE_LEASE}`;
    const error: Answer = { ok: false, code: "E_STORE_LEASE", message };
    return { kind: "loaded", path, life, stored: null, error };
  }
  if (waiting.kind === "load" && answer.kind === "loaded") {
    const { path, life } = waiting;
    try {
      return { kind: "loaded", path, life, stored: answer.stored && restored(answer.stored, path) };
    } catch {
      const message = `${path}: ${ERROR_CODES.E_STORE_CORRUPT}`;
      const error: Answer = { ok: false, code: "E_STORE_CORRUPT", message };
      return { kind: "loaded", path, life, stored: null, error };
    }
  }
  if (waiting.kind === "commit" && answer.kind === "committed") {
    const { path, life } = waiting;
    const result = answer.fenced
      ? { ok: false as const, reason: { tag: "fenced" as const, token: life } }
      : { ok: true as const, seqs: answer.seqs };
    return { kind: "committed", path, life, result };
  }
  if (waiting.kind === "enqueue" && answer.kind === "enqueued") {
    const { mail } = waiting;
    mail.seq = answer.seq;
    if (answer.again === undefined) return { kind: "enqueued", mail };
    const said = answer.again.answer;
    return { kind: "enqueued", mail, again: { answer: said && (decode(said) as Answer) } };
  }
  if (answer.kind === "paged" || answer.kind === "due") {
    const { path, life } = waiting as Extract<Waiting, { kind: "page" | "due" }>;
    return { ...answer, path, life };
  }
  if (waiting.kind === "list" && answer.kind === "listed") {
    const children = answer.children.map(({ id, args }) => ({ id, args: decode(args) }));
    return { kind: "listed", path: waiting.path, children };
  }
  return null;
}

function mailOf({ body, id, ...mail }: StoredMail, to: string): Mail {
  const stamp = id === null ? {} : { stamp: { id, receipt: 0, atMs: 0 } };
  return { ...mail, ...stamp, kind: "mail", to, message: decode(body) };
}

function restored(stored: StoredActor, to: string): Stored {
  return {
    ...stored,
    args: decode(stored.args),
    state: decode(stored.state),
    mail: stored.mail.map((mail) => mailOf(mail, to)),
    timers: stored.timers.map(decodeTimer),
    steps: stored.steps.map((step) => ({ ...step, answer: decode(step.answer) as Answer })),
  };
}
