// What partitions are asked for a batch: mail that follows mail is one request, numbered in its order.

import { Packr } from "msgpackr";
import { expect, test } from "vitest";
import { mailBytes, packArgs } from "../../../src/store/redis-bytes.ts";
import type { PartReply } from "../../../src/store/redis-plan.ts";
import { planOf } from "../../../src/store/redis-plan.ts";
import {
  answersOf,
  mailPlanOf,
  type Request,
  repliesTo,
  sharesOf,
} from "../../../src/store/redis-share.ts";
import type { StoreAnswer, StoreOp } from "../../../src/store/store.ts";
import { commit, enqueue, stamped } from "../../tck/store-ops.ts";

const ONE = { partitions: 1, dynamic: null };

const plansOf = (ops: readonly StoreOp[]) =>
  ops.map((op) => mailPlanOf(op, () => 0) ?? planOf(op, ONE, [0]));
const requests = (ops: readonly StoreOp[]): Request[] => sharesOf(plansOf(ops)).get(0) ?? [];

/** What a batch is answered when its requests get these replies. */
function answered(ops: readonly StoreOp[], replies: readonly (readonly number[])[]): StoreAnswer[] {
  const plans = plansOf(ops);
  const [answers, parts]: [StoreAnswer[], PartReply[][]] = [[], repliesTo(plans)];
  for (const [at, request] of (sharesOf(plans).get(0) ?? []).entries()) {
    if (replies[at] !== undefined) request.take(replies[at], answers, parts);
  }
  return answersOf(plans, answers, parts);
}

const shown = ({ args, op }: Request) => {
  const words = args.filter((arg) => !Buffer.isBuffer(arg)).join(" ");
  return `${words} of ${op}`;
};

test("mail that follows mail is one request; nothing goes past anything", () => {
  const ops = [
    ...[enqueue("/a", 1), enqueue("/b", 2), enqueue("/a", 3)],
    commit("/a", 1),
    ...[enqueue("/a", 4), stamped("/a", 5, "id"), enqueue("/a", 6)],
  ];
  const [first, second, ...rest] = requests(ops);
  expect(shown(first as Request)).toBe("mails 2 /a /b 3 1 2 1 of 0");
  expect(second?.args.slice(0, 2)).toEqual(["commit", "/a"]);
  expect(rest.map(shown)).toEqual([
    "mails 1 /a 1 1 of 4",
    "enqueue /a id 0 of 5",
    "mails 1 /a 1 1 of 6",
  ]);
});

test("each mail of a request gets a number: its own, or the next one behind the first", () => {
  const ops = [enqueue("/a", 1), enqueue("/b", 2), commit("/a", 1), enqueue("/c", 3)];
  const seqs = (...replies: number[][]) =>
    answered(ops, replies).map((each) => (each.kind === "enqueued" ? each.seq : each));
  const committed = (...seqs: number[]) => ({ kind: "committed", fenced: false, seqs });
  expect(seqs([7, 0], [1, 8, 9], [0])).toEqual([7, 0, committed(8, 9), 0]);
  expect(seqs([7], [1], [9])).toEqual([7, 8, committed(), 9]);
});

test("a partition that replies nothing is not ours any more", () => {
  const fenced = { kind: "committed", fenced: true, seqs: [] };
  expect(answered([enqueue("/a", 1), commit("/a", 1)], [])).toEqual([
    { kind: "enqueued", seq: 0 },
    fenced,
  ]);
});

test("numbers are packed as numbers, of any size below 2^32", () => {
  const all = [0, 127, 128, 1_000, 2 ** 31, 2 ** 32 - 1];
  expect(new Packr({ useRecords: false }).unpack(packArgs(all))).toEqual(all);
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
