/**
 * Owns: which questions of this node wait at which other node, so that whoever asked is told when
 * that node is gone. Pure.
 * Does not own: who is gone (store/redis-leases.ts), questions to durable actors: those are stored
 * with the mail, and whoever holds it next answers them.
 */
import { failed } from "../kernel/answers.ts";
import type { Answer, Envelope } from "../kernel/ports.ts";
import type { Question } from "../store/redis-away.ts";

/** A question and the node that has it; null while it is on its way. */
interface Waiting extends Question {
  readonly node: string | null;
}

const keyOf = ({ from, ask }: { from: string; ask: number }) => `${ask} ${from}`;

/** Questions of this node at others. */
export class Abroad {
  readonly #waiting = new Map<string, Waiting>();
  #members: readonly string[] = [];
  /** Who was there and is not any more. */
  readonly #gone = new Set<string>();

  get size(): number {
    return this.#waiting.size;
  }

  /** A question goes its way. @returns its answer, if there will be no other */
  asked({
    question,
    node,
    late,
  }: {
    question: Question;
    node: string | null;
    late: boolean;
  }): Envelope[] {
    const key = keyOf(question);
    if (late)
      return this.#waiting.delete(key) ? [reply(question, failed("timeout", question.to))] : [];
    if (node === null) this.#waiting.set(key, { ...question, node });
    // Unless it has been answered already.
    else if (this.#waiting.has(key)) this.#waiting.set(key, { ...question, node });
    return node !== null && this.#gone.has(node) ? this.#lost(node) : [];
  }

  /** An answer has come in. */
  answered({ to, ask }: { to: string; ask: number }): void {
    this.#waiting.delete(keyOf({ from: to, ask }));
  }

  /** Who lives now. @returns answers for those who wait for somebody else */
  members(nodes: readonly string[]): Envelope[] {
    const gone = this.#members.filter((node) => !nodes.includes(node));
    this.#members = nodes;
    for (const node of nodes) this.#gone.delete(node);
    for (const node of gone) this.#gone.add(node);
    return gone.flatMap((node) => this.#lost(node));
  }

  #lost(node: string): Envelope[] {
    const lost = [...this.#waiting].filter(([, waiting]) => waiting.node === node);
    return lost.map(([key, question]) => {
      this.#waiting.delete(key);
      return reply(question, failed("exited", question.to, { tag: "node_lost", node }));
    });
  }
}

const reply = ({ from, ask }: Question, answer: Answer): Envelope => ({
  kind: "reply",
  to: from,
  ask,
  answer,
});
