// A Redis store of many partitions answers as the reference does: mail is numbered per partition, so
// numbers are compared by the letter they are of. Letters between partitions arrive once, in order.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RedisSpec, redis } from "../../src/actor/store.ts";
import { MemoryEngine } from "../../src/store/memory.ts";
import type { EncodedCommit, StoreAnswer, StoreOp } from "../../src/store/store.ts";
import type { OpenStore } from "../tck/store.tck.ts";
import { randomBatch, randomFrom } from "../tck/store-random.ts";
import { openBridge } from "./bridge.ts";
import { type RedisServer, startRedis, whyNoRedis } from "./server.ts";

const missing = await whyNoRedis();

/** The reference's number of a letter → the partitioned store's, per receiver. */
class Numbers {
  readonly #known = new Map<string, number>();

  learn(to: string, reference: number, answered: number): void {
    // Below 0: kept, behind some that its receiver has not read yet.
    const found = answered < 0 ? -1 - answered : answered;
    expect(found > 0, `${to} ${reference} → ${found}`).toBe(reference > 0);
    if (reference > 0) this.#known.set(`${reference} ${to}`, found);
  }

  of(to: string, reference: number): number {
    return this.#known.get(`${reference} ${to}`) ?? -1;
  }

  /** Without made-up numbers: they may become those of other letters. */
  sensible(op: StoreOp): StoreOp {
    if (op.kind !== "commit") return op;
    const { commit } = op;
    const known = ({ seq }: { seq: number }) => this.of(commit.path, seq) > 0;
    const sensible: EncodedCommit = {
      ...commit,
      acks: commit.acks.filter((seq) => known({ seq })),
      steps: commit.steps.filter(known),
      progress: commit.progress && known(commit.progress) ? commit.progress : null,
      retries: commit.retries.filter(known),
      tries: commit.tries.filter(known),
      dead: commit.dead.filter(known),
    };
    return { kind: "commit", commit: sensible };
  }

  op(op: StoreOp): StoreOp {
    if (op.kind !== "commit") return op;
    const { commit } = op;
    const seq = <T extends { seq: number }>(each: T) => {
      return { ...each, seq: this.of(commit.path, each.seq) };
    };
    const translated: EncodedCommit = {
      ...commit,
      acks: commit.acks.map((each) => this.of(commit.path, each)),
      steps: commit.steps.map(seq),
      progress: commit.progress && seq(commit.progress),
      retries: commit.retries.map(seq),
      tries: commit.tries.map(seq),
      dead: commit.dead.map(seq),
    };
    return { kind: "commit", commit: translated };
  }

  answer(op: StoreOp, answer: StoreAnswer): StoreAnswer {
    if (answer?.kind !== "loaded" || answer.stored === null || op.kind !== "load") return answer;
    const seq = <T extends { seq: number }>(each: T) => {
      return { ...each, seq: this.of(op.path, each.seq) };
    };
    const { mail, steps, progress } = answer.stored;
    const stored = {
      ...answer.stored,
      mail: mail.map(seq),
      steps: steps.map(seq),
      progress: progress && seq(progress),
    };
    return { kind: "loaded", stored };
  }
}

const unmarked = (answer: StoreAnswer): StoreAnswer =>
  answer?.kind === "loaded" && answer.stored !== null
    ? { kind: "loaded", stored: { ...answer.stored, watermark: 0 } }
    : answer;

describe.skipIf(missing !== null)("a store of many partitions", () => {
  let server: RedisServer;
  let store: OpenStore;
  beforeAll(async () => {
    server = await startRedis();
    const spec = redis({ url: server.url, prefix: "spread", partitions: 5, lease: "1m" });
    store = await openBridge(spec as RedisSpec);
  });
  afterAll(async () => {
    await store.close();
    await server.end();
  });

  test("answers random operations as the reference does", async () => {
    const reference = new MemoryEngine();
    const random = randomFrom(77);
    const numbers = new Numbers();
    let life = 1;
    for (let done = 0, batches = 0; done < 1_500; batches++) {
      life += random() < 0.2 ? 1 : 0;
      // One by one: between partitions, operations of one batch have no order.
      for (const each of randomBatch(random, reference, life)) {
        const op = numbers.sensible(each);
        // Letters have other numbers here.
        if (op.kind === "revive" || op.kind === "drop") continue;
        const [expected] = reference.execute([op]) as [StoreAnswer];
        const [found] = store.engine.execute([numbers.op(op)]) as [StoreAnswer];
        done++;
        const to = op.kind === "enqueue" ? op.mail.to : op.kind === "fire" ? op.path : null;
        if (to !== null && expected?.kind === "enqueued" && found?.kind === "enqueued") {
          numbers.learn(to, expected.seq, found.seq);
        } else if (expected?.kind === "committed" && found?.kind === "committed") {
          expect(found.fenced).toBe(expected.fenced);
          for (const [at, seq] of expected.seqs.entries()) {
            const { mails } = (op as { commit: EncodedCommit }).commit;
            numbers.learn(mails[at]?.to ?? "", seq, found.seqs[at] ?? -1);
          }
        } else {
          const translated = unmarked(numbers.answer(op, expected));
          expect(unmarked(found), `operation ${done}: ${op.kind}`).toEqual(translated);
        }
      }
      if (batches % 100 === 99) store = (await store.reopen?.()) ?? store;
    }
    // Stores from before there were indexes: they are made when they are first needed.
    for (const key of await server.client.keys("{spread/?}:[wd]:*")) await server.client.del(key);
    for (const key of await server.client.keys("{spread/?}:meta")) {
      const marks = (await server.client.hkeys(key)).filter((field) => field.startsWith("x"));
      if (marks.length > 0) await server.client.hdel(key, ...marks);
    }
    for (const path of ["", "/a", "/a/b", "/e"]) {
      const op = { kind: "due", path, atMs: 4, after: "", max: 100 } as const;
      expect(store.engine.execute([op])).toEqual(reference.execute([op]));
    }
    expect(store.paths()).toEqual(reference.paths());
    const all = { kind: "letters", path: null, id: null, max: 10_000 } as const;
    const total = (answer?: StoreAnswer) => (answer?.kind === "letters" ? answer.total : -1);
    expect(total(store.engine.execute([all])[0])).toBe(total(reference.execute([all])[0]));
    // Nothing is left in an outbox.
    const left = await server.client.keys("{spread/?}:o:*");
    await expect.poll(() => server.client.keys("{spread/?}:o:*")).toEqual([]);
    expect(left.length).toBeLessThan(25);
  });
});
