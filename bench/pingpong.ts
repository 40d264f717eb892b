/**
 * Two actors of one kernel send each other a message, back and forth: what one hop costs on one
 * thread, without a node around it. A first figure; the bench with peers comes with its own issue.
 *
 * Prints one JSON line: { bench, peer, n, seconds, opsPerS }, the median of five runs.
 * Run it with: node --conditions=coppice-source bench/pingpong.ts
 */
import { z } from "zod";
import { actor } from "../src/actor/actor.ts";
import { child, supervisor } from "../src/actor/spec.ts";
import { World } from "../src/sim/world.ts";

const HOPS = 500_000;
const RUNS = 5;

const Player = actor("player", {
  args: z.object({ other: z.string() }),
  state: z.object({ other: z.string() }),
  messages: { ball: z.object({ left: z.number() }) },
  init: (args) => args,
  on: {
    ball: ({ other }, { left }, ctx) => {
      if (left > 0)
        ctx.tell(
          { path: other, behaviour: "player" },
          "ball" as never,
          { left: left - 1 } as never,
        );
    },
  },
});

function run(): number {
  const world = new World({ threads: 0, random: () => 0, ordered: true });
  const player = (id: string, other: string) =>
    child(id, Player, { args: { other: `/game/${other}` } });
  world.start(supervisor("game", {}, [player("ping", "pong"), player("pong", "ping")]));
  world.settleSync();
  const began = performance.now();
  world.send(world.control.mail("/game/ping", "ball", { left: HOPS }, "", 0));
  while (world.control.runTurn());
  return (performance.now() - began) / 1_000;
}

const seconds = Array.from({ length: RUNS }, run).sort((a, b) => a - b)[RUNS >> 1] as number;
const opsPerS = Math.round(HOPS / seconds);
console.log(JSON.stringify({ bench: "pingpong", peer: "coppice", n: HOPS, seconds, opsPerS }));
