/**
 * Owns: the rules of store.ts on Redis: each operation goes to the line of its partition, one call
 * is one atomic script. What a batch does is atomic per partition, and so is each commit.
 * Does not own: the scripts (redis-script.ts), leases (redis-leases.ts), mail for partitions of
 * others (redis-post.ts).
 * Invariants: K11 every call is checked against the partition's token; the answers are those of
 * memory.ts, but mail is numbered per partition.
 */
import { ActorError } from "../actor/errors.ts";
import { partitionOf, type Spread } from "./partition.ts";
import { type Arg, packArgs } from "./redis-bytes.ts";
import { isFenced, isPassing, type RedisConnections, script } from "./redis-connect.ts";
import { keysOf } from "./redis-leases.ts";
import { Line } from "./redis-line.ts";
import { planOf } from "./redis-plan.ts";
import { Posts } from "./redis-post.ts";
import { BATCH } from "./redis-script.ts";
import { answersOf, mailPlanOf, type Request, repliesTo, sharesOf } from "./redis-share.ts";
import { enqueuedOf, letterFrom, letterOf, number, type Reply } from "./redis-wire.ts";
import type { EncodedMail, StoreAnswer, StoreOp } from "./store.ts";

const SCRIPT = script(BATCH);

export interface StoreOptions {
  readonly prefix: string;
  readonly spread: Spread;
  /** Whose batches these are: different for each opened store. */
  readonly client: string;
  /** This node's name. */
  readonly node: string;
  readonly nudge: (node: string, path: string) => void;
  readonly connections: RedisConnections;
  /** A call had to be made again: Redis is away, slow or full. */
  readonly troubled: (thrown: unknown) => void;
  /** A commit was refused: the partition has another holder. */
  readonly fenced: (partition: number) => void;
}

/** Operations of a node, in order per partition. */
export class RedisStore {
  readonly #options: StoreOptions;
  readonly #lines = new Map<number, Line>();
  /** Numbers of the last calls in partitions that were held before. */
  readonly #last = new Map<number, number>();
  readonly #posts: Posts;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#posts = new Posts({
      ...options,
      relayed: (from, to, upTo) => this.#trim(from, to, upTo),
    });
  }

  get held(): number[] {
    return [...this.#lines.keys()].sort((a, b) => a - b);
  }

  partitionOf(path: string): number {
    return partitionOf(path, this.#options.spread);
  }

  /** A partition is ours: what its last holder had not relayed goes first. */
  async take(partition: number, token: number): Promise<void> {
    const { connections, prefix, client, troubled } = this.#options;
    const { base, meta } = keysOf(prefix, partition);
    const boxes: { to: number; first: number; letters: Buffer[] }[] = [];
    for (const [field, last] of Object.entries(await connections.client.hgetall(meta))) {
      const to = /^o(\d+)$/.exec(field)?.[1];
      if (to === undefined) continue;
      const letters = await connections.client.lrangeBuffer(`${base}o:${to}`, 0, -1);
      boxes.push({ to: Number(to), first: Number(last) - letters.length + 1, letters });
    }
    const call = async (batch: number, args: Arg[]) => {
      const all = [String(token), client, String(batch), String(Date.now()), packArgs(args)];
      const reply = await connections.call(partition, SCRIPT, [base, meta], all);
      return reply as readonly Reply[];
    };
    this.#end(partition);
    this.#lines.set(partition, new Line({ call, troubled, last: this.#last.get(partition) ?? 0 }));
    for (const { to, first, letters } of boxes) {
      for (const [nth, letter] of letters.entries()) {
        void this.#posts.relay(partition, first + nth, to, letterOf(letter), false);
      }
    }
  }

  /** It is not ours any more: what is under way there is refused. */
  drop(partition: number): void {
    this.#end(partition);
    this.#posts.forget(partition);
  }

  /** Resolves when nothing is under way in a partition. */
  async settled(partition: number): Promise<void> {
    await this.#lines.get(partition)?.send([]);
  }

  /**
   * One batch, each partition's part of it in one atomic call.
   *
   * @throws ActorError E_INTERNAL for what no store could take; then nothing has changed
   */
  async execute(ops: readonly StoreOp[]): Promise<StoreAnswer[]> {
    // All is made ready before anything is sent: half a batch must not go out.
    const { held } = this;
    const inside = (path: string) => {
      const partition = this.partitionOf(path);
      return this.#lines.has(partition) ? partition : null;
    };
    const plans = ops.map((op) => mailPlanOf(op, inside) ?? planOf(op, this.#options.spread, held));
    const answers = new Array<StoreAnswer>(ops.length);
    const replies = repliesTo(plans);
    const work: Promise<void>[] = [];
    for (const [index, op] of ops.entries()) {
      const plan = plans[index];
      if (op.kind !== "enqueue" || !plan || !("parts" in plan) || plan.parts.length > 0) continue;
      const sent = this.#posts.post(this.partitionOf(op.mail.to), letterFrom(op));
      work.push(
        sent.then((reply) => {
          answers[index] = enqueuedOf(reply);
        }),
      );
    }
    for (const [partition, requests] of sharesOf(plans)) {
      work.push(
        this.#send(partition, requests, ops, (at, reply) =>
          requests[at]?.take(reply, answers, replies),
        ),
      );
    }
    await Promise.all(work);
    return answersOf(plans, answers, replies);
  }

  close(): void {
    for (const partition of this.held) this.drop(partition);
    this.#posts.close();
  }

  /** Gives each reply to `take`; none where the partition is not ours any more. */
  async #send(
    partition: number,
    requests: readonly Request[],
    ops: readonly StoreOp[],
    take: (at: number, reply: readonly Reply[]) => void,
  ): Promise<void> {
    try {
      const line = this.#lines.get(partition);
      const found = (await line?.send(requests.map(({ args }) => args))) ?? [];
      // In this turn, so that what was committed first is relayed first.
      const relays: Promise<void>[] = [];
      for (const [at, reply] of (found as readonly (readonly Reply[])[]).entries()) {
        const op = ops[requests[at]?.op ?? 0] as StoreOp;
        const mails = op.kind === "commit" ? op.commit.mails : [];
        if (mails.length === 0) take(at, reply);
        else relays.push(this.#relay(partition, mails, reply).then((all) => take(at, all)));
      }
      if (relays.length > 0) await Promise.all(relays);
    } catch (thrown) {
      if (thrown instanceof Gone) return;
      if (!isFenced(thrown)) throw internal(thrown);
      this.#options.fenced(partition);
    }
  }

  /** Mail for other partitions has its number in the outbox, below zero: now it gets its true one. */
  async #relay(
    from: number,
    mails: readonly EncodedMail[],
    reply: readonly Reply[],
  ): Promise<readonly Reply[]> {
    if (!reply.some((each, at) => at > 0 && number(each) < 0)) return reply;
    return Promise.all(
      reply.map((each, at) => {
        const nth = -number(each);
        if (at === 0 || nth <= 0) return each;
        const mail = mails[at - 1] as EncodedMail;
        const letter = letterFrom({ kind: "enqueue", mail });
        return this.#posts.relay(from, nth, this.partitionOf(mail.to), letter);
      }),
    );
  }

  #end(partition: number): void {
    const line = this.#lines.get(partition);
    if (line === undefined) return;
    line.end(gone(partition));
    this.#last.set(partition, line.last);
    this.#lines.delete(partition);
  }

  #trim(from: number, to: number, upTo: number): void {
    const sent = this.#lines.get(from)?.send([["trim", String(to), String(upTo)]]);
    // Whoever holds it next finds the letters again, and that they were delivered.
    sent?.catch(() => {});
  }
}

/** Ends what waits in the line of a partition that is not ours any more. */
class Gone extends Error {}
const gone = (partition: number) => new Gone(`partition ${partition} has another holder`);

function internal(thrown: unknown): unknown {
  if (thrown instanceof ActorError || isPassing(thrown)) return thrown;
  const { message } = thrown as Error;
  return new ActorError("E_INTERNAL", `the store refused: ${message}`, {
    fix: "please report this: a batch did not fit the store's rules",
    cause: thrown,
  });
}
