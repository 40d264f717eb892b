// How requests become batches: which go first, how large one may be, and what it is on the way.

import { expect, test } from "vitest";
import type { Commit, Mail } from "../../../src/kernel/ports.ts";
import {
  BATCH_BYTES,
  packAnswers,
  packOps,
  unpackAnswers,
  unpackKept,
  unpackOps,
} from "../../../src/store/batch.ts";
import { encode } from "../../../src/store/codec.ts";
import { StoreClient } from "../../../src/store/committer.ts";
import type { StoreAnswer, StoreOp } from "../../../src/store/store.ts";
import { commit as commitOp, enqueue, mail as letter, NOTHING } from "../../tck/store-ops.ts";

const mail = (type: string, message: unknown = null): Mail => ({
  ...{ kind: "mail", to: "/a", type, message, from: "", ask: 0, seq: 0, attempts: 0 },
});

const commit = (behaviour: string, more: Partial<Commit> = {}): Commit => ({
  ...{ path: "/a", life: 1, behaviour, version: 1, ...NOTHING, ...more },
});

/** Asks in the order of the words; answers with the words of the batches. */
function batches(client: StoreClient, words: string, ...sizes: number[]): string[] {
  for (const word of words.split(" ")) {
    if (word.startsWith("m")) client.enqueue(mail(word));
    else if (word.startsWith("c")) client.commit(commit(word));
    else if (word.startsWith("born")) client.commit(commit(word, { created: { args: null } }));
    else if (word.startsWith("says")) client.commit(commit(word, { mails: [mail("said")] }));
    else client.load(word, 1);
  }
  const named = sizes.map((max) => client.take(max).map(nameOf).join(" "));
  return [...named, client.take().map(nameOf).join(" ")];
}

function nameOf(op: ReturnType<StoreClient["take"]>[0]): string {
  if (op.kind === "enqueue") return op.mail.type;
  return op.kind === "commit" ? op.commit.behaviour : "path" in op ? String(op.path) : op.kind;
}

test("commits go before mail that is not kept yet", () => {
  expect(batches(new StoreClient(), "m1 c1 m2 c2")).toEqual(["c1 c2 m1 m2"]);
});

test.each(["load", "born", "says"])("but nothing goes past what may not: %s", (word) => {
  const asked = `m1 c1 ${word} m2 c2`;
  expect(batches(new StoreClient(), asked)).toEqual([`c1 m1 ${word} c2 m2`]);
  for (let max = 1; max <= 5; max++) {
    const all = batches(new StoreClient(), asked, max, max, max, max, max).join(" ").trim();
    const order = all.split(/ +/);
    const before = (a: string, b: string) =>
      expect(order.indexOf(a)).toBeLessThan(order.indexOf(b));
    before("m1", word);
    before("c1", word);
    before(word, "m2");
    before(word, "c2");
    expect(order).toHaveLength(5);
  }
});

test("commits that never end do not keep mail out: it is passed over once", () => {
  const client = new StoreClient();
  expect(batches(client, "m1 c1 c2", 1)).toEqual(["c1", "c2 m1"]);
  client.enqueue(mail("m1"));
  for (const word of ["c1", "c2"]) client.commit(commit(word));
  expect(client.take(1).map(nameOf)).toEqual(["c1"]);
  for (const word of ["c3", "c4"]) client.commit(commit(word));
  expect(client.take().map(nameOf)).toEqual(["c2", "m1", "c3", "c4"]);
});

test("answers find whoever asked, in the order of the batches", () => {
  const client = new StoreClient();
  client.enqueue(mail("m1"));
  client.commit(commit("c1"));
  expect(client.take().map(nameOf)).toEqual(["c1", "m1"]);
  const committed = { kind: "committed", fenced: false, seqs: [] } as const;
  const [first, second] = client.complete([committed, { kind: "enqueued", seq: 7 }]);
  expect([first?.kind, second?.kind]).toEqual(["committed", "enqueued"]);
  expect(second).toMatchObject({ mail: { type: "m1", seq: 7 } });
});

test("a batch ends where its values are too many bytes; a larger one goes alone", () => {
  const client = new StoreClient();
  const half = new Uint8Array(BATCH_BYTES / 2);
  for (const type of ["m1", "m2", "m3"]) client.enqueue(mail(type, half));
  client.enqueue(mail("m4", new Uint8Array(BATCH_BYTES * 2)));
  client.enqueue(mail("m5"));
  const taken: string[] = [];
  while (client.size > 0) taken.push(client.take().map(nameOf).join(" "));
  expect(taken).toEqual(["m1 m2", "m3 m4", "m5"]);
});

test("operations arrive as they left; what is kept is no view of the batch", () => {
  const ops = [
    enqueue("/a", new Map([["é", 1n]])),
    commitOp("/a", 2 ** 40, {
      ...{ created: { args: encode(null) }, state: encode("x".repeat(300)), acks: [1, 2 ** 50] },
      ...{ dead: [{ seq: 3, reason: { tag: "killed", by: "operator" } }] },
      mails: [letter("/b", undefined)],
    }),
  ];
  const bytes = packOps(ops);
  const plain = (op: unknown) => JSON.parse(JSON.stringify(op, bytesAsList));
  expect(unpackOps(bytes).map(plain)).toEqual(ops.map(plain));
  const kept = unpackKept(bytes);
  bytes.fill(0);
  expect(kept.map(plain)).toEqual(ops.map(plain));
});

test("much mail, and the answers to it, arrive as they left", () => {
  const mails = (count: number) =>
    Array.from({ length: count }, (_, n): StoreOp => {
      const body = encode(n % 3 === 0 ? "x".repeat(n) : { n });
      const [to, type] = [`/é/${n % 5}`, n % 2 === 0 ? "even" : "odd"];
      return { kind: "enqueue", mail: { to, from: "/s", type, ask: n * 2 ** 40, body } };
    });
  const stamped = { ...(enqueue("/a", "with an id") as object), stamp: { id: "i", atMs: 1 } };
  const ops = [...mails(50), stamped as StoreOp, ...mails(3), commitOp("/a", 1), ...mails(9)];
  const bytes = packOps(ops);
  const plain = (op: unknown) => JSON.parse(JSON.stringify(op, bytesAsList));
  expect(unpackOps(bytes).map(plain)).toEqual(ops.map(plain));
  const kept = unpackKept(bytes);
  bytes.fill(0);
  expect(kept.map(plain)).toEqual(ops.map(plain));
  // Nor does one that is kept for long keep the others.
  const ofMail = kept.flatMap((op) => (op.kind === "enqueue" ? [op.mail.body] : []));
  expect(ofMail.every(({ buffer, length }) => buffer.byteLength === length)).toBe(true);

  const committed = { kind: "committed", fenced: false, seqs: [] } as const;
  const numbers = (count: number): StoreAnswer[] =>
    Array.from({ length: count }, (_, n) => ({ kind: "enqueued", seq: (n - 5) * 2 ** 45 }));
  const again = { kind: "enqueued", seq: 0, again: { answer: null } } as const;
  const forgotten = { kind: "forgotten", asks: [{ from: "/a", ask: 1 }] } as const;
  const answers: StoreAnswer[] = [
    ...[...numbers(20), again, ...numbers(4), forgotten, committed, ...numbers(30)],
    ...[{ ...committed, fenced: true }, { ...committed, seqs: [1, -2] }, ...numbers(9), committed],
  ];
  expect(unpackAnswers(packAnswers(answers))).toEqual(answers);
});

function bytesAsList(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  const isBuffer = (value as { type?: unknown } | null)?.type === "Buffer";
  return isBuffer ? (value as { data: unknown }).data : value;
}

test("a flush ends when all that was asked before is answered, in whatever order it went", () => {
  const client = new StoreClient();
  expect(client.flush()).toBe(true);
  batches(client, "m1 c1", 1);
  const answer = { kind: "committed", fenced: false, seqs: [] } as const;
  const kinds = (...answers: Parameters<StoreClient["complete"]>[0]) =>
    client.complete(answers).map((each) => each.kind);
  client.enqueue(mail("m2"));
  expect(client.flush()).toBe(false);
  expect(client.flush()).toBe(false);
  // It may overtake mail, but none that is waited for.
  client.commit(commit("c2"));
  expect(client.take().map(nameOf)).toEqual(["m2", "c2"]);
  const kept = { kind: "enqueued", seq: 1 } as const;
  expect(kinds(answer, kept)).toEqual(["committed", "enqueued"]);
  expect(kinds(kept)).toEqual(["enqueued", "flushed", "flushed"]);
  expect(client.flush()).toBe(false);
  expect(kinds(answer)).toEqual(["committed", "flushed"]);
  expect(client.flush()).toBe(true);
});
