// supervisors/pool.ts: each row of its failure table, alone and under random faults.
import {
  ActorError,
  actor,
  app,
  ask,
  child,
  memory,
  probe,
  ref,
  type Sim,
  type SimulateOptions,
  simulate,
  supervisor,
  tool,
} from "coppice";
import { fake } from "coppice/sim";
import { borrow, PoolRouter, pool, poolRouter } from "coppice/supervisors/pool";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { everySeed } from "./seeds.ts";

const SIZE = 3;
/** Takes a second of virtual time. */
const press = tool("press", { input: z.object({}), output: z.object({}), run: () => ({}) });
/** Takes an hour. */
const bake = tool("bake", { input: z.object({}), output: z.object({}), run: () => ({}) });
const tools = [fake(press, {}, { delay: "1s" }), fake(bake, {}, { delay: "1h" })];

/** What happened: "ann has /app/pool/workers/1", "ann done", "ann exited /app/pool/workers/1". */
let log: string[] = [];
/** Pieces of work under way, and the most there ever were at a time. */
let busy = new Set<object>();
let most = 0;
let slowStart = false;

const Worker = actor("worker", {
  state: z.null(),
  messages: { make: ask(z.object({}), z.string()) },
  init: async (_args, ctx) => {
    if (slowStart) await ctx.use(press, {});
    return null;
  },
  on: {
    async make(_state, _message, ctx) {
      const piece = {};
      busy.add(piece);
      most = Math.max(most, busy.size);
      ctx.signal.addEventListener("abort", () => busy.delete(piece));
      await ctx.use(press, {});
      busy.delete(piece);
      ctx.reply(ctx.self.path);
    },
  },
});

/** Borrows once, and says how it went. */
const Client = actor("client", {
  state: z.null(),
  messages: {
    go: z.object({ waitMs: z.number().optional() }),
    hold: z.object({ long: z.boolean() }),
  },
  init: () => null,
  on: {
    async go(_state, { waitMs }, ctx) {
      const name = ctx.self.path.split("/").at(-1);
      const work = async (worker: typeof ctx.self) => {
        log.push(`${name} has ${worker.path}`);
        await ctx.ask(ref(worker.path, Worker), "make", {}, { timeout: "1h" });
      };
      try {
        const options = waitMs === undefined ? {} : { waitMs };
        await borrow(ctx, "/app/pool", Worker, (worker) => work(worker as never), options);
        log.push(`${name} done`);
      } catch (error) {
        const code = error instanceof ActorError ? error.code : "foreign";
        // "/app/pool/router: there is no such actor": who is meant comes first.
        log.push(`${name} ${code} ${(error as Error).message.split(":")[0]}`);
      }
    },
    async hold(_state, { long }, ctx) {
      await borrow(ctx, "/app/pool", Worker, () => ctx.use(long ? bake : press, {}));
    },
  },
});

const NAMES = ["ann", "bob", "cid", "dan", "eva", "fay"] as const;
type Name = (typeof NAMES)[number];
const client = (name: Name) => ref(`/app/${name}`, Client);
const worker = (number: number) => `/app/pool/workers/${number}`;
const router = poolRouter("/app/pool");

const flags = { intensity: 1_000, period: "1s" as const };
const tree = (workerIntensity: number) =>
  app({
    store: memory(),
    root: supervisor("app", flags, [
      pool(
        "pool",
        { size: SIZE, under: "/app", ...flags, workerIntensity, worker: { tools: [press] } },
        Worker,
      ),
      ...NAMES.map((name) => child(name, Client, { tools: [press, bake] })),
    ]),
  });

function begin(seed: number, options: SimulateOptions = {}, intensity = 1_000): Promise<Sim> {
  [log, busy, most, slowStart] = [[], new Set(), 0, false];
  return simulate(tree(intensity), { seed, tools, ...options });
}

async function send(sim: Sim, names: readonly Name[], message: { waitMs?: number } = {}) {
  for (const name of names) await sim.tell(client(name), "go", message);
}

const lines = (word: string) => log.filter((line) => line.split(" ")[1] === word);
/** Who it was, in order of the log. */
const who = (word: string) => lines(word).map((line) => line.split(" ")[0]);

/** All workers can be borrowed, at the same time, and everybody's turn comes. */
async function expectWhole(sim: Sim): Promise<void> {
  // What died with a lost thread never said that it was over.
  busy.clear();
  [log, most] = [[], 0];
  await send(sim, NAMES);
  await sim.advance("5s");
  expect(who("done").sort()).toEqual([...NAMES]);
  expect(most).toBe(SIZE);
}

describe("lending", () => {
  test("at most one piece a worker, and who came first has it first", () =>
    everySeed(async (seed) => {
      const sim = await begin(seed);
      await send(sim, NAMES);
      expect(who("has")).toEqual(["ann", "bob", "cid"]);
      expect(new Set(lines("has").map((line) => line.split(" ")[2])).size).toBe(SIZE);
      await sim.advance("1s");
      expect(who("has").slice(SIZE).sort()).toEqual(["dan", "eva", "fay"]);
      await sim.advance("1s");
      expect(who("done")).toHaveLength(NAMES.length);
      expect(most).toBe(SIZE);
      await expectWhole(sim);
    }));

  test("who has waited too long is told, and nothing is lost by it", () =>
    everySeed(async (seed) => {
      const sim = await begin(seed);
      await send(sim, NAMES, { waitMs: 900 });
      await sim.advance("10s");
      expect(who("done").sort()).toEqual(["ann", "bob", "cid"]);
      expect(lines("timeout").sort()).toEqual(
        ["dan", "eva", "fay"].map((name) => `${name} timeout no worker was free within 900ms`),
      );
      await expectWhole(sim);
    }));

  test("who has a worker has it for as long as it takes", async () => {
    const sim = await begin(1);
    const holders = ["ann", "bob", "cid"] as const;
    for (const name of holders) await sim.tell(client(name), "hold", { long: true });
    await send(sim, ["dan"]);
    await sim.advance("59m");
    expect(who("has")).toEqual([]);
    await sim.advance("2m");
    expect(who("done")).toEqual(["dan"]);
  });

  test("a pool has workers: E_SPEC_RANGE", () => {
    for (const size of [0, -1, 1.5, 10_001, Number.NaN]) {
      expect(() => pool("p", { size, under: "/app" }, Worker)).toThrow(`size: ${size} is outside`);
    }
  });

  test("inspection shows who has what", async () => {
    const sim = await begin(1);
    await send(sim, NAMES);
    expect(PoolRouter.view?.((await sim.getState(router)) as never)).toEqual({
      free: [],
      lent: { [worker(1)]: "/app/ann", [worker(2)]: "/app/bob", [worker(3)]: "/app/cid" },
      waiting: ["/app/dan", "/app/eva", "/app/fay"],
      away: [],
    });
  });
});

describe("a worker ends: it alone is restarted", () => {
  test("its asker is told, nobody else notices", () =>
    everySeed(async (seed) => {
      const sim = await begin(seed);
      await send(sim, NAMES);
      const [victim, , path] = String(log[0]).split(" ");
      await sim.advance("500ms");
      await sim.kill(String(path));
      await sim.advance("10s");
      expect(lines("exited")).toEqual([`${victim} exited ${path}`]);
      expect(who("done")).toHaveLength(NAMES.length - 1);
      await expectWhole(sim);
    }));

  test("its start may take long: still nobody is told anything", () =>
    everySeed(async (seed) => {
      const sim = await begin(seed);
      slowStart = true;
      await sim.kill(worker(1));
      await send(sim, NAMES);
      await sim.advance("20s");
      expect(who("done")).toHaveLength(NAMES.length);
      slowStart = false;
      await expectWhole(sim);
    }));

  test("one that an operator has stopped is not lent until it is started again", () =>
    everySeed(async (seed) => {
      const sim = await begin(seed);
      await sim.admin("/app/pool/workers", { op: "terminate_child", id: "2" });
      await sim.advance("1h");
      await send(sim, NAMES);
      await sim.advance("10s");
      expect(who("done")).toHaveLength(NAMES.length);
      expect(log.join()).not.toContain(worker(2));
      await sim.admin("/app/pool/workers", { op: "restart_child", id: "2" });
      await sim.advance("6s");
      await expectWhole(sim);
    }));
});

describe("a borrower ends: its worker goes back", () => {
  test("while it has one", () =>
    everySeed(async (seed) => {
      const sim = await begin(seed);
      await send(sim, ["ann", "bob", "cid", "dan"]);
      await sim.advance("100ms");
      expect(who("has")).not.toContain("dan");
      await sim.kill(client("bob").path);
      expect(who("has").at(-1)).toBe("dan");
      await sim.advance("5s");
      expect(who("done").sort()).toEqual(["ann", "cid", "dan"]);
      await expectWhole(sim);
    }));

  test("while it waits", () =>
    everySeed(async (seed) => {
      const sim = await begin(seed);
      await send(sim, NAMES);
      await sim.kill(client("dan").path);
      await sim.kill(client("fay").path);
      await sim.advance("5s");
      expect(who("done").sort()).toEqual(["ann", "bob", "cid", "eva"]);
      await expectWhole(sim);
    }));
});

describe("the router ends: it alone is restarted", () => {
  test("who waits is told, who has a worker goes on", () =>
    everySeed(async (seed) => {
      const sim = await begin(seed);
      await send(sim, NAMES);
      await sim.advance("500ms");
      await sim.kill(router.path);
      await sim.advance("100ms");
      expect(who("exited").sort()).toEqual(["dan", "eva", "fay"]);
      await sim.advance("10s");
      expect(who("done").sort()).toEqual(["ann", "bob", "cid"]);
      await expectWhole(sim);
    }));

  test("what comes back of an old loan does not end a new one", () =>
    everySeed(async (seed) => {
      const sim = await begin(seed);
      for (const name of ["ann", "bob", "cid"] as const)
        await sim.tell(client(name), "hold", { long: false });
      await sim.advance("500ms");
      await sim.kill(router.path);
      // The same three workers again: nobody knows that they are lent.
      await send(sim, ["dan", "eva", "fay"]);
      // At 1,000 ms the old borrowers give back; the new ones go on to 1,500 ms.
      await sim.advance("600ms");
      await send(sim, ["ann"]);
      expect(who("has")).not.toContain("ann");
      await sim.advance("10s");
      await expectWhole(sim);
    }));
});

test("workers give up: workers and router start again", () =>
  everySeed(async (seed) => {
    const sim = await begin(seed, {}, 1);
    await send(sim, NAMES);
    await sim.advance("500ms");
    await sim.kill(worker(1));
    await sim.kill(worker(2));
    await sim.advance("10s");
    // Who had a worker, and who waited, is told; who was given the first dead one's turn as well.
    const told = [...who("done"), ...who("exited"), ...who("no_actor")];
    expect(told.length).toBe(NAMES.length);
    expect(who("exited").length).toBeGreaterThanOrEqual(SIZE);
    const lives = Object.fromEntries(sim.tree().map((each) => [each.path, each.incarnation]));
    expect(lives).toMatchObject({
      "/app/pool": 1,
      "/app/pool/workers": 2,
      "/app/pool/router": 2,
      "/app/ann": 1,
    });
    await expectWhole(sim);
  }));

test("whatever goes wrong, no worker is lost for ever", () =>
  everySeed(async (seed) => {
    const sim = await begin(seed, { faults: { crash: 0.1, loseThread: 2 } });
    for (let round = 0; round < 30; round++) {
      await send(sim, NAMES, round % 3 === 0 ? { waitMs: 500 } : {});
      await sim.advance("700ms");
    }
    expect(log.filter((line) => !/ (has|done|exited|timeout|no_actor)/.test(line))).toEqual([]);
    // One that is not there is lent only if it ends on the way: hardly ever.
    const gone = lines("no_actor").filter((line) => line.includes("/workers/"));
    expect(gone.length).toBeLessThan(6);
    sim.calm();
    await sim.advance("10m");
    await expectWhole(sim);
  }));

describe("the router alone", () => {
  const by = (path: string) => ({ by: { path, behaviour: "client" } });
  const one = { path: "/w/1", behaviour: "worker" };
  const args = { workers: [one] };

  test("every watch on a borrower ends with its loan", async () => {
    const alone = probe(PoolRouter, { args });
    await alone.ask("checkout", by("/a"));
    const waiting = alone.ask("checkout", by("/b"));
    await alone.tell("checkin", { ...by("/a"), worker: one });
    expect((await waiting).reply).toEqual(one);
    const last = alone.ask("checkout", { ...by("/c"), waitMs: 10 });
    await alone.advance("10ms");
    expect((await last).reply.path).toBe("");
    await alone.tell("checkin", { ...by("/b"), worker: one });
    const count = (kind: string) => alone.effects.filter((each) => each.kind === kind).length;
    // The watch on the worker stays.
    expect([count("watch"), count("unwatch")]).toEqual([4, 3]);
  });

  test("who has waited longest is served first", async () => {
    const alone = probe(PoolRouter, { args });
    const served: string[] = [];
    const asks = ["/a", "/b", "/c", "/d"].map(async (path) => {
      await alone.ask("checkout", by(path), { timeout: "1h" });
      served.push(path);
      await alone.tell("checkin", { ...by(path), worker: one });
    });
    await Promise.all(asks);
    expect(served).toEqual(["/a", "/b", "/c", "/d"]);
  });

  test("it looks less and less often for a worker that stays away", async () => {
    const alone = probe(PoolRouter, { args });
    await alone.start();
    const looks: number[] = [];
    for (let atMs = 0; atMs < 60_000; atMs += 25) {
      // Whoever is watched is not there.
      await alone.ended(one, { tag: "no_actor", path: one.path });
      const { effects } = await alone.advance(25);
      if (effects.some((each) => each.kind === "watch")) looks.push(atMs);
    }
    const gaps = looks.map((at, index) => at - (looks[index - 1] ?? 0));
    expect(gaps.slice(1, 7)).toEqual([100, 200, 400, 800, 1_600, 3_200]);
    expect(new Set(gaps.slice(7))).toEqual(new Set([5_000]));
    expect(alone.state.free).toEqual([]);
    await alone.advance("6s");
    expect(alone.state.free).toEqual([one.path]);
  });

  test("a checkin by somebody else changes nothing, nor a second one", async () => {
    const alone = probe(PoolRouter, { args });
    await alone.ask("checkout", by("/a"));
    await alone.tell("checkin", { ...by("/b"), worker: one });
    await alone.tell("checkin", { ...by("/a"), worker: { path: "/w/2", behaviour: "worker" } });
    expect(alone.state.free).toEqual([]);
    await alone.tell("checkin", { ...by("/a"), worker: one });
    await alone.tell("checkin", { ...by("/a"), worker: one });
    expect(alone.state.free).toEqual([one.path]);
  });

  test("a loan that is not confirmed ends; one that is lasts", async () => {
    const alone = probe(PoolRouter, { args });
    await alone.ask("checkout", { ...by("/a"), confirms: true });
    await alone.advance("29s");
    expect(alone.state.lent.get("/w/1")?.by).toBe("/a");
    const next = alone.ask("checkout", { ...by("/b"), confirms: true, waitMs: 60_000 });
    await alone.advance("1s");
    expect((await next).reply).toEqual(one);
    // Neither the time it would have waited nor that for the confirmation ends it any more.
    await alone.tell("taken", { ...by("/b"), worker: one });
    await alone.tell("taken", { ...by("/a"), worker: one });
    await alone.advance("1h");
    expect(alone.state.lent.get("/w/1")?.by).toBe("/b");
  });

  test("the time to wait is over when a worker is there", async () => {
    const alone = probe(PoolRouter, { args });
    await alone.ask("checkout", by("/a"));
    const next = alone.ask("checkout", { ...by("/b"), confirms: true, waitMs: 1_000 });
    await alone.tell("checkin", { ...by("/a"), worker: one });
    await next;
    await alone.advance("2s");
    expect(alone.state.lent.get("/w/1")?.by).toBe("/b");
  });

  test("a worker that comes back while it is lent stays lent", async () => {
    const alone = probe(PoolRouter, { args });
    await alone.ask("checkout", by("/a"));
    await alone.ended(one);
    await alone.advance("1s");
    expect(alone.state).toMatchObject({ free: [], away: new Map() });
    expect(alone.state.lent.get("/w/1")?.by).toBe("/a");
    await alone.tell("checkin", { ...by("/a"), worker: one });
    expect(alone.state.free).toEqual([one.path]);
  });

  test("who goes on with a worker that went back has it again, if it is free", async () => {
    const alone = probe(PoolRouter, { args });
    await alone.tell("taken", { ...by("/a"), worker: one });
    expect(alone.state.lent.get("/w/1")?.by).toBe("/a");
    await alone.ended({ path: "/a" });
    expect(alone.state.free).toEqual([one.path]);
  });
});
