/**
 * Owns: mail into partitions, from the outboxes of ours and from those who are not durable: one line
 * per target, so that order is kept, and each letter once (its number in the outbox tells).
 * Does not own: the outboxes (redis-store.ts).
 */

import { type Arg, packArgs } from "./redis-bytes.ts";
import { type RedisConnections, script } from "./redis-connect.ts";
import { keysOf } from "./redis-leases.ts";
import { Line } from "./redis-line.ts";
import { POST } from "./redis-post-script.ts";
import { type Letter, number, type Reply, text } from "./redis-wire.ts";

const SCRIPT = script(POST);
/** The sender of a letter that comes out of no outbox. */
const NOBODY = "";

export interface PostOptions {
  readonly prefix: string;
  readonly client: string;
  /** This node's name: mail in its own partitions its kernels hand over, unless it is left over. */
  readonly node: string;
  readonly connections: RedisConnections;
  readonly troubled: (thrown: unknown) => void;
  /** Tells a node of mail for its actor; it may get lost: it looks with each renewal, too. */
  readonly nudge: (node: string, path: string) => void;
  /** Letters of an outbox have arrived: they can be dropped there. */
  readonly relayed: (from: number, to: number, upTo: number) => void;
}

/** This node's post. */
export class Posts {
  readonly #options: PostOptions;
  readonly #lines = new Map<number, Line>();
  /** From partition, to partition → highest number that has arrived and can be dropped. */
  readonly #done = new Map<string, number>();

  constructor(options: PostOptions) {
    this.#options = options;
  }

  /**
   * A letter out of an outbox of ours.
   *
   * @param handed does whoever asks hand it to its receiver, if that is on this node?
   * @returns its number; 0 = nobody there; below 0 = kept, now or before, and read from there
   */
  async relay(
    from: number,
    nth: number,
    to: number,
    letter: Letter,
    handed = true,
  ): Promise<number> {
    const [seq] = await this.#send(to, String(from), nth, letter, handed);
    const pair = `${from} ${to}`;
    const before = this.#done.get(pair);
    // One word for all that arrives in a turn.
    if (before === undefined) {
      queueMicrotask(() => {
        const upTo = this.#done.get(pair);
        this.#done.delete(pair);
        if (upTo !== undefined) this.#options.relayed(from, to, upTo);
      });
    }
    this.#done.set(pair, Math.max(nth, before ?? 0));
    return number(seq);
  }

  /** A letter of somebody who is not durable. @returns what an enqueue is answered */
  post(to: number, letter: Letter): Promise<readonly Reply[]> {
    return this.#send(to, NOBODY, 0, letter, true);
  }

  /** The outbox of a partition is somebody else's. */
  forget(from: number): void {
    for (const pair of this.#done.keys()) {
      if (pair.startsWith(`${from} `)) this.#done.delete(pair);
    }
  }

  close(): void {
    for (const line of this.#lines.values()) line.end(new Error("the store is closed"));
    this.#lines.clear();
  }

  async #send(
    to: number,
    from: string,
    nth: number,
    letter: Letter,
    handed: boolean,
  ): Promise<readonly Reply[]> {
    const args: Arg[] = [from, String(nth), letter.to, letter.mail, letter.id, letter.at];
    args.push(handed ? "1" : "0");
    const [reply] = await this.#lineTo(to).send([args]);
    const [holder, answer] = reply as [Reply, readonly Reply[]];
    const other = text(holder);
    const isHanded = handed && other === this.#options.node;
    if (other !== "" && !isHanded && number(answer[0]) > 0) this.#options.nudge(other, letter.to);
    return answer;
  }

  #lineTo(to: number): Line {
    const known = this.#lines.get(to);
    if (known !== undefined) return known;
    const { connections, prefix, client, node, troubled } = this.#options;
    const { base, meta } = keysOf(prefix, to);
    const call = async (batch: number, args: Arg[]) => {
      const all = [client, String(batch), node, packArgs(args)];
      const reply = await connections.call(to, SCRIPT, [base, meta], all);
      const [holder, seqs] = reply as [Reply, readonly Reply[]];
      return seqs.map((seq) => [holder, seq] as const);
    };
    const line = new Line({ call, troubled });
    this.#lines.set(to, line);
    return line;
  }
}
