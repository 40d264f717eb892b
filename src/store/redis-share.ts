/**
 * Owns: what each partition is asked for a batch, in the order of its operations: mail that follows
 * mail is one request, which names each receiver once. Pure.
 * Does not own: what one operation asks (redis-plan.ts), asking (redis-store.ts).
 */

import type { Arg } from "./redis-bytes.ts";
import type { Plan } from "./redis-plan.ts";
import type { Reply } from "./redis-wire.ts";

/** One thing that a partition is asked, and for whom. */
export interface Request {
  readonly args: readonly Arg[];
  /** Parts of operations of the batch. Mail that is asked for together has one each. */
  readonly of: readonly { readonly op: number; readonly part: number }[];
}

/** Mail without ids, one after the other. */
class Mails implements Request {
  readonly of: { op: number; part: number }[] = [];
  readonly #receivers = new Map<Arg, string>();
  /** The number of the receiver, and the mail. */
  readonly #letters: Arg[] = [];

  add(to: Arg, letter: Arg, op: number, part: number): void {
    const known = this.#receivers.get(to) ?? String(this.#receivers.size + 1);
    this.#receivers.set(to, known);
    this.#letters.push(known, letter);
    this.of.push({ op, part });
  }

  get args(): Arg[] {
    const to = [...this.#receivers.keys()];
    return ["mails", String(to.length), ...to, String(this.of.length), ...this.#letters];
  }
}

/** By partition. */
export function sharesOf(plans: readonly Plan[]): Map<number, Request[]> {
  const shares = new Map<number, Request[]>();
  for (const [op, { parts }] of plans.entries()) {
    for (const [part, { partition, args }] of parts.entries()) {
      const share = shares.get(partition) ?? [];
      shares.set(partition, share);
      const [kind, to, letter, id] = args as [Arg, Arg, Arg, Arg];
      if (kind !== "enqueue" || id !== "") share.push({ args, of: [{ op, part }] });
      else mailsAtEnd(share).add(to, letter, op, part);
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

/** What each part of a request is answered: of mail asked for together, each its own number. */
export function answersTo(request: Request, reply: readonly Reply[]): (readonly Reply[])[] {
  return request instanceof Mails ? request.of.map((_, at) => [reply[at] ?? 0]) : [reply];
}
