// An end from outside may land anywhere in `tell` (guard.ts): the message is there or is not, the
// receiver reads it, nobody else notices. Ended by V8's own termination, as the host's inspector does.
import { runInThisContext } from "node:vm";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { ref } from "../../../src/actor/protocol.ts";
import { child, supervisor } from "../../../src/actor/spec.ts";
import { Cell } from "../../../src/kernel/cell.ts";
import { Mailbox } from "../../../src/kernel/mailbox.ts";
import { Scheduler } from "../../../src/kernel/scheduler.ts";
import { World } from "../../../src/sim/world.ts";

const TRIES = 100;
/** More than that and the handler only spins: a busy machine may be late to end it. */
const TELLS_MAX = 100_000;
const RECEIVERS = 3;

const Counter = actor("counter", {
  state: z.number(),
  messages: { count: z.null() },
  init: () => 0,
  on: { count: (n) => n + 1 },
});
const counters = Array.from({ length: RECEIVERS }, (_, i) => ref(`/s/counter-${i}`, Counter));
const first = counters[0] as (typeof counters)[number];

let tells: (tell: (at: number) => void) => void = () => {};
const Sender = actor("sender", {
  state: z.null(),
  messages: { send: z.null() },
  init: () => null,
  on: {
    send(_state, _null, ctx) {
      tells((at) => ctx.tell(counters[at % RECEIVERS] ?? first, "count", null));
    },
  },
});

function begin(): World {
  const world = new World({ threads: 0, random: () => 0, ordered: true });
  const specs = counters.map((_, i) => child(`counter-${i}`, Counter, { mailboxMax: 1_000_000 }));
  const sender = child("sender", Sender, { maxReductions: 1_000_000_000 });
  world.start(supervisor("s", { intensity: 1 }, [...specs, sender]));
  world.settleSync();
  return world;
}

const cellOf = (world: World, path: string) => world.control.members.get(path) as Cell;
const stateOf = (world: World, { path }: { path: string }) => cellOf(world, path).state as number;
const send = (world: World) => world.send(world.control.mail("/s/sender", "send", null, "", 0));

/** Sends `send`, whose handler is ended while it tells. @returns whether it was */
function runAndEnd(world: World, timeoutMs: number, body: typeof tells): boolean {
  let ended = false;
  tells = (tell) => {
    Object.assign(globalThis, { body: () => body(tell) });
    try {
      runInThisContext("body()", { timeout: timeoutMs });
    } catch (error) {
      ended = (error as { code?: string }).code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
      if (!ended) throw error;
    }
  };
  send(world);
  world.settleSync();
  return ended;
}

/** Whoever is in the ready queue twice, or never again, shows here. */
function restingWell(world: World): void {
  expect(world.control.scheduler.size).toBe(0);
  expect([...world.control.scheduler.waiting()]).toEqual([]);
  for (const { path } of counters) {
    const { status, follower, mailbox, asked } = cellOf(world, path);
    expect({ status, follower, asked, size: mailbox.size }).toEqual({
      status: "idle",
      follower: null,
      asked: 0,
      size: 0,
    });
    expect([...mailbox]).toEqual([]);
  }
}

let restore = () => {};
afterEach(() => restore());

/** The next call of a method, or of a getter, never gets further than its entry. */
function hangAt(owner: object, name: string): void {
  const own = Object.getOwnPropertyDescriptor(owner, name) as PropertyDescriptor;
  const kind = own.get ? "get" : "value";
  const original = own[kind];
  let calls = 0;
  const stuck = function (this: unknown, ...args: unknown[]): unknown {
    if (++calls === 1) for (;;);
    return original.apply(this, args);
  };
  Object.defineProperty(owner, name, { ...own, [kind]: stuck });
  restore = () => void Object.defineProperty(owner, name, own);
}

const PLACES: [string, object, string][] = [
  ["looking at how many wait", Cell.prototype, "waiting"],
  ["putting it there", Cell.prototype, "put"],
  ["making the receiver ready", Scheduler.prototype, "schedule"],
  ["finding the mailbox", Cell.prototype, "mailbox"],
  ["adding it to the mailbox", Mailbox.prototype, "push"],
];

test.each(PLACES)("ended while %s", (_, owner, name) => {
  const world = begin();
  tells = (tell) => tell(0);
  send(world);
  world.settleSync();
  expect(stateOf(world, first)).toBe(1);
  const ended = runAndEnd(world, 20, (tell) => {
    hangAt(owner, name);
    tell(0);
  });
  expect(ended).toBe(true);
  restore();
  restingWell(world);
  expect(stateOf(world, first)).toBe(1);
  tells = (tell) => tell(0);
  send(world);
  world.settleSync();
  expect(stateOf(world, first)).toBe(2);
  restingWell(world);
});

test(`${TRIES} handlers that do nothing but tell, each ended somewhere`, {
  timeout: 120_000,
}, () => {
  const world = begin();
  let [begun, over, ended] = [0, 0, 0];
  const tellOn: typeof tells = (tell) => {
    for (let i = 0; i < TELLS_MAX; i++) {
      begun++;
      tell(i);
      over++;
    }
    for (;;);
  };
  for (let tries = 0; tries < TRIES; tries++) {
    if (runAndEnd(world, 1 + (tries % 3), tellOn)) ended++;
    restingWell(world);
  }
  const read = counters.reduce((sum, each) => sum + stateOf(world, each), 0);
  // What had begun when the end landed may be there or not: nothing else is in doubt.
  expect(read).toBeGreaterThanOrEqual(over);
  expect(read).toBeLessThanOrEqual(begun);
  expect(begun - over).toBeLessThanOrEqual(ended);
  expect(ended).toBe(TRIES);
});
