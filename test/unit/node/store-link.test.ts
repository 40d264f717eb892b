// How many batches a thread has under way to its store.
import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import { mailOf } from "../../../src/kernel/mailbox.ts";
import type { Completion } from "../../../src/kernel/ports.ts";
import { StoreLink } from "../../../src/node/store-link.ts";
import { packAnswers, unpackOps } from "../../../src/store/batch.ts";

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

/** A link, its store's end, and what has been completed. */
function linked() {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1);
  const done: Completion[] = [];
  const nothing = () => {};
  const link = new StoreLink(port1, nothing, (each) => done.push(each), nothing, nothing, 0);
  let seq = 0;
  return {
    link,
    done,
    mail(count: number, ahead = false) {
      for (let n = 0; n < count; n++) {
        link.client.enqueue(Object.assign(mailOf("/a", "m", n, "/s", 0), { seq: ahead ? -1 : 0 }));
      }
      link.flush();
    },
    /** Operations of the oldest batch that the store has not seen yet; null: there is none. */
    arrived(): number | null {
      const got = receiveMessageOnPort(port2);
      return got === undefined ? null : unpackOps(got.message.ops).length;
    },
    answer(count: number) {
      const all = Array.from({ length: count }, () => ({ kind: "enqueued" as const, seq: ++seq }));
      port2.postMessage({ answers: packAnswers(all) });
    },
  };
}

test("a second batch goes out only when it is large, and a third when one is answered", async () => {
  const { mail, arrived, answer, done } = linked();
  mail(1);
  mail(999);
  expect([arrived(), arrived()]).toEqual([1, null]);
  mail(1);
  expect([arrived(), arrived()]).toEqual([1_000, null]);
  mail(5_000);
  expect(arrived()).toBe(null);
  answer(1);
  await expect.poll(arrived).toBe(4_000);
  answer(1_000);
  await expect.poll(arrived).toBe(1_000);
  answer(4_000);
  answer(1_000);
  await expect.poll(() => done.length).toBe(6_001);
  // In the order of the requests.
  expect(done.map((each) => (each.kind === "enqueued" ? each.mail.seq : 0))).toEqual(
    Array.from({ length: 6_001 }, (_, nth) => nth + 1),
  );
});

test("mail that went ahead does not make a second batch: it may be handled meanwhile", () => {
  const { mail, arrived } = linked();
  mail(1);
  mail(2_000, true);
  expect([arrived(), arrived()]).toEqual([1, null]);
});
