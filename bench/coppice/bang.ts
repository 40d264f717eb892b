/** Owns: bang on the real runtime: 50 supervised senders, each n/50 tells in one go, one receiver. */
import { actor, child, type Ref } from "coppice";
import { z } from "zod";
import { SENDERS } from "../lib/sizes.ts";
import { benchApp, DRIVER, driver, ROOMY, refTo } from "./driver.ts";

const hits = {
  expect: z.object({ messages: z.number() }),
  hit: z.object({ from: z.number() }),
};
const RECEIVER: Ref<typeof hits> = refTo("/bench/receiver", "receiver");

const Receiver = actor("receiver", {
  state: z.object({ left: z.number() }),
  messages: hits,
  init: () => ({ left: 0 }),
  on: {
    expect: (_, { messages }) => ({ left: messages }),
    hit({ left }, _, ctx) {
      if (left === 1) ctx.tell(DRIVER, "done", {});
      return { left: left - 1 };
    },
  },
});

const messages = { begin: z.object({ hits: z.number() }) };
const SENDER = Array.from(
  { length: SENDERS },
  (_, index): Ref<typeof messages> => refTo(`/bench/sender-${index}`, "sender"),
);

const Sender = actor("sender", {
  args: z.object({ from: z.number() }),
  state: z.object({ from: z.number() }),
  messages,
  init: (args) => args,
  on: {
    begin({ from }, { hits }, ctx) {
      for (let i = 0; i < hits; i++) ctx.tell(RECEIVER, "hit", { from });
    },
  },
});

export default benchApp(
  driver((ctx, n) => {
    const each = Math.ceil(n / SENDERS);
    ctx.tell(RECEIVER, "expect", { messages: each * SENDERS });
    for (const sender of SENDER) ctx.tell(sender, "begin", { hits: each });
  }),
  [
    child("receiver", Receiver, ROOMY),
    ...SENDER.map((_, from) => child(`sender-${from}`, Sender, { ...ROOMY, args: { from } })),
  ],
);
