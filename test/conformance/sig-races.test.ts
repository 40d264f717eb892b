// Erlang's monitor suites, the cases that are races: many seeds on three threads.
import { describe, expect, test } from "vitest";
import type { AnyContext } from "../../src/actor/context.ts";
import { seeded } from "../../src/sim/random.ts";
import { type Bench, races } from "./harness.ts";

const post = (t: Bench, id: string, body: (ctx: AnyContext) => unknown) =>
  t.world.send(t.world.control.mail(t.path(id), "run", body, "", 0));

const TEMPORARY = { restart: "temporary" } as const;

describe("monitors", () => {
  test("SIG-020 case_1: the one that watches dies while the watched one ends it", () =>
    races(200, async (t, seed) => {
      await t.sup({}, [t.w("a", TEMPORARY), t.w("b", TEMPORARY)]);
      const order: ((ctx: AnyContext) => unknown)[] = [
        (ctx) => ctx.watch(t.ref("b")),
        (ctx) => ctx.link(t.ref("b")),
      ];
      if (seed % 2 === 0) order.reverse();
      for (const each of order) post(t, "a", (ctx) => void each(ctx));
      post(t, "b", (ctx) => ctx.exit({ tag: "error", name: "Test", message: "ends a" }));
      if (seed % 3 === 0) t.world.send({ kind: "kill", to: "/s/a", life: 0, by: "operator" });
      await t.settle();
      expect([t.alive("a"), t.alive("b"), t.alive("s")]).toEqual([false, false, true]);
      expect(t.notices.filter((each) => each.startsWith("a down")).length).toBeLessThan(2);
      expect(t.world.hosts.map(({ kernel }) => kernel.timers.size)).toEqual([0, 0, 0]);
    }));

  /** `n` actors tie themselves to each other at random while some are killed. */
  const mix = async (t: Bench, seed: number, n: number) => {
    const random = seeded(seed * 7_919);
    const ids = Array.from({ length: n }, (_, i) => `p${i}`);
    // A third of them trap exits, so that not all die of the first kill.
    const specs = ids.map((id, i) => t.w(id, { ...TEMPORARY, exit: i % 3 !== 0 }));
    await t.sup({}, specs);
    const pick = () => ids[Math.floor(random() * n)] as string;
    const watches = new Map<string, number>();
    for (let i = 0; i < n * 4; i++) {
      const [from, to] = [pick(), pick()];
      if (from === to) continue;
      const dice = random();
      if (dice < 0.6) {
        post(t, from, (ctx) => {
          const { id } = ctx.watch(t.ref(to));
          watches.set(`${from} ${to} ${id}`, id);
        });
      } else if (dice < 0.8) {
        post(t, from, (ctx) => void ctx.link(t.ref(to)));
      } else if (dice < 0.9) {
        post(t, from, (ctx) => ctx.link(t.ref(to)).unlink());
      } else {
        t.world.send({ kind: "kill", to: t.path(to), life: 0, by: "operator" });
      }
      for (let steps = Math.floor(random() * 6); steps > 0; steps--) t.world.step();
    }
    await t.settle();
    return { ids, watches: [...watches.keys()].map((key) => key.split(" ")) };
  };

  /** Every watch of a living one on a dead one fired once; no other did. */
  const check = (t: Bench, ids: string[], watches: string[][]) => {
    for (const from of ids.filter((id) => t.alive(id))) {
      for (const to of ids) {
        const made = watches.filter((each) => each[0] === from && each[1] === to).length;
        const fired = t.notices.filter((each) => each.startsWith(`${from} down /s/${to} `)).length;
        expect(`${from} ${to} ${fired}`).toBe(`${from} ${to} ${t.alive(to) ? 0 : made}`);
      }
    }
    for (const to of ids) expect(t.downs(to).length).toBe(t.alive(to) ? 0 : 1);
  };

  test("SIG-024 mixer: every watch gets exactly one down", () =>
    races(200, async (t, seed) => {
      const { ids, watches } = await mix(t, seed, 20);
      check(t, ids, watches);
    }));

  test("SIG-024 mixer: the same among a hundred", () =>
    races(10, async (t, seed) => {
      const { ids, watches } = await mix(t, seed + 500, 100);
      expect(watches.length).toBeGreaterThan(50);
      check(t, ids, watches);
    }));
});
