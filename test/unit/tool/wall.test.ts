/** Quotas of time end whoever lives under them, also who does nothing; over restarts, and over nodes. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { actor, app, ask, child, dynamic, memory, redis, ref, supervisor } from "coppice";
import { simulate } from "coppice/sim";
import { expect, test } from "vitest";
import { z } from "zod";
import { type Account, accountsIn, accountsOf } from "../../../src/actor/accounts.ts";
import type { Refusal } from "../../../src/actor/books.ts";
import type { ActorSpec, SupervisorSpec } from "../../../src/actor/spec.ts";
import { Ledger } from "../../../src/tool/ledger.ts";
import { LedgerFile } from "../../../src/tool/ledger-file.ts";
import { nearDesk } from "./hosts.ts";

const Idle = actor("idle", {
  state: z.object({}),
  messages: { up: ask(z.object({}), z.boolean()), crash: z.object({}) },
  init: () => ({}),
  on: {
    up: (_state, _message, ctx) => ctx.reply(true),
    crash: () => {
      throw new Error("boom");
    },
  },
});
const MINUTE = 60_000;

const firm = app({
  store: memory(),
  root: supervisor("s", { intensity: 3, period: "1m" }, [
    child("a", Idle, { quota: { wall: "5m" }, restart: "temporary" }),
    supervisor(
      "crew",
      { quota: { wall: "8m" }, intensity: 2, period: "1m", restart: "temporary" },
      [child("b", Idle), child("c", Idle, { durable: true })],
    ),
    child("free", Idle),
  ]),
});

test("who does nothing ends when its time is over, and so does what starts again below", async () => {
  const sim = await simulate(firm, {});
  const ends = () =>
    sim.events.flatMap((each) => {
      if (each.type !== "exited" || each.reason.tag !== "quota") return [];
      return [
        `${each.path} ${each.reason.at} ${each.reason.resource} ${each.reason.limit / MINUTE}`,
      ];
    });
  await sim.tell(ref("/s/crew/b", Idle), "crash", {});
  await sim.advance(`${5 * MINUTE - 100}ms`);
  expect(ends()).toEqual([]);
  await sim.advance("200ms");
  expect(ends()).toEqual(["/s/a /s/a wallMs 5"]);
  await sim.advance("4m");
  // Both end, are started again, end again: until their supervisor gives up.
  expect(new Set(ends().slice(1))).toEqual(
    new Set(["/s/crew/b /s/crew wallMs 8", "/s/crew/c /s/crew wallMs 8"]),
  );
  expect(ends().length).toBeGreaterThan(3);
  await expect(sim.ask(ref("/s/crew/b", Idle), "up", {})).rejects.toMatchObject({
    code: "no_actor",
  });
  expect(await sim.ask(ref("/s/free", Idle), "up", {})).toBe(true);
});

const account: Account = {
  ...{ path: "/s/a", durable: true, spread: true },
  limits: { wallMs: 100, microUsd: 50, soft: { at: 0.8, tell: "budget" } },
};

test("a limit of time that is raised holds for those who live; one that is not there cannot be", async () => {
  let now = 0;
  const timers: (() => void)[] = [];
  const { desk } = nearDesk({ now: () => now, after: (_ms, fire) => void timers.push(fire) });
  const over: Refusal[] = [];
  const owner = {};
  desk.live("1", [account], owner, (why) => over.push(why));
  now = 90;
  await desk.raise("/s/a", { wallMs: 50 });
  now = 100;
  timers.shift()?.();
  expect(over).toEqual([]);
  now = 150;
  timers.shift()?.();
  expect(over).toEqual([{ path: "/s/a", resource: "wallMs", limit: 150, used: 150 }]);
  // Those who come later hear of it at once; those who are gone do not.
  desk.live("2", [account], owner, (why) => over.push(why));
  expect(over).toHaveLength(2);
  expect(() => desk.raise("/s/a", { tokens: 1 })).toThrow("has no limit of tokens");
  expect(() => desk.raise("/s/b", { tokens: 1 })).toThrow("/s/b has no quota");
  const refused = { code: "E_QUOTA_UNHELD" };
  expect(() => desk.raise("/s/a", { steps: 1 })).toThrow(expect.objectContaining(refused));
});

test("who has ended, or whose thread is lost, is not told", () => {
  let now = 0;
  const timers: (() => void)[] = [];
  const { desk } = nearDesk({ now: () => now, after: (_ms, fire) => void timers.push(fire) });
  const told: string[] = [];
  const [one, two] = [{}, {}];
  desk.live("a", [account], one, () => told.push("a"));
  desk.live("b", [account], two, () => told.push("b"));
  desk.live("c", [account], two, () => told.push("c"));
  desk.lost(one);
  desk.withdraw("b");
  now = 100;
  for (const fire of timers) fire();
  expect(told).toEqual(["c"]);
});

test("time that passed and limits that were raised are known to the next node", async () => {
  const folder = mkdtempSync(join(tmpdir(), "coppice-wall-"));
  try {
    const node = (startedAt: number) => {
      const clock = { wall: startedAt };
      const ledger = new Ledger();
      // Its own clock begins at 0 with each node.
      const clocks = { now: () => clock.wall - startedAt, wall: () => clock.wall };
      return { clock, ledger, file: new LedgerFile(folder, ledger, clocks), clocks };
    };
    const first = node(1_000);
    first.ledger.begin(account, 0);
    await first.file.append({ began: "/s/a" });
    await first.file.append({ raised: "/s/a", more: { microUsd: 7 } });
    await first.file.append({ raised: "/s/a", more: { microUsd: 1, wallMs: 5 } });
    await first.file.close();
    // Read from lines, then from the sums of the next file.
    for (const startedAt of [1_040, 1_060]) {
      const next = node(startedAt);
      next.ledger.know(account);
      expect(next.ledger.timeLeft("/s/a", 0)).toMatchObject({ ms: 1_105 - startedAt, limit: 105 });
      expect(next.ledger.view("/s/a", 0)).toContainEqual({
        ...{ resource: "microUsd", used: 0, held: 0, limit: 58 },
      });
      await next.file.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a limit of memory where no tool uses any is refused before anything starts", () => {
  const root = supervisor("s", {}, [child("a", Idle, { quota: { memory: "64mb" } })]);
  const refused = { code: "E_QUOTA_UNHELD", at: "/s/a" };
  expect(() => app({ store: memory(), root })).toThrow(expect.objectContaining(refused));
});

test("on Redis, what may live on several nodes has common books; nothing is refused for it", () => {
  const store = redis({ url: "redis://127.0.0.1:1" });
  const accounts = (root: Parameters<typeof supervisor>[2][number], quota?: object) => {
    const made = app({
      store,
      root: supervisor("s", quota === undefined ? {} : { quota }, [root]),
    });
    return accountsIn(made.root).map(({ path, spread }) => `${path} ${spread}`);
  };
  const crew = (more: object) => dynamic("crew", { quota: { usd: 1 } }, Idle, more);
  // Children of a dynamic supervisor are spread over nodes, durable actors come back on another one.
  expect(accounts(crew({}), { usd: 1 })).toEqual(["/s true", "/s/crew true"]);
  expect(
    accounts(child("a", Idle, { durable: true, quota: { wall: "1m" } }), { steps: 1 }),
  ).toEqual(["/s true", "/s/a true"]);
  // What is together on one node begins anew when that is lost, and so do its books.
  expect(accounts(child("a", Idle, { quota: { usd: 1 } }), { usd: 1 })).toEqual([
    "/s false",
    "/s/a false",
  ]);
  // Of a dynamic child: its own account goes with it, that of those above it does not.
  const made = app({ store, root: supervisor("s", {}, [crew({ quota: { tokens: 1 } })]) });
  const { template } = made.root.children[0] as SupervisorSpec;
  const own = accountsOf(made.root, "/s/crew/x", template as ActorSpec);
  expect(own.map(({ path, spread }) => `${path} ${spread}`)).toEqual([
    "/s/crew true",
    "/s/crew/x false",
  ]);
});
