/**
 * Owns: the greatest part of a batch under load, mail that follows mail and the answers to it, as a
 * few long values instead of thousands of small ones: texts once each, numbers side by side, all
 * bodies as one. Does not own: the batch (batch.ts).
 */
import type { EncodedMail, StoreAnswer, StoreOp } from "./store.ts";

/** Fewer are not worth it. */
const ROWS_MIN = 8;
/** Numbers of a mail: places of receiver, sender and type among the texts, the ask, bytes of the body. */
const WIDTH = 5;

/** Mail without ids, one after the other. Numbers are those of a Float64Array. */
interface Mails {
  readonly kind: "mails";
  readonly texts: readonly string[];
  readonly numbers: Uint8Array;
  readonly bodies: Uint8Array;
}

/** Answers: the number of a mail, or NaN for a commit that was taken and sends nothing. */
interface Numbers {
  readonly kind: "numbers";
  readonly numbers: Uint8Array;
}

type PlainMail = { readonly kind: "enqueue"; readonly mail: EncodedMail };

/** Puts what is alike and stands together into one. */
function joined<T, Row extends T, Rows>(
  all: readonly T[],
  isRow: (each: T) => each is Row,
  rowsOf: (rows: Row[]) => Rows,
): (T | Rows)[] {
  const result: (T | Rows)[] = [];
  let rows: Row[] = [];
  const close = () => {
    if (rows.length >= ROWS_MIN) result.push(rowsOf(rows));
    else for (const row of rows) result.push(row);
    rows = [];
  };
  for (const each of all) {
    if (isRow(each)) rows.push(each);
    else {
      close();
      result.push(each);
    }
  }
  close();
  return result;
}

export const joinOps = (ops: readonly StoreOp[]) => joined(ops, isPlainMail, mailsOf);
export const joinAnswers = (answers: readonly StoreAnswer[]) =>
  joined(answers, isPlainAnswer, numbersOf);

/** @param kept are the bodies to be no view of the batch? */
export function splitOps(joint: ReturnType<typeof joinOps>, kept: boolean): StoreOp[] {
  const ops: StoreOp[] = [];
  for (const each of joint) {
    if (each.kind === "mails") split(each, kept, ops);
    else ops.push(each);
  }
  return ops;
}

export function splitAnswers(joint: ReturnType<typeof joinAnswers>): StoreAnswer[] {
  const answers: StoreAnswer[] = [];
  for (const each of joint) {
    if (each.kind !== "numbers") answers.push(each);
    else for (const seq of floatsOf(each.numbers)) answers.push(answerOf(seq));
  }
  return answers;
}

const isPlainMail = (op: StoreOp): op is StoreOp & PlainMail =>
  op?.kind === "enqueue" && op.stamp === undefined && op.mail.body instanceof Uint8Array;

function mailsOf(ops: readonly PlainMail[]): Mails {
  const places = new Map<string, number>();
  const placeOf = (text: string) => {
    let place = places.get(text);
    if (place === undefined) {
      place = places.size;
      places.set(text, place);
    }
    return place;
  };
  const numbers = new Float64Array(ops.length * WIDTH);
  let at = 0;
  let bytes = 0;
  for (const { mail } of ops) {
    const { byteLength } = mail.body;
    numbers[at++] = placeOf(mail.to);
    numbers[at++] = placeOf(mail.from);
    numbers[at++] = placeOf(mail.type);
    numbers[at++] = mail.ask;
    numbers[at++] = byteLength;
    bytes += byteLength;
  }
  const bodies = new Uint8Array(bytes);
  let end = 0;
  for (const { mail } of ops) {
    bodies.set(mail.body, end);
    end += mail.body.byteLength;
  }
  return { kind: "mails", texts: [...places.keys()], numbers: bytesOf(numbers), bodies };
}

function split({ texts, numbers, bodies }: Mails, kept: boolean, into: StoreOp[]): void {
  const rows = floatsOf(numbers);
  const text = (at: number) => texts[rows[at] as number] as string;
  let end = 0;
  for (let at = 0; at < rows.length; at += WIDTH) {
    const start = end;
    end += rows[at + 4] as number;
    const view = bodies.subarray(start, end);
    const body = kept ? new Uint8Array(view) : view;
    const ask = rows[at + 3] as number;
    const mail = { to: text(at), from: text(at + 1), type: text(at + 2), ask, body };
    into.push({ kind: "enqueue", mail });
  }
}

function isPlainAnswer(answer: StoreAnswer): answer is StoreAnswer & { readonly kind: string } {
  if (answer.kind === "enqueued") return answer.again === undefined;
  return answer.kind === "committed" && !answer.fenced && answer.seqs.length === 0;
}

function numbersOf(answers: readonly StoreAnswer[]): Numbers {
  const numbers = new Float64Array(answers.length);
  for (const [at, answer] of answers.entries()) {
    numbers[at] = answer.kind === "enqueued" ? answer.seq : Number.NaN;
  }
  return { kind: "numbers", numbers: bytesOf(numbers) };
}

const answerOf = (seq: number): StoreAnswer =>
  Number.isNaN(seq) ? { kind: "committed", fenced: false, seqs: [] } : { kind: "enqueued", seq };

const bytesOf = ({ buffer }: Float64Array) => new Uint8Array(buffer);
/** (Where they lie within a batch, they cannot be read as numbers.) */
const floatsOf = (bytes: Uint8Array) => new Float64Array(new Uint8Array(bytes).buffer);
