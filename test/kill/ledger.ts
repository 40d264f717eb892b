/**
 * The ledger: agents hand amounts on, one durable message a hop. Each token goes round for ever; most
 * hops act on the world outside (outside.ts), by a tool or by a step, under a key. Who loses a
 * message, handles one twice or lets one overtake another is found out by the receiver's count of
 * messages from each sender; what the world saw is counted there.
 */
import {
  actor,
  app,
  ask,
  child,
  dynamic,
  dynamicRef,
  redis,
  ref,
  sqlite,
  supervisor,
  tool,
} from "coppice";
import { z } from "zod";

export const AGENTS = 50;
export const TOKENS = 100;
export const BALANCE = 1_000;

const outside = process.env.COPPICE_KILL_OUTSIDE ?? "";
/** Of the Redis server, if that is the store. */
const url = process.env.COPPICE_KILL_REDIS;
const boot = Number(process.env.COPPICE_KILL_BOOT ?? 0);

const lease = (process.env.COPPICE_KILL_LEASE ?? "5s") as "5s";
/** Agents that are idle for so long leave the memory, if this is set. */
const idle = process.env.COPPICE_KILL_IDLE as "1s" | undefined;

const effect = z.object({ token: z.number(), hop: z.number(), agent: z.string() });

async function act(
  what: z.infer<typeof effect>,
  key: string,
  signal: AbortSignal,
): Promise<number> {
  const body = JSON.stringify({ ...what, key, boot });
  const answer = await fetch(outside, { method: "POST", body, signal });
  return (await answer.json()) as number;
}

/** The world's own key is the token's hop: an idempotent tool is called again with the same input. */
export const pay = tool("pay", {
  input: effect,
  output: z.number(),
  idempotent: true,
  run: (what, signal) => act(what, `pay/${what.token}/${what.hop}`, signal),
});

const transfer = z.object({
  token: z.number(),
  hop: z.number(),
  amount: z.number(),
  from: z.string(),
  /** Number among the messages of this sender to this receiver, from 1. */
  n: z.number(),
});
type Transfer = z.infer<typeof transfer>;

const state = z.object({
  balance: z.number(),
  halted: z.boolean(),
  held: z.array(z.object({ token: z.number(), hop: z.number(), amount: z.number() })),
  /** Messages sent to, and seen from, each other agent. */
  sent: z.record(z.string(), z.number()),
  seen: z.record(z.string(), z.number()),
  /** What went wrong, in words; the first few. */
  faults: z.array(z.string()),
});
export type LedgerState = z.infer<typeof state>;

const messages = {
  transfer,
  read: ask(z.object({}), state),
  halt: ask(z.object({}), z.null()),
  go: ask(z.object({}), z.null()),
};

const at = (index: number) => ({
  path: `/ledger/agents/agent-${index}`,
  behaviour: "agent" as const,
});
export const nameOf = (index: number) => `agent-${index}`;
export const agents = () =>
  Array.from({ length: AGENTS }, (_, index) => ref(at(index).path, Agent));

/** Spreads tokens over agents, the same way each time. */
const receiver = (token: number, hop: number) => (token * 7_919 + hop * (hop + 31) * 17) % AGENTS;

/** Does this hop act outside? */
export const acts = (hop: number) => hop % 4 !== 0;

type Ctx = { tell(ref: ReturnType<typeof at>, type: "transfer", message: Transfer): void };

function send(
  now: LedgerState,
  from: string,
  ctx: Ctx,
  { token, hop, amount }: Omit<Transfer, "n" | "from">,
): LedgerState {
  const index = receiver(token, hop);
  const to = at(index).path;
  const n = (now.sent[to] ?? 0) + 1;
  ctx.tell(at(index), "transfer", { token, hop, amount, from, n });
  return { ...now, balance: now.balance - amount, sent: { ...now.sent, [to]: n } };
}

function seen(now: LedgerState, { from, n, token, hop, amount }: Transfer): LedgerState {
  const last = now.seen[from] ?? 0;
  const fault = n === last + 1 ? [] : [`message ${n} of ${from} after ${last} (${token}/${hop})`];
  const faults = [...now.faults, ...fault].slice(0, 5);
  return { ...now, balance: now.balance + amount, seen: { ...now.seen, [from]: n }, faults };
}

const start: LedgerState = { balance: 0, halted: false, held: [], sent: {}, seen: {}, faults: [] };

export const Agent = actor("agent", {
  args: z.object({}),
  state,
  messages,
  init: () => ({ ...start, balance: BALANCE }),
  on: {
    async transfer(state, message, ctx) {
      const { token, hop, amount } = message;
      const what = { token, hop, agent: ctx.self.path };
      if (acts(hop) && hop % 2 === 0) await ctx.use(pay, what);
      else if (acts(hop)) await ctx.step("pay", (signal, key) => act(what, key, signal));
      const now = seen(state, message);
      if (!now.halted)
        return send(now, ctx.self.path, ctx as never, { token, hop: hop + 1, amount });
      return { ...now, balance: now.balance - amount, held: [...now.held, { token, hop, amount }] };
    },
    read(state, _message, ctx) {
      ctx.reply(state);
    },
    halt(state, _message, ctx) {
      ctx.reply(null);
      return { ...state, halted: true };
    },
    go(state, _message, ctx) {
      ctx.reply(null);
      const back = state.held.reduce((sum, { amount }) => sum + amount, state.balance);
      return state.held.reduce<LedgerState>(
        (now, { token, hop, amount }) =>
          send(now, ctx.self.path, ctx as never, { token, hop: hop + 1, amount }),
        { ...state, balance: back, halted: false, held: [] },
      );
    },
  },
});

/** Puts all tokens into circulation, once in the life of a store. */
export const Mint = actor("mint", {
  state,
  messages: { begin: ask(z.object({}), z.null()), begun: ask(z.object({}), z.boolean()) },
  init: () => ({ ...start, balance: TOKENS }),
  on: {
    begun(state, _message, ctx) {
      ctx.reply(state.balance === 0);
    },
    begin(state, _message, ctx) {
      ctx.reply(null);
      if (state.balance === 0) return state;
      return Array.from({ length: TOKENS }).reduce<LedgerState>(
        (now, _, token) => send(now, ctx.self.path, ctx as never, { token, hop: 1, amount: 1 }),
        state,
      );
    },
  },
});

const KEPT = {
  durable: true,
  maxDeliveries: 1_000,
  maxInterruptions: 1_000,
  tools: [pay],
} as const;

export const mint = ref("/ledger/mint", Mint);
export const crowd = dynamicRef("/ledger/agents", Agent);

export default app({
  store: url === undefined ? sqlite() : redis({ url, lease, partitions: 8 }),
  root: supervisor("ledger", { intensity: 10_000 }, [
    dynamic("agents", { intensity: 10_000 }, Agent, {
      ...KEPT,
      ...(idle === undefined ? {} : { hibernateAfter: idle }),
    }),
    child("mint", Mint, KEPT),
  ]),
});
