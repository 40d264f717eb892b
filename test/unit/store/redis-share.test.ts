// What partitions are asked for a batch: mail that follows mail is one request, numbered in its order.

import { Packr } from "msgpackr";
import { expect, test } from "vitest";
import { mailBytes, packArgs } from "../../../src/store/redis-bytes.ts";
import { planOf } from "../../../src/store/redis-plan.ts";
import { answersTo, type Request, sharesOf } from "../../../src/store/redis-share.ts";
import type { StoreOp } from "../../../src/store/store.ts";
import { commit, enqueue, stamped } from "../../tck/store-ops.ts";

const ONE = { partitions: 1, dynamic: null };

function requests(ops: readonly StoreOp[]): Request[] {
  return sharesOf(ops.map((op) => planOf(op, ONE, [0]))).get(0) ?? [];
}

const shown = ({ args, of }: Request) => {
  const words = args.filter((arg) => typeof arg === "string").join(" ");
  return `${words} for ${of.map(({ op }) => op)}`;
};

test("mail that follows mail is one request; nothing goes past anything", () => {
  const ops = [
    ...[enqueue("/a", 1), enqueue("/b", 2), enqueue("/a", 3)],
    commit("/a", 1),
    ...[enqueue("/a", 4), stamped("/a", 5, "id"), enqueue("/a", 6)],
  ];
  const [first, second, ...rest] = requests(ops);
  expect(shown(first as Request)).toBe("mails 2 /a /b 3 1 2 1 for 0,1,2");
  expect(second?.args.slice(0, 2)).toEqual(["commit", "/a"]);
  expect(rest.map(shown)).toEqual([
    "mails 1 /a 1 1 for 4",
    "enqueue /a id 0 for 5",
    "mails 1 /a 1 1 for 6",
  ]);
});

test("each mail of a request gets its own number; other requests get the whole answer", () => {
  const [mails, other] = requests([enqueue("/a", 1), enqueue("/b", 2), commit("/a", 1)]);
  expect(answersTo(mails as Request, [7, 0])).toEqual([[7], [0]]);
  expect(answersTo(other as Request, [1, 8, 9])).toEqual([[1, 8, 9]]);
});

test("arguments of any length and kind are packed as strings of an array", () => {
  const bytes = packArgs(["é", Buffer.from([0, 255]), "x".repeat(31), "y".repeat(40), ""]);
  expect([...bytes.subarray(0, 5)]).toEqual([0xdd, 0, 0, 0, 5]);
  expect([...bytes.subarray(5, 8)]).toEqual([0xa2, 0xc3, 0xa9]);
  expect([...bytes.subarray(8, 11)]).toEqual([0xa2, 0, 255]);
  expect(bytes[11]).toBe(0xa0 + 31);
  expect([...bytes.subarray(43, 48)]).toEqual([0xdb, 0, 0, 0, 40]);
  expect([bytes.at(-1), bytes.length]).toEqual([0xa0, 48 + 40 + 1]);
});

test("a mail is what stands before it and a list in msgpack, whoever sent the one before", () => {
  const form = new Packr({ useRecords: false });
  const mails = ["/é", "/b", "/b"].flatMap((from) =>
    ["add", "é"].flatMap((type) => [0, 7].map((ask) => ({ to: "/a", from, type, ask }))),
  );
  for (const [nth, mail] of mails.entries()) {
    const body = Buffer.alloc([0, 1, 255, 256, 70_000][nth % 5] as number, nth);
    for (const id of ["", "é:1"]) {
      const head = `${mail.ask}:${Buffer.byteLength(id)}:${id}`;
      const all = [Buffer.from(head), form.pack([mail.from, mail.type])];
      (all[1] as Buffer)[0] = 0x93;
      const found = mailBytes({ ...mail, body }, id);
      const start = Buffer.concat(all);
      expect(found.subarray(0, start.length)).toEqual(start);
      const back = form.unpack(found.subarray(Buffer.byteLength(head)));
      expect(back).toEqual([mail.from, mail.type, body]);
    }
  }
});
