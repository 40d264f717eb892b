// An app for the tests of Redis: accounts that pay each other, and one clerk for all.

import { actor, app, ask, child, dynamic, redis, supervisor } from "coppice";
import { z } from "zod";

/** Receives and pays; counts what it was told, by the number of the payment. */
export const Account = actor("account", {
  args: z.object({}),
  state: z.object({ balance: z.number(), got: z.number(), incarnations: z.number() }),
  messages: {
    pay: z.object({ to: z.string(), amount: z.number() }),
    receive: z.object({ amount: z.number() }),
    balance: ask(z.object({}), z.object({ balance: z.number(), got: z.number() })),
  },
  init: () => ({ balance: 1_000, got: 0, incarnations: 0 }),
  on: {
    pay: (state, { to, amount }, ctx) => {
      const ref = { path: `/bank/accounts/${to}`, behaviour: "account" } as never;
      ctx.tell(ref, "receive" as never, { amount } as never);
      return { ...state, balance: state.balance - amount };
    },
    receive: (state, { amount }) => {
      return { ...state, balance: state.balance + amount, got: state.got + 1 };
    },
    balance: (state, _, ctx) => {
      ctx.reply({ balance: state.balance, got: state.got });
    },
  },
});

/** A single actor of the trunk: it counts, and says which process it is in. */
export const Clerk = actor("clerk", {
  state: z.object({ count: z.number() }),
  messages: { count: ask(z.object({}), z.object({ count: z.number(), pid: z.number() })) },
  init: () => ({ count: 0 }),
  on: {
    count: (state, _, ctx) => {
      const count = state.count + 1;
      ctx.reply({ count, pid: process.pid });
      return { count };
    },
  },
});

/** Not durable, in the trunk: never answers one of its questions, and watches for others. */
export const Porter = actor("porter", {
  state: z.object({}),
  messages: {
    never: ask(z.object({}), z.null()),
    watch: ask(z.object({ path: z.string() }), z.string()),
  },
  init: () => ({}),
  on: {
    never: (_state, _, ctx) => void ctx.defer(),
    watch: (_state, { path }, ctx) => {
      const answer = ctx.defer();
      waiting.set(ctx.watch({ path, behaviour: "account" } as never).id, answer.reply);
    },
  },
  down: (_state, { id, reason }) => waiting.get(id)?.(reason.tag),
});
/** What the porter of this process owes. */
const waiting = new Map<number, (why: string) => void>();

const { REDIS_URL = "redis://127.0.0.1:6379", REDIS_LEASE = "2s", REDIS_IDLE } = process.env;

export default app({
  store: redis({
    url: REDIS_URL,
    cluster: process.env.REDIS_CLUSTER === "yes",
    prefix: process.env.REDIS_PREFIX ?? "bank",
    partitions: Number(process.env.REDIS_PARTITIONS ?? 8),
    lease: REDIS_LEASE as "2s",
    durability: process.env.REDIS_DURABILITY === "committed" ? "committed" : "flushed",
  }),
  root: supervisor("bank", { intensity: 20, period: "5s" }, [
    dynamic("accounts", { intensity: 100, period: "5s" }, Account, {
      durable: true,
      ...(REDIS_IDLE === undefined ? {} : { hibernateAfter: REDIS_IDLE as "1s" }),
    }),
    child("clerk", Clerk, { durable: true }),
    child("porter", Porter),
  ]),
});
