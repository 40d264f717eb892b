// Supervisors beside their children, on threads that are lost at any step: whatever happens, what
// the tree says is what runs, and durable children forget nothing they had committed.
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { ask } from "../../../src/actor/protocol.ts";
import { child, dynamic, supervisor } from "../../../src/actor/spec.ts";
import type { Answer } from "../../../src/kernel/ports.ts";
import { SupervisorCell } from "../../../src/kernel/supervisor-cell.ts";
import { seeded } from "../../../src/sim/random.ts";
import { World } from "../../../src/sim/world.ts";

const Counter = actor("counter", {
  state: z.object({ n: z.number() }),
  messages: { add: ask(z.object({}), z.number()), boom: z.object({}) },
  init: () => ({ n: 0 }),
  on: {
    add(state, _, ctx) {
      ctx.reply(state.n + 1);
      return { n: state.n + 1 };
    },
    boom: () => {
      throw new Error("boom");
    },
  },
});

const together = { placement: "with-parent" } as const;
const patient = { intensity: 100_000, period: 1_000 };
const tree = supervisor("s", patient, [
  dynamic("kept", patient, Counter, { ...together, durable: true, maxDeliveries: 2 }),
  dynamic("light", patient, Counter, together),
  supervisor("sub", { ...patient, ...together }, [
    child("x", Counter),
    dynamic("deep", patient, Counter, { durable: true, maxDeliveries: 2 }),
  ]),
]);
const POOLS = ["/s/kept", "/s/light", "/s/sub/deep"];

class Run {
  readonly world: World;
  readonly random: () => number;
  readonly fenced: string[] = [];
  /** Highest number that each durable counter has answered. */
  readonly told = new Map<string, number>();
  open = 0;

  constructor(seed: number) {
    this.random = seeded(seed);
    this.world = new World({
      threads: 2,
      random: this.random,
      sink: (event) => {
        const ended = event.type === "exited" ? event.reason.tag : "";
        if (ended === "fenced") this.fenced.push(event.path);
      },
    });
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)] as T;
  }

  call(begin: (done: (answer: Answer) => void) => void): void {
    this.open++;
    begin(() => this.open--);
  }

  act(): void {
    const { world } = this;
    const { control } = world;
    const pool = this.pick(POOLS);
    const id = `c${Math.floor(this.random() * 4)}`;
    const path = `${pool}/${id}`;
    const dice = this.random();
    if (dice < 0.25) {
      const request = { op: "start_child", id, args: undefined } as const;
      this.call((done) => control.call(pool, request, 1e9, done));
    } else if (dice < 0.75) {
      this.open++;
      control.request(path, "add", {}, 1e9, (answer) => {
        this.open--;
        if (!answer.ok || pool === "/s/light") return;
        const before = this.told.get(path) ?? 0;
        expect(answer.value, path).toBeGreaterThan(before);
        this.told.set(path, answer.value as number);
      });
    } else if (dice < 0.85) {
      world.send(control.mail(path, "boom", {}, "", 0));
    } else if (dice < 0.9) {
      world.send({ kind: "kill", to: this.pick([pool, path]), life: 0, by: "operator" });
    } else if (dice < 0.94) {
      world.loseThread(1 + Math.floor(this.random() * 2));
    } else {
      this.call((done) => control.call(pool, { op: "count_children" }, 1e9, done));
    }
  }

  /** What the supervisors say is what runs. */
  check(): void {
    const known = new Set(["/s"]);
    for (const { kernel } of this.world.hosts) {
      for (const cell of kernel.members.values()) {
        if (!(cell instanceof SupervisorCell)) continue;
        expect(cell.state.work, cell.path).toBeNull();
        for (const each of cell.state.children.values()) {
          const at = cell.childPath(each);
          const thread = this.world.places.threadOf(at, each.spec.kind === "supervisor");
          expect(each.status, at).toBe("up");
          expect(this.world.hosts[thread]?.kernel.members.get(at)?.life, at).toBe(each.life);
          known.add(at);
        }
      }
    }
    for (const { kernel } of this.world.hosts) {
      for (const path of kernel.members.keys()) expect(known).toContain(path);
    }
    expect(POOLS.every((pool) => known.has(pool))).toBe(true);
  }
}

test("200 seeds of losses, crashes and kills", async () => {
  let answered = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const run = new Run(seed);
    run.world.start(tree);
    await run.world.settle();
    for (let i = 0; i < 60; i++) {
      run.act();
      for (let steps = Math.floor(run.random() * 12); steps > 0; steps--) run.world.step();
    }
    await run.world.settle(60_000);
    run.check();
    expect(run.open, `seed ${seed}: calls without an end`).toBe(0);
    expect(run.fenced, `seed ${seed}`).toEqual([]);
    for (const [path, told] of run.told) {
      let now: Answer | null = null;
      run.world.control.request(path, "add", {}, 1e9, (answer) => {
        now = answer;
      });
      await run.world.settle();
      const answer = now as Answer | null;
      expect(answer?.ok && answer.value, `seed ${seed}: ${path}`).toBeGreaterThan(told);
      answered++;
    }
  }
  expect(answered).toBeGreaterThan(500);
});

test("all that one loss of a thread takes is one restart; the next loss is another", async () => {
  const world = new World({ threads: 2, random: seeded(7) });
  world.start(supervisor("s", {}, [dynamic("many", { intensity: 1 }, Counter)]));
  await world.settle();
  for (let i = 0; i < 40; i++) {
    const request = { op: "start_child", id: `c${i}`, args: undefined } as const;
    world.control.call("/s/many", request, 1e9, () => {});
  }
  await world.settle();
  const many = () => world.control.members.get("/s/many") as SupervisorCell;
  const [life, { children }] = [many().life, many().state];
  world.loseThread(1);
  await world.settle();
  expect(many().life).toBe(life);
  expect([...children.values()].filter(({ starts }) => starts === 2).length).toBeGreaterThan(10);
  expect([...children.values()].every(({ status }) => status === "up")).toBe(true);
  world.loseThread(1);
  await world.settle();
  expect(many().life).not.toBe(life);
});
