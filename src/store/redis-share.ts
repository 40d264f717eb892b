/**
 * Owns: what each partition is asked for a batch, in the order of its operations: mail that follows
 * mail is one request, which names each receiver once. Pure.
 * Does not own: what one operation asks (redis-plan.ts), asking (redis-store.ts).
 */

import { type Arg, mailBytes } from "./redis-bytes.ts";
import type { PartReply, Plan } from "./redis-plan.ts";
import { number, type Reply } from "./redis-wire.ts";
import type { StoreAnswer, StoreOp } from "./store.ts";

type Enqueue = Extract<StoreOp, { kind: "enqueue" }>;

/** What most operations of a busy node are: mail without an id, for a partition of this node. */
export interface MailPlan {
  readonly partition: number;
  readonly to: string;
  readonly letter: Buffer;
}

/** @returns null: it is no such mail */
export function mailPlanOf(op: StoreOp, partition: (path: string) => number | null) {
  if (op.kind !== "enqueue" || op.stamp !== undefined) return null;
  const { to } = (op as Enqueue).mail;
  const found = partition(to);
  return found === null ? null : { partition: found, to, letter: mailBytes(op.mail) };
}

const isMail = (plan: Plan | MailPlan): plan is MailPlan => "letter" in plan;

/** One thing that a partition is asked. */
export interface Request {
  readonly args: readonly Arg[];
  /** The operation of the batch that it is of, the first one if it is of several. */
  readonly op: number;
  /** Notes what was replied: in `answers` if that is all, else in `replies`. */
  take(reply: readonly Reply[], answers: StoreAnswer[], replies: readonly PartReply[][]): void;
}

/** Part of an operation. */
class Single implements Request {
  readonly args: readonly Arg[];
  readonly op: number;
  readonly #part: number;

  constructor(args: readonly Arg[], op: number, part: number) {
    this.args = args;
    this.op = op;
    this.#part = part;
  }

  take(reply: readonly Reply[], _: StoreAnswer[], replies: readonly PartReply[][]): void {
    (replies[this.op] as PartReply[])[this.#part] = reply;
  }
}

/** Mail without ids, one after the other. */
class Mails implements Request {
  readonly #ops: number[] = [];
  readonly #receivers = new Map<string, number>();
  /** The place of the receiver, and the mail. */
  readonly #letters: Arg[] = [];

  add({ to, letter }: MailPlan, op: number): void {
    let place = this.#receivers.get(to);
    if (place === undefined) {
      place = this.#receivers.size + 1;
      this.#receivers.set(to, place);
    }
    this.#letters.push(place, letter);
    this.#ops.push(op);
  }

  get args(): Arg[] {
    const to = [...this.#receivers.keys()];
    return ["mails", to.length, ...to, this.#ops.length, ...this.#letters];
  }

  get op(): number {
    return this.#ops[0] as number;
  }

  /** A number each, or the first one, which the others follow. */
  take(reply: readonly Reply[], answers: StoreAnswer[]): void {
    const first = number(reply[0]);
    const areAll = reply.length === this.#ops.length;
    for (const [nth, op] of this.#ops.entries()) {
      answers[op] = { kind: "enqueued", seq: areAll ? number(reply[nth]) : first + nth };
    }
  }
}

/** By partition. */
export function sharesOf(plans: readonly (Plan | MailPlan)[]): Map<number, Request[]> {
  const shares = new Map<number, Request[]>();
  const shareOf = (partition: number) => {
    const share = shares.get(partition) ?? [];
    shares.set(partition, share);
    return share;
  };
  for (const [op, plan] of plans.entries()) {
    if (isMail(plan)) mailsAtEnd(shareOf(plan.partition)).add(plan, op);
    else {
      for (const [part, { partition, args }] of plan.parts.entries()) {
        shareOf(partition).push(new Single(args, op, part));
      }
    }
  }
  return shares;
}

function mailsAtEnd(share: Request[]): Mails {
  const last = share.at(-1);
  if (last instanceof Mails) return last;
  const mails = new Mails();
  share.push(mails);
  return mails;
}

/** The answers of a batch. @param answers those that are known without their plan */
export function answersOf(
  plans: readonly (Plan | MailPlan)[],
  answers: readonly StoreAnswer[],
  replies: readonly PartReply[][],
): StoreAnswer[] {
  return plans.map((plan, at) => {
    const known = answers[at];
    if (known !== undefined) return known;
    // (Its partition is not ours any more.)
    return isMail(plan) ? { kind: "enqueued", seq: 0 } : plan.combine(replies[at] ?? []);
  });
}

/** Room for the replies to the parts of each plan. */
export const repliesTo = (plans: readonly (Plan | MailPlan)[]): PartReply[][] =>
  plans.map((plan) => (isMail(plan) ? NONE : plan.parts.map(() => null)));

const NONE: PartReply[] = [];
