// Answers that get lost: what was executed is asked for again, answered as the first time, and has
// happened once. And what a holder that is none any more may not do.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RedisSpec, redis } from "../../src/actor/store.ts";
import { decode, encode } from "../../src/store/codec.ts";
import { letterBytes } from "../../src/store/redis-bytes.ts";
import { keysOf } from "../../src/store/redis-leases.ts";
import { type OpenRedis, openRedis } from "../../src/store/redis-open.ts";
import type { StoreAnswer, StoreOp } from "../../src/store/store.ts";
import { commit, enqueue, load, mail, reload, stamped } from "../tck/store-ops.ts";
import { type Cable, startProxy } from "./proxy.ts";
import { type RedisServer, startRedis, whyNoRedis } from "./server.ts";

const missing = await whyNoRedis();
const nudged: string[] = [];
const below = (seq: number) => seq < -1;
const above = (seq: number) => seq > 0;

describe.skipIf(missing !== null)("answers that get lost", () => {
  let server: RedisServer;
  let proxy: Cable;
  let open: OpenRedis;
  let a = "";
  let b = "";
  beforeAll(async () => {
    server = await startRedis();
    proxy = await startProxy(server.port);
    const spec = redis({ url: proxy.url, prefix: "again", partitions: 2, lease: "1m" });
    open = await openRedis(spec as RedisSpec, null, (news) => {
      if (news.kind === "nudged") nudged.push(...news.paths);
    });
    const paths = Array.from({ length: 20 }, (_, n) => `/${n}`);
    a = paths.find((path) => open.store.partitionOf(path) === 0) ?? "";
    b = paths.find((path) => open.store.partitionOf(path) === 1) ?? "";
    const state = encode(0);
    await run(commit(a, 1, { created: { args: state }, state }));
    await run(commit(b, 1, { created: { args: state }, state }));
  });
  afterAll(async () => {
    await open.close();
    proxy.close();
    await server.end();
  });

  const run = (...ops: StoreOp[]) => open.store.execute(ops);
  const box = (path: string) => `${keysOf("again", open.store.partitionOf(path)).base}m:${path}`;
  const waiting = async (path: string) => {
    const [answer] = await run(load(path, 1));
    return answer?.kind === "loaded" ? (answer.stored?.mail ?? []) : [];
  };

  test("a batch: its numbers come again, its mail does not", async () => {
    proxy.deafen();
    const answers = run(enqueue(a, 1), enqueue(a, 2), load(a, 1));
    await expect.poll(() => server.client.hlen(box(a))).toBe(2);
    proxy.heal();
    const [first, second, third] = await answers;
    expect([first, second]).toEqual([
      { kind: "enqueued", seq: 1 },
      { kind: "enqueued", seq: 2 },
    ]);
    expect(third).toMatchObject({ stored: { watermark: 2, mail: [{ seq: 1 }, { seq: 2 }] } });
    expect(await waiting(a)).toHaveLength(2);
  });

  test("mail to another partition, wherever on its way the answer is lost", async () => {
    const rounds = 25;
    for (let round = 0; round < rounds; round++) {
      const sent = run(commit(a, 1, { mails: [mail(b, round), mail(b, round)] }));
      // At another moment each time: before the commit, between it and the relay, behind both.
      await new Promise((resolve) => setTimeout(resolve, round % 5));
      proxy.deafen();
      await new Promise((resolve) => setTimeout(resolve, 10 * (round % 3)));
      proxy.heal();
      expect(await sent).toMatchObject([{ fenced: false }]);
    }
    const letters = await waiting(b);
    expect(letters).toHaveLength(2 * rounds);
    expect(letters.map(({ seq }) => seq)).toEqual(letters.map((_, at) => at + 1));
  });

  test("a letter that a holder before had delivered is not delivered by the next", async () => {
    const before = (await waiting(b)).length;
    await run(commit(a, 1, { mails: [mail(b, "once")] }));
    const { base, meta } = keysOf("again", 0);
    await expect.poll(() => server.client.llen(`${base}o:1`)).toBe(0);
    // As if that holder had died before it could strike the letter off.
    await server.client.rpush(`${base}o:1`, letterBytes(mail(b, "once")));
    await open.store.take(0, Number(await server.client.hget(meta, "token")));
    await expect.poll(() => server.client.llen(`${base}o:1`)).toBe(0);
    expect(await waiting(b)).toHaveLength(before + 1);
  });

  test("D3: left over by the holder before, a letter is read before what its sender sends next", async () => {
    const { base, meta } = keysOf("again", 0);
    const nudges = `${keysOf("again", 1).base}nudge`;
    const token = Number(await server.client.hget(meta, "token"));
    const nth = Number(await server.client.hincrby(meta, "o1", 1));
    await server.client.rpush(`${base}o:1`, letterBytes(mail(b, "left over")));
    await open.store.take(0, token);
    await expect.poll(() => server.client.llen(`${base}o:1`)).toBe(0);
    expect(nth).toBeGreaterThan(0);
    // It is told of it, and whoever missed that finds it there.
    expect(nudged).toContain(b);
    expect(await server.client.smembers(nudges)).toEqual([b]);
    const next = () => run(commit(a, 1, { mails: [mail(b, "next")] }));
    expect(await next()).toMatchObject([{ fenced: false, seqs: [expect.toSatisfy(below)] }]);
    // Having read it, it is handed what comes.
    await run(load(b, 1));
    expect(await next()).toMatchObject([{ fenced: false, seqs: [expect.toSatisfy(above)] }]);
  });

  test("a letter that came another way meanwhile is read where it is, and not sent again", async () => {
    // As if another holder had relayed it already.
    await server.client.hincrby(keysOf("again", 1).meta, "i0", 1);
    const sent = await run(commit(a, 1, { mails: [mail(b, "twice")] }));
    expect(sent).toMatchObject([{ fenced: false, seqs: [expect.toSatisfy((seq) => seq < 0)] }]);
  });

  test("K11: behind a newer holder's back nothing is committed, and the partition is given up", async () => {
    const { meta } = keysOf("again", 0);
    await server.client.hincrby(meta, "token", 1);
    const late = commit(a, 9, { state: encode("late"), mails: [mail(a, "late"), mail(b, "late")] });
    const before = await server.client.hgetall(meta);
    expect(await run(late)).toEqual([{ kind: "committed", fenced: true, seqs: [] }]);
    expect(await server.client.hgetall(meta)).toEqual(before);
    expect(open.store.held).toEqual([1]);
    expect(await run(load(a, 9))).toEqual([{ kind: "refused" }]);
  });

  test("a post into a partition that is not held: its answers come again, its mail does not", async () => {
    expect(open.store.held).not.toContain(open.store.partitionOf(a));
    const { base } = keysOf("again", open.store.partitionOf(a));
    const answer = encode("first answer");
    await run(stamped(a, "asked", "answered"));
    await server.client.hset(`${base}j:${a}`, "answered", Buffer.from(answer));
    const before = await server.client.hlen(box(a));
    proxy.deafen();
    const ids = ["new", "new", "answered"].map((id) => stamped(a, "asked again", id));
    const answers = run(enqueue(a, "posted"), ...ids, enqueue("/nobody", 0));
    await expect.poll(() => server.client.hlen(box(a))).toBe(before + 2);
    proxy.heal();
    const all = (await answers) as Extract<StoreAnswer, { kind: "enqueued" }>[];
    const seq = all[0]?.seq ?? 0;
    expect(all.map((each) => each?.seq - seq)).toEqual([0, 1, -seq, -seq, -seq]);
    expect(seq).toBeGreaterThan(0);
    const again = all.map((each) => each?.again?.answer && decode(each.again.answer));
    expect(again).toEqual([undefined, undefined, null, "first answer", undefined]);
    expect(await server.client.hlen(box(a))).toBe(before + 2);
    // The next post is a new one.
    expect(await run(enqueue(a, "next"))).toEqual([{ kind: "enqueued", seq: seq + 2 }]);
  });

  test("K11: what was loaded before another node had the partition commits nothing later", async () => {
    const { base, meta } = keysOf("again", 1);
    const token = Number(await server.client.hget(meta, "token"));
    await run(load(b, 20));
    // Another node takes it, and loads the actor; then it is given back.
    await server.client.hset(meta, "token", String(token + 1));
    await server.client.hset(`${base}a:${b}`, "token", String(token + 1), "life", "3");
    await server.client.hset(meta, "token", String(token + 2));
    await open.store.take(1, token + 2);
    const late = commit(b, 20, { state: encode("late"), mails: [mail(b, "late")] });
    // Nor does it read its mailbox, and so become one that was loaded under the present token.
    expect(await run(reload(b, 20))).toEqual([{ kind: "refused" }]);
    expect(await run(late)).toEqual([{ kind: "committed", fenced: true, seqs: [] }]);
    await run(load(b, 21));
    expect(await run(reload(b, 21))).toMatchObject([{ kind: "loaded" }]);
    expect(await run(commit(b, 21, { state: encode(1) }))).toMatchObject([{ fenced: false }]);
  });
});
