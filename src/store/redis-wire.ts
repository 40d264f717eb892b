/**
 * Owns: operations as arguments of the scripts, and the scripts' replies as answers.
 * Does not own: the scripts (redis-script.ts), who calls them (redis-store.ts).
 */
import { decode, encode } from "./codec.ts";
import { type Arg, bytes, letterBytes, mailBytes, unpackMail } from "./redis-bytes.ts";
import type {
  Encoded,
  EncodedCommit,
  EncodedTimer,
  LetterAnswer,
  LetterOp,
  StoreAnswer,
  StoredActor,
  StoredAsk,
  StoredDead,
  StoredMail,
  StoreOp,
} from "./store.ts";

/** What a script answers: numbers, bytes, lists. */
export type Reply = number | Buffer | null | readonly Reply[];

/** A letter under way to a partition. */
export interface Letter {
  readonly to: string;
  readonly mail: Buffer;
  /** Of outside mail, and its time; "" for other mail. */
  readonly id: string;
  readonly at: string;
}

export function letterOf(stored: Buffer): Letter {
  const [to, mail] = decode(stored) as [string, Uint8Array];
  return { to, mail: bytes(mail), id: "", at: "" };
}

/** Mail from outside, or from somebody who is not durable. */
export function letterFrom({ mail, stamp }: Extract<StoreOp, { kind: "enqueue" }>): Letter {
  const id = stamp?.id ?? "";
  return { to: mail.to, mail: mailBytes(mail, id), id, at: stamp ? String(stamp.atMs) : "" };
}

/** What asks one partition for its letters and those of all: `id` is that of the partition. */
export function letterArgs(op: LetterOp, id: number | null): Arg[] {
  const wanted = id === null ? "" : String(id);
  if (op.kind !== "letters") return [op.kind, wanted];
  return ["letters", op.path ?? "", wanted, String(op.max)];
}

/** Operations on one actor, and `list`. */
type ActorOp = Exclude<StoreOp, LetterOp | { kind: "page" | "due" }>;

/** @param away the partition of a path, or "" when it is the one that executes the operation */
export function argsOf(op: ActorOp, away: (path: string) => string): Arg[] {
  switch (op.kind) {
    case "load":
      return ["load", op.path, String(op.life), op.again ? "1" : ""];
    case "list":
    case "forget":
      return [op.kind, op.path];
    case "enqueue": {
      const { to, mail, id, at } = letterFrom(op);
      return ["enqueue", to, mail, id, at];
    }
    case "fire": {
      const { path, life, id, dueMs, nextMs } = op;
      return ["fire", path, String(life), id, String(dueMs), nextMs === null ? "" : String(nextMs)];
    }
    case "commit":
      return commitArgs(op.commit, away);
  }
}

function commitArgs(commit: EncodedCommit, away: (path: string) => string): Arg[] {
  const { path, life, behaviour, version, created, state, progress } = commit;
  const args: Arg[] = ["commit", path, String(life), behaviour, String(version)];
  args.push(created ? "1" : "0", created ? bytes(created.args) : "");
  args.push(state ? "1" : "0", state ? bytes(state) : "");
  args.push(progress ? String(progress.seq) : "", progress ? String(progress.effects) : "");
  const many = <T>(all: readonly T[], each: (one: T) => Arg[]) => {
    args.push(all.length);
    for (const one of all) args.push(...each(one));
  };
  many(commit.acks, (seq) => [String(seq)]);
  many(commit.steps, ({ seq, ...step }) => {
    bytes(step.answer);
    return [String(seq), bytes(encode(step))];
  });
  many(commit.retries, ({ seq, attempts }) => [String(seq), String(attempts)]);
  many(commit.tries, ({ seq, tries }) => [String(seq), String(tries)]);
  many(commit.dead, ({ seq, reason }) => [String(seq), JSON.stringify(reason)]);
  many(commit.timers, ({ id, set }) => {
    if (set === null) return [id, "0", "", "", ""];
    const { type, body, dueMs, repeat } = set;
    const mail = mailBytes({ to: path, from: path, type, ask: 0, body });
    return [id, "1", String(dueMs), repeat ?? "", mail];
  });
  many(commit.answers, ({ id, answer }) => [id, bytes(answer)]);
  many(commit.mails, (mail) => {
    const to = away(mail.to);
    return [to, mail.to, to === "" ? mailBytes(mail) : letterBytes(mail)];
  });
  return args;
}

export const text = (reply: Reply | undefined): string => String(reply ?? "");
export const number = (reply: Reply | undefined): number => Number(text(reply));

const copy = (reply: Reply | undefined): Encoded => new Uint8Array(reply as Buffer);

/** A child as a partition lists it, with the time of its birth. */
export type Listed = { readonly id: string; readonly born: number; readonly args: Encoded };

export function listedOf(reply: readonly Reply[]): Listed[] {
  const found: Listed[] = [];
  for (let at = 0; at < reply.length; at += 3) {
    const born = number(reply[at + 1]);
    found.push({ id: text(reply[at]), born, args: copy(reply[at + 2]) });
  }
  return found;
}

/** A partition's letters, newest first; their numbers are unique in the partition. */
export function lettersOf(reply: readonly Reply[]): { total: number; letters: StoredDead[] } {
  const [total, found] = reply as [Reply, readonly (readonly [Buffer, readonly Buffer[]])[]];
  const letters = found.map(([id, fields]): StoredDead => {
    const [, at, , path, , seq, , attempts, , reason, , mail] = fields;
    const stored = storedMail(text(path), number(seq), mail as Buffer);
    return {
      id: number(id),
      at: number(at),
      mail: { ...stored, attempts: number(attempts) },
      reason: JSON.parse(text(reason)),
    };
  });
  return { total: number(total), letters };
}

export function revivedOf(reply: readonly Reply[]): LetterAnswer {
  const [seq, to, mail] = reply;
  if (seq === undefined) return { kind: "revived", mail: null };
  return { kind: "revived", mail: storedMail(text(to), number(seq), mail as Buffer) };
}

export function enqueuedOf([seq, again, answer]: readonly Reply[]): StoreAnswer {
  if (again === undefined) return { kind: "enqueued", seq: number(seq) };
  const given = answer === undefined ? null : copy(answer);
  return { kind: "enqueued", seq: 0, again: { answer: given } };
}

/** Answers of the operations on one actor. */
export function answerOf(op: StoreOp, reply: readonly Reply[]): StoreAnswer {
  if (op.kind === "load") {
    if (text(reply[0]) === "stale") return { kind: "refused" };
    return { kind: "loaded", stored: storedOf(op.path, reply) };
  }
  if (op.kind === "enqueue" || op.kind === "fire") return enqueuedOf(reply);
  if (op.kind !== "commit") return { kind: "forgotten", asks: forgottenOf(reply) };
  const fenced = number(reply[0]) === 0;
  return { kind: "committed", fenced, seqs: reply.slice(1).map(number) };
}

function forgottenOf(reply: readonly Reply[]): StoredAsk[] {
  const asks: StoredAsk[] = [];
  for (let at = 0; at < reply.length; at += 2) {
    asks.push({ ask: number(reply[at]), from: text(reply[at + 1]) });
  }
  return asks;
}

function storedOf(path: string, reply: readonly Reply[]): StoredActor | null {
  if (reply.length < 2) return null;
  const [mark, behaviour, version, args, state, parked, effects, mail, steps, timers] = reply;
  const watermark = number(mark);
  const seq = text(parked);
  return {
    behaviour: text(behaviour),
    version: number(version),
    args: copy(args),
    state: copy(state),
    mail: waiting(path, mail as Reply[]).filter((each) => each.seq <= watermark),
    steps: (steps as Buffer[]).map((step) => {
      const end = step.indexOf(":");
      const { index, name, answer } = decode(step.subarray(end + 1)) as Step;
      return { seq: Number(step.toString("latin1", 0, end)), index, name, answer: copy(answer) };
    }),
    progress: seq === "" ? null : { seq: Number(seq), effects: number(effects) },
    timers: timersOf(path, timers as readonly Reply[]),
    watermark,
  };
}

/** Fields of a clock: a letter that says what, and the timer's id. */
function timersOf(path: string, fields: readonly Reply[]): EncodedTimer[] {
  const all = new Map<string, Reply>();
  for (let at = 0; at < fields.length; at += 2) all.set(text(fields[at]), fields[at + 1] ?? null);
  const ids = [...all.keys()].flatMap((field) => (field.startsWith("d") ? [field.slice(1)] : []));
  return ids.sort().map((id) => {
    const { type, body } = storedMail(path, 0, all.get(`m${id}`) as Buffer);
    const repeat = text(all.get(`r${id}`)) || null;
    return { id, dueMs: number(all.get(`d${id}`)), type, body, repeat };
  });
}

type Step = { index: number; name: string; answer: Buffer };

/** A mailbox: the hash's fields are numbers, or "r" or "n" and a number. */
function waiting(to: string, fields: readonly Reply[]): StoredMail[] {
  const counts = new Map<string, number>();
  const found: StoredMail[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const field = text(fields[at]);
    if (/^[rn]/.test(field)) counts.set(field, number(fields[at + 1]));
    else found.push(storedMail(to, Number(field), fields[at + 1] as Buffer));
  }
  return found
    .map((mail) => ({
      ...mail,
      attempts: counts.get(`r${mail.seq}`) ?? 0,
      tries: counts.get(`n${mail.seq}`) ?? 0,
    }))
    .sort((a, b) => a.seq - b.seq);
}

/** A letter as it was written. */
function storedMail(to: string, seq: number, mail: Buffer): StoredMail {
  const end = mail.indexOf(":");
  const start = mail.indexOf(":", end + 1) + 1;
  const ask = Number(mail.toString("latin1", 0, end));
  const length = Number(mail.toString("latin1", end + 1, start - 1));
  const id = length === 0 ? null : mail.toString("utf8", start, start + length);
  const [from, type, body] = unpackMail(mail.subarray(start + length));
  return { from, type, id, to, ask, seq, attempts: 0, tries: 0, body: new Uint8Array(body) };
}
