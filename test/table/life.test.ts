// The life of an actor (DESIGN 8): which status may follow which, and that real lives keep to it.
import { expect, test } from "vitest";
import type { AnyContext } from "../../src/actor/context.ts";
import { Cell } from "../../src/kernel/cell.ts";
import { mayBecome, type Status } from "../../src/kernel/life.ts";
import { seeded } from "../../src/sim/random.ts";
import { Bench, err, make, NORMAL, terminate } from "../conformance/harness.ts";

const ALL: readonly Status[] = [
  "starting",
  "idle",
  "running",
  "parked",
  "committing",
  "stopping",
  "exited",
];

/** Row: from. Column, in the order above: to. x = may follow. */
const TABLE: Record<Status, string> = {
  //           s i r p c t e
  starting: "  . x . . . . x",
  idle: "      . . x . x x x",
  running: "   . x . x . x x",
  parked: "    . x . . . x x",
  committing: ". x . . . x x",
  stopping: "  . . . . . x x",
  exited: "    . . . . . . .",
};

const allowed = (from: Status, to: Status) =>
  TABLE[from].replaceAll(" ", "")[ALL.indexOf(to)] === "x";

test("every pair of statuses is an edge or none", () => {
  for (const from of ALL) {
    for (const to of ALL) {
      expect(mayBecome(from, to), `${from} → ${to}`).toBe(allowed(from, to));
    }
  }
});

test("an exited life stays so, a stopping one only ends, and no end is out of reach", () => {
  for (const status of ALL) {
    expect(mayBecome("exited", status)).toBe(false);
    expect(mayBecome("stopping", status)).toBe(status === "stopping" || status === "exited");
    expect(mayBecome(status, "exited")).toBe(status !== "exited");
    expect(mayBecome(status, "starting")).toBe(false);
  }
});

/** A bench that writes down each change of status of each cell. */
function watched(seen: Set<string>, seed: number): Bench {
  const t = new Bench({ threads: 2, seed });
  const { push } = t.events;
  t.events.push = (...events) => {
    for (const event of events) {
      const cell =
        event.type === "starting" &&
        t.world.hosts.map(({ kernel }) => kernel.members.get(event.path)).find(Boolean);
      if (!(cell instanceof Cell)) continue;
      let now: Status = cell.status;
      const get = () => now;
      const set = (next: Status) => {
        if (next !== now || next === "stopping") seen.add(`${now} ${next}`);
        now = next;
      };
      Object.defineProperty(cell, "status", { get, set });
    }
    return push.apply(t.events, events);
  };
  return t;
}

/** One worker goes through much of what can happen, ended in one of many moments. */
async function live(t: Bench, seed: number): Promise<void> {
  const random = seeded(seed + 1e6);
  const pick = (count: number) => Math.floor(random() * count);
  const tells = (ctx: AnyContext) => ctx.tell(t.ref("nobody"), "nap", 1);
  const stop = ([5, "stuck", tells] as const)[pick(3)] as number;
  const script = [5, { throw: new Error("start") }] as const;
  const options = { durable: pick(2) === 0, trap: pick(2) === 0, stop, script, shutdown: 10 };
  await t.dyn({ intensity: 20 }, options);
  const started = t.admin(make(0));
  const to = "/s/#1";
  const kill = () => t.world.send({ kind: "kill", to, life: 0, by: "operator" });
  const exit = () => t.world.send({ kind: "exit", to, from: "", reason: err(), linked: false });
  if (pick(5) === 0) kill();
  await started;
  const tell = (type: string, message: unknown) =>
    t.world.send(t.world.control.mail(to, type, message, "", 0));
  for (const ms of [0, 2, 0].slice(pick(3))) tell("nap", ms);
  if (pick(10) === 0) await t.settle();
  await t.steps(pick(40));
  const ends = [kill, exit, () => tell("exit", NORMAL), () => tell("crash", "later")];
  await [...ends, () => t.admin(terminate("#1")), () => t.stop()][pick(6)]?.();
  await t.advance(100);
}

test("the lives of 4,000 seeds keep to the table, and use nearly all of it", async () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 4_000; seed++) await live(watched(seen, seed), seed);
  for (const edge of seen) {
    const [from, to] = edge.split(" ") as [Status, Status];
    expect(allowed(from, to), edge).toBe(true);
  }
  const unused = ALL.flatMap((from) =>
    ALL.filter((to) => allowed(from, to) && !seen.has(`${from} ${to}`)).map(
      (to) => `${from} ${to}`,
    ),
  );
  // Ends in the middle of a handler's synchronous run: only preemption does that.
  expect(unused).toEqual(["running stopping", "running exited"]);
});
