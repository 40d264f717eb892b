/** Guests that are ended for good, each with all that a durable actor can have in its store. */
import { actor, app, ask, child, dynamic, redis, ref, sqlite, supervisor } from "coppice";
import { z } from "zod";

const url = process.env.COPPICE_KILL_REDIS;
const isFirst = process.env.COPPICE_KILL_BOOT === "1";
const never = () => new Promise<never>(() => {});

const messages = {
  note: z.string(),
  /** Notes that in a later life: in the first one it waits for ever, with a step behind it. */
  wait: z.string(),
  look: ask(z.null(), z.array(z.string())),
};

const Guest = actor("guest", {
  state: z.array(z.string()),
  messages,
  init: () => [],
  on: {
    note: (state, text) => [...state, text],
    wait: async (state, text, ctx) => {
      const step = await ctx.step("before", async () => (isFirst ? "first" : "again"));
      if (isFirst) await never();
      return [...state, `${text} ${step}`];
    },
    look: (state, _, ctx) => ctx.reply(state),
  },
});

/** Ending one for good takes a stop, and for a static child that its spec is deleted. */
export const GUESTS = {
  dynamic: { above: "/hotel/rooms", id: "a", ops: ["terminate_child"] },
  static: { above: "/hotel", id: "b", ops: ["terminate_child", "delete_child"] },
} as const;
export type Whose = keyof typeof GUESTS;
export const guestOf = (whose: Whose) => ref(`${GUESTS[whose].above}/${GUESTS[whose].id}`, Guest);

const KEPT = { durable: true, shutdown: "brutal_kill" } as const;

export default app({
  store: url === undefined ? sqlite() : redis({ url, lease: "2s", partitions: 4 }),
  root: supervisor("hotel", {}, [dynamic("rooms", {}, Guest, KEPT), child("b", Guest, KEPT)]),
});
