// Whole nodes that die on one store, again and again, also while they recover; and a store that lost
// what was not flushed, or was restored from an older copy: it is then as after some earlier batch.
// Actors hand money on: from handlers, behind recorded steps, from timers. Nothing of it is lost or
// doubled, whatever is cut off (CHAOS §4: D1, D2, D3, D6, D7).
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../src/actor/actor.ts";
import { child, supervisor } from "../../src/actor/spec.ts";
import { seeded } from "../../src/sim/random.ts";
import { MemoryEngine } from "../../src/store/memory.ts";
import type { Engine, StoreAnswer, StoreOp } from "../../src/store/store.ts";
import type { Bench } from "../conformance/harness.ts";
import { reborn } from "../conformance/server-harness.ts";

/** A store that can be put back to where it was after any of its batches. */
class History implements Engine {
  readonly batches: (readonly StoreOp[])[] = [];
  readonly engine = new MemoryEngine();

  execute(ops: readonly StoreOp[]): StoreAnswer[] {
    this.batches.push(ops);
    return this.engine.execute(ops);
  }

  close(): void {}

  /** As it was after `count` batches. */
  before(count: number): History {
    const earlier = new History();
    for (const ops of this.batches.slice(0, count)) earlier.execute(ops);
    return earlier;
  }
}

const BANKS = ["a", "b", "c", "d"];
const FUNDS = 1_000;
/** What was handled although it must not have been. */
const faults: string[] = [];

const counts = z.record(z.string(), z.number());
const Bank = actor("bank", {
  state: z.object({ money: z.number(), sent: counts, got: counts }),
  messages: {
    pay: z.object({ to: z.string(), amount: z.number(), slow: z.boolean(), hops: z.number() }),
    take: z.object({ from: z.string(), n: z.number(), amount: z.number(), hops: z.number() }),
  },
  init: (_args, ctx) => {
    const to = ctx.self.path;
    ctx.after({ every: "1s", missed: "once" }, "pay", { to, amount: 1, slow: true, hops: 2 });
    return { money: FUNDS, sent: {}, got: {} };
  },
  on: {
    async pay(state, { to, amount, slow, hops }, ctx) {
      const n = (state.sent[to] ?? 0) + 1;
      if (slow) await ctx.step("price", () => 1);
      ctx.tell({ path: to, behaviour: "bank" }, "take", { from: ctx.self.path, n, amount, hops });
      return { ...state, money: state.money - amount, sent: { ...state.sent, [to]: n } };
    },
    take(state, { from, n, amount, hops }, ctx) {
      const last = state.got[from] ?? 0;
      if (n !== last + 1) faults.push(`${ctx.self.path} takes ${n} of ${from} after ${last}`);
      if (hops > 0) {
        const to = `/s/${BANKS[(n + hops) % BANKS.length]}`;
        ctx.tell(ctx.self, "pay", { to, amount, slow: n % 2 === 0, hops: hops - 1 });
      }
      return { ...state, money: state.money + amount, got: { ...state.got, [from]: n } };
    },
  },
});

const tree = () =>
  supervisor(
    "s",
    { intensity: 1_000 },
    BANKS.map((id) => child(id, Bank, { durable: true, maxInterruptions: 1_000 })),
  );

type State = { money: number; sent: Record<string, number>; got: Record<string, number> };

async function audit(t: Bench): Promise<void> {
  const states = new Map<string, State>();
  for (const id of BANKS) states.set(`/s/${id}`, (await t.state(id)) as State);
  let sum = 0;
  for (const [path, { money, sent }] of states) {
    sum += money;
    for (const [to, n] of Object.entries(sent)) {
      expect(states.get(to)?.got[path] ?? 0, `${path} to ${to}`).toBe(n);
    }
  }
  expect([sum, faults]).toEqual([FUNDS * BANKS.length, []]);
}

/** One node's life on this store: some work, some faults, an end at any moment. */
async function live(store: History, generation: number, nowMs: number, seed: number) {
  const random = seeded(seed * 64 + generation);
  const threads = 1 + Math.floor(random() * 3);
  const t = reborn(store, generation, { threads, seed: seed * 64 + generation, nowMs });
  t.world.start(tree());
  // One in three ends while it recovers.
  const steps = Math.floor(random() * (random() < 0.33 ? 40 : 1_500));
  for (let left = steps; left > 0; left--) {
    await t.steps(1);
    const draw = random();
    if (draw < 0.02) post(t, random);
    else if (draw < 0.025) t.world.loseThread(1 + Math.floor(random() * threads));
    else if (draw < 0.03) await t.world.jump();
  }
  return t;
}

function post(t: Bench, random: () => number): void {
  const [from, to] = [0, 0].map(() => `/s/${BANKS[Math.floor(random() * BANKS.length)]}`);
  const pay = { to, amount: 1 + Math.floor(random() * 9), slow: random() < 0.5, hops: 3 };
  t.world.send(t.world.control.mail(from as string, "pay", pay, "", 0));
}

test("nothing is lost or doubled over many ends of nodes, and stores put back", async () => {
  let putBack = 0;
  let batches = 0;
  for (let seed = 101; seed <= 200; seed++) {
    faults.length = 0;
    let store = new History();
    let nowMs = 0;
    // Before that, mail to somebody whom the store does not know yet is as that to ephemeral actors.
    const first = reborn(store, 0);
    expect(await first.start(tree())).toBe("ok");
    const born = store.batches.length;
    const random = seeded(seed);
    const lives = 2 + Math.floor(random() * 5);
    for (let generation = 1; generation <= lives; generation++) {
      const t = await live(store, generation, nowMs, seed);
      nowMs = t.now + Math.floor(random() * 5_000);
      if (random() < 0.5) continue;
      const { length } = store.batches;
      store = store.before(born + Math.floor((length - born) * (0.5 + random() / 2)));
      putBack++;
    }
    const last = reborn(store, lives + 1, { nowMs });
    expect(await last.start(tree())).toBe("ok");
    await last.settle();
    await audit(last);
    batches += store.batches.length;
  }
  expect([putBack > 50, batches > 5_000], `${putBack} put back, ${batches} batches`).toEqual([
    true,
    true,
  ]);
});
