/**
 * Owns: what a request of the kernel is to a store, encoded, and what the store's answer is to the
 * kernel. Does not own: their order, and when they go (committer.ts).
 */
import { ERROR_CODES } from "../actor/errors.ts";
import type {
  Answer,
  Commit,
  Completion,
  Mail,
  Stored,
  TimerRecord,
  Unnumbered,
} from "../kernel/ports.ts";
import { decode, encode } from "./codec.ts";
import type {
  EncodedMail,
  EncodedTimer,
  LetterAnswer,
  StoreAnswer,
  StoredActor,
  StoredMail,
  StoreOp,
} from "./store.ts";

/** What an operation needs when its answer comes, and how many flushes end with it. */
export type Waiting = { flushes?: number } & Asked;

type Asked =
  | { kind: "load"; path: string; life: number }
  | {
      kind: "commit";
      path: string;
      life: number;
      /** What it names as soon as that has its number. */
      late: readonly Unnumbered[];
      /** What need not be written because of it. */
      spared: readonly Mail[];
    }
  | { kind: "enqueue"; mail: Mail }
  | { kind: "list"; path: string }
  | { kind: "page" | "due"; path: string; life: number }
  | { kind: "forget"; path: string }
  | { kind: "letter"; done: (answer: LetterAnswer) => void };

export const encodeMail = (mail: Mail): EncodedMail => ({
  to: mail.to,
  from: mail.from,
  type: mail.type,
  ask: mail.ask,
  body: encode(mail.message),
});

export const stampOf = ({ stamp }: Mail) =>
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

/** A commit, with all of its values as they are now. */
export function encodeCommit({ ahead: _, ...commit }: Commit, life: number) {
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

/** Fills in the numbers of what had none. */
export function complete(op: StoreOp, waiting: Waiting): void {
  if (op.kind !== "commit" || waiting.kind !== "commit" || waiting.late.length === 0) return;
  const acks = [...op.commit.acks];
  const retries = [...op.commit.retries];
  const dead = [...op.commit.dead];
  for (const { mail, attempts, reason } of waiting.late) {
    const { seq } = mail;
    // (0: the store does not know its receiver any more.)
    if (seq === 0) continue;
    if (reason !== null) dead.push({ seq, reason });
    if (reason !== null || attempts === 0) acks.push(seq);
    else retries.push({ seq, attempts });
  }
  Object.assign(op.commit, { acks, retries, dead });
}

/** What the kernel is told. */
export function completionOf(waiting: Waiting, answer: StoreAnswer): Completion | null {
  if (waiting.kind === "forget" && answer.kind === "forgotten") {
    return { kind: "forgotten", path: waiting.path, asks: answer.asks };
  }
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
    const ahead = -mail.seq;
    // (Below 0, it is kept for whoever holds the receiver's partition now: no life here acks it.)
    mail.seq = ahead > 0 ? Math.max(answer.seq, 0) : answer.seq;
    if (ahead > 0) return { kind: "enqueued", mail, ahead };
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
