// D3: mail that the store kept behind unread mail of another node is not handed over, but read.

import { expect, test } from "vitest";
import type { Kernel } from "../../../src/kernel/kernel.ts";
import { mailOf } from "../../../src/kernel/mailbox.ts";
import { Outgoing } from "../../../src/kernel/outgoing.ts";
import type { Envelope } from "../../../src/kernel/ports.ts";

test("a number below 0 becomes a word to read, in the place of its mail", () => {
  const sent: Envelope[] = [];
  const kernel = { send: (envelope: Envelope) => sent.push(envelope) } as unknown as Kernel;
  const mails = [1, 2, 3].map((n) => mailOf("/b", "m", n, "/a", 0));
  const effects = mails.map((envelope) => ({ kind: "send" as const, envelope }));
  new Outgoing(kernel).release(null, effects, [7, -9, 9]);
  expect(sent).toMatchObject([
    { kind: "mail", message: 1, seq: 7 },
    { kind: "nudge", to: "/b" },
    { kind: "mail", message: 3, seq: 9 },
  ]);
});
