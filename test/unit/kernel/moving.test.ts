// The barriers of a move, each in the one schedule in which it counts: lines and stores of single
// threads rest, all else goes on. Random schedules are the simulator's (test/sim).
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { child, supervisor } from "../../../src/actor/spec.ts";
import type { KernelEvent } from "../../../src/kernel/events.ts";
import { Places } from "../../../src/kernel/placement.ts";
import { World } from "../../../src/sim/world.ts";

const Note = actor("note", {
  state: z.object({ notes: z.array(z.string()) }),
  messages: {
    note: z.string(),
    pass: z.object({ to: z.string(), text: z.string() }),
    later: z.object({ ms: z.number(), text: z.string(), id: z.string().optional() }),
  },
  init: () => ({ notes: [] as string[] }),
  on: {
    note: ({ notes }, text) => ({ notes: [...notes, text] }),
    pass: (_state, { to, text }, ctx) =>
      void ctx.tell({ path: to, behaviour: "note" } as never, "note", text),
    later: (_state, { ms, text, id }, ctx) =>
      void ctx.after(ms, "note", text, id === undefined ? {} : { id }),
  },
});

const places = new Places(null, 3);
/** An id whose home is this thread. */
const idOn = (thread: number, name: string): string => {
  let nth = 0;
  while (places.threadOf(`/s/${name}${nth}`) !== thread) nth++;
  return `${name}${nth}`;
};
const [MOVER, OTHER, THIRD] = [idOn(1, "mover"), idOn(2, "other"), idOn(3, "third")];
const at = (id: string) => `/s/${id}`;

/** A node with three threads; the mover is at home on the first. */
function begin(durable: boolean) {
  const events: KernelEvent[] = [];
  const world = new World({
    threads: 3,
    random: () => 0,
    ordered: true,
    sink: (event) => events.push(event),
  });
  const settings = { movable: true, durable };
  const all = [MOVER, OTHER, THIRD].map((id) => child(id, Note, id === MOVER ? settings : {}));
  world.start(supervisor("s", { intensity: 9 }, all));
  world.settleSync();
  const tell = (id: string, type: string, message: unknown) =>
    world.send(world.control.mail(at(id), type, message, "", 0));
  const notes = (id: string) => {
    const cell = world.kernelOf(at(id)).members.get(at(id)) as { state?: unknown } | undefined;
    return (cell?.state as { notes: string[] } | undefined)?.notes;
  };
  const move = (thread: number) => {
    expect(world.control.transfers?.move(at(MOVER), thread)).toBe(true);
  };
  const line = (from: number, to: number) => {
    for (let each = world.links.take(from, to); each; each = world.links.take(from, to)) {
      if (each.kind !== "thread_lost") world.hosts[to]?.kernel.deliver(each);
    }
  };
  const has = (type: string) => events.some((event) => event.type === type);
  return { world, tell, notes, move, line, has };
}

test.each([false, true])("state, mail and named timers go along, durable: %s", (durable) => {
  const { world, tell, notes, move, has } = begin(durable);
  tell(MOVER, "later", { ms: 1_000, text: "due", id: "t" });
  tell(MOVER, "later", { ms: 500, text: "plain" });
  tell(MOVER, "note", "before");
  world.settleSync();
  move(2);
  world.settleSync();
  expect([has("moved"), world.threadOf(at(MOVER))]).toEqual([true, 2]);
  tell(MOVER, "note", "after");
  world.settleSync(2_000);
  expect(notes(MOVER)).toEqual(["before", "after", "plain", "due"]);
  expect(world.hosts[1]?.kernel.timers.size).toBe(0);
});

test("what a commit in flight lets out is sent before anybody is asked", () => {
  const { world, tell, notes, move, line, has } = begin(true);
  tell(MOVER, "pass", { to: at(THIRD), text: "one" });
  const mover = world.kernelOf(at(MOVER)).members.get(at(MOVER)) as { status: string };
  while (mover.status !== "committing") expect(world.step()).toBe(true);
  world.stall("store", 1, 100);
  world.stall("answers", 1, 100);
  move(2);
  world.settleSync();
  // Nobody has been asked: the actor is held, and its commit is open.
  expect(world.hosts.map(({ kernel }) => kernel.moves.away.get(at(MOVER))?.move)).toEqual([
    0,
    ...[undefined, undefined, undefined],
  ]);
  // Its first message is slow on its way; all else of that thread arrives.
  world.advance(100);
  world.stall("link", 1, 1_000);
  for (let round = 0; round < 50; round++) {
    world.settleSync();
    line(1, 0);
    line(1, 2);
  }
  tell(MOVER, "pass", { to: at(THIRD), text: "two" });
  world.settleSync();
  expect(notes(THIRD)).toEqual([]);
  world.settleSync(2_000);
  expect([has("moved"), notes(THIRD)]).toEqual([true, ["one", "two"]]);
});

test("a durable actor waits for its thread's store, and its timers wait for the new thread", () => {
  const { world, tell, notes, move, has } = begin(true);
  tell(MOVER, "later", { ms: 50, text: "due" });
  world.settleSync();
  // By a sender of its own thread's store: numbered late.
  world.stall("store", 1, 100);
  tell(MOVER, "note", "slow");
  move(2);
  world.settleSync(99);
  expect(has("moved")).toBe(false);
  tell(MOVER, "note", "next");
  world.settleSync(1_000);
  expect([has("moved"), notes(MOVER)]).toEqual([true, ["slow", "next", "due"]]);
});

test("nobody moves who does not say so", () => {
  const { world } = begin(false);
  expect(world.control.transfers?.move(at(OTHER), 1)).toBe(false);
});
