// What a thread sends to other nodes instead of into a mailbox of its own.

import { actor, app, dynamic, redis, supervisor } from "coppice";
import { expect, test } from "vitest";
import { z } from "zod";
import type { Kernel } from "../../../src/kernel/kernel.ts";
import type { Mail } from "../../../src/kernel/ports.ts";
import { type Destination, elsewhereOf } from "../../../src/node/elsewhere.ts";
import { namesOf } from "../../../src/node/wire.ts";
import { partitionOf } from "../../../src/store/partition.ts";

const Kept = actor("kept", { state: z.null(), messages: {}, init: () => null, on: {} });
const root = supervisor("s", {}, [dynamic("d", {}, Kept, { durable: true })]);
const spread = { partitions: 2, dynamic: ["/s/d"] };
const names = Array.from({ length: 20 }, (_, n) => `/s/d/${n}`);
const [here, there] = [0, 1].map(
  (partition) => names.find((path) => partitionOf(path, spread) === partition) ?? "",
) as [string, string];

test("a word to read goes to actors of this node only: the store has told the others'", () => {
  const held = new SharedArrayBuffer(2);
  new Uint8Array(held)[0] = 1;
  const stored: Mail[] = [];
  const forwarded: Destination[] = [];
  const kernel = { committer: { enqueue: (mail: Mail) => stored.push(mail) } } as unknown as Kernel;
  const tree = app({ root, store: redis({ url: "redis://x" }) });
  const elsewhere = elsewhereOf({
    ...{ app: tree, names: namesOf(tree), kernel: () => kernel },
    data: { node: "n", partitions: 2, held },
    forward: (to) => forwarded.push(to),
  });
  expect([here, there].map((to) => elsewhere.take({ kind: "nudge", to }))).toEqual([false, true]);
  expect([stored, forwarded]).toEqual([[], []]);
  const mail = { kind: "mail", to: there, type: "x", message: 0, from: here, ask: 0 } as const;
  expect(elsewhere.take({ ...mail, seq: 7 } as Mail)).toBe(true);
  expect(stored).toEqual([]);
  expect(elsewhere.take({ ...mail, seq: 0 } as Mail)).toBe(true);
  expect([stored.map(({ to }) => to), forwarded]).toEqual([[there], []]);
});
