// Durable counters, queues and names, one of each a key.

import { actor, app, ask, child, dynamic, dynamicRef, ref, supervisor } from "coppice";
import { z } from "zod";

/** Keys: each has a history of its own, so that none is too long to be checked. */
export const KEYS = 8;

export const Counter = actor("counter", {
  state: z.number(),
  messages: { add: ask(z.object({}), z.number()), read: ask(z.object({}), z.number()) },
  init: () => 0,
  on: {
    add(count, _, ctx) {
      ctx.reply(count + 1);
      return count + 1;
    },
    read: (count, _, ctx) => {
      ctx.reply(count);
    },
  },
});

const item = z.number().nullable();
export const Queue = actor("queue", {
  state: z.array(z.number()),
  messages: { put: ask(z.object({ value: z.number() }), z.null()), take: ask(z.object({}), item) },
  init: () => [],
  on: {
    put(items, { value }, ctx) {
      ctx.reply(null);
      return [...items, value];
    },
    take(items, _, ctx) {
      ctx.reply(items[0] ?? null);
      return items.slice(1);
    },
  },
});

export const Named = actor("named", {
  state: z.null(),
  messages: { hello: ask(z.object({}), z.null()) },
  init: () => null,
  on: { hello: (_, __, ctx) => ctx.reply(null) },
});

export const counterAt = (key: number) => ref(`/linear/counter-${key}`, Counter);
export const queueAt = (key: number) => ref(`/linear/queue-${key}`, Queue);
export const names = dynamicRef("/linear/names", Named);

const kept = { durable: true, maxDeliveries: 1_000, maxInterruptions: 1_000 } as const;
const each = <T>(make: (key: number) => T) => Array.from({ length: KEYS }, (_, key) => make(key));

export default app({
  root: supervisor("linear", { intensity: 10_000 }, [
    ...each((key) => child(`counter-${key}`, Counter, kept)),
    ...each((key) => child(`queue-${key}`, Queue, kept)),
    dynamic("names", { intensity: 10_000 }, Named, kept),
  ]),
});
