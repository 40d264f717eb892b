// What a kernel's end of a store does with mail that went ahead of its number (ADR 0034).
import { expect, test } from "vitest";
import { mailOf } from "../../../src/kernel/mailbox.ts";
import type { Commit, Mail } from "../../../src/kernel/ports.ts";
import { StoreClient } from "../../../src/store/committer.ts";
import { MemoryEngine } from "../../../src/store/memory.ts";
import type { StoreOp } from "../../../src/store/store.ts";

const LIFE = 5;

const commit = (more: Partial<Commit> = {}): Commit => ({
  ...{ path: "/a", life: LIFE, behaviour: "b", version: 1, created: null, acks: [], state: null },
  ...{ steps: [], progress: null, retries: [], tries: [], dead: [], timers: [], answers: [] },
  mails: [],
  ...more,
});
const handled = (...mails: Mail[]) => commit({ ahead: { handled: mails, failed: [] } });

/** A client of a store that knows "/a", and the engine. */
function known(): [StoreClient, MemoryEngine] {
  const [client, engine] = [new StoreClient(), new MemoryEngine()];
  client.load("/a", LIFE);
  client.commit(commit({ created: { args: null }, state: { value: 0 } }));
  client.complete(engine.execute(client.take()));
  return [client, engine];
}

const mail = (n: number, seq = 0) => Object.assign(mailOf("/a", "m", n, "/s", 0), { seq });
const kinds = (ops: readonly StoreOp[]) => ops.map(({ kind }) => kind).join(" ");

test("mail that was handled is left out, and the rest waits for an idle store", () => {
  const [client, engine] = known();
  const [one, two] = [mail(1, -LIFE), mail(2, -LIFE)];
  client.enqueue(one);
  client.enqueue(two);
  client.commit(handled(one));
  expect(client.size).toBe(2);
  const batch = client.take();
  expect(kinds(batch)).toBe("commit");
  client.complete(engine.execute(batch));
  expect(kinds(client.take())).toBe("enqueue");
  expect(client.size).toBe(0);
});

test("a commit waits for the number of what is on its way, and so does all behind it", () => {
  const [client, engine] = known();
  const one = mail(1, -LIFE);
  client.enqueue(one);
  const batch = client.take();
  client.commit(handled(one));
  client.commit(commit({ path: "/other" }));
  expect([client.size, client.take().length]).toEqual([0, 0]);
  expect(client.complete(engine.execute(batch))).toMatchObject([{ kind: "enqueued", ahead: LIFE }]);
  expect(engine.waiting("/a").length).toBe(1);
  expect(client.take()).toMatchObject([{ commit: { acks: [one.seq] } }, { kind: "commit" }]);
});

test("mail that is needed, or that others came behind, is written before all that follows", () => {
  const [client] = known();
  const mails = [mail(1, -LIFE), mail(2), mail(3, -LIFE), mail(4, -LIFE)];
  for (const each of mails) client.enqueue(each);
  client.number(mails[2] as Mail);
  client.number(mails[2] as Mail);
  client.commit(commit());
  expect(kinds(client.take())).toBe("commit enqueue enqueue enqueue enqueue");
  client.load("/b", LIFE);
  client.enqueue(mail(5, -LIFE));
  client.load("/c", LIFE);
  expect(kinds(client.take())).toBe("load enqueue load");
});

test("what makes its actor crash is written, then counted", () => {
  const [client, engine] = known();
  const one = mail(1, -LIFE);
  client.enqueue(one);
  const failed = [{ mail: one, attempts: 1, reason: null }];
  client.commit(commit({ ahead: { handled: [], failed } }));
  const first = client.take();
  expect(kinds(first)).toBe("enqueue");
  client.complete(engine.execute(first));
  client.complete(engine.execute(client.take()));
  expect(engine.waiting("/a")).toMatchObject([{ seq: one.seq, attempts: 1 }]);
});

test("what a refused commit stood for is written after all, before what came behind it", () => {
  const [client, engine] = known();
  const [one, two] = [mail(1, -LIFE), mail(2, -LIFE)];
  client.enqueue(one);
  client.commit(handled(one));
  client.enqueue(two);
  engine.execute([{ kind: "load", path: "/a", life: LIFE + 1 }]);
  const done = client.complete(engine.execute(client.take()));
  expect(done).toMatchObject([{ kind: "committed", result: { ok: false } }]);
  client.complete(engine.execute(client.take()));
  client.complete(engine.execute(client.take()));
  expect(engine.waiting("/a").length).toBe(2);
  expect(one.seq).toBeLessThan(two.seq);
  expect(one.seq).toBeGreaterThan(0);
});
