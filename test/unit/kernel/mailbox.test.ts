// The list of items against the plainest model of it: an array.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { type Item, Mailbox, mailOf } from "../../../src/kernel/mailbox.ts";
import { seeded } from "../../../src/sim/random.ts";

const item = (id: number): Item => ({ kind: "down", id, path: "", reason: { tag: "normal" } });

test("behaves as an array does, from both ends of the queue", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = seeded(seed);
    const mailbox = new Mailbox();
    const model: Item[] = [];
    for (let i = 0; i < 3_000; i++) {
      const dice = random();
      const each = item(i);
      if (dice < 0.4) {
        mailbox.push(each);
        model.push(each);
      } else if (dice < 0.5) {
        mailbox.unshift(each);
        model.unshift(each);
      } else if (dice < 0.995) {
        expect(mailbox.shift()).toBe(model.shift() ?? null);
      } else {
        mailbox.clear();
        model.length = 0;
      }
      expect(mailbox.size).toBe(model.length);
      if (i % 97 === 0) expect([...mailbox]).toEqual(model);
    }
  }
});

test("what was taken holds nothing of the mailbox, and may go into another one", () => {
  const one = new Mailbox();
  const two = new Mailbox();
  for (const id of [1, 2, 3]) one.push(item(id));
  const first = one.shift() as Item;
  expect(first.next).toBeNull();
  two.push(first);
  expect([...two]).toEqual([first]);
  expect(one.size).toBe(2);
});

test("a message stays small when asks have numbers that are no small integers", () => {
  const numbered = mailOf("/a", "ask", null, "/b", 0);
  numbered.ask = 2 ** 42;
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const mails: unknown[] = new Array(100_000).fill(null);
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < mails.length; i++) mails[i] = mailOf("/a", "tell", null, "/b", 0);
  gc();
  const bytes = (process.memoryUsage().heapUsed - before) / mails.length;
  // Ten fields and three of V8's own; a number in an object of its own would be 16 more.
  expect(Math.round(bytes / 8)).toBe(13);
  expect(mails.length + numbered.ask).toBe(100_000 + 2 ** 42);
});
