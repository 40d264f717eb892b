/**
 * Owns: what single parts of the runtime cost, on one thread without a node: figures to find out
 * where a message's time goes, in nanoseconds each. Does not own: programs of actors (bench/coppice/).
 */
import { actor, child, ref, supervisor } from "coppice";
import { Bench } from "tinybench";
import { z } from "zod";
import { fromThrown } from "../src/actor/exit.ts";
import { freeze } from "../src/kernel/freeze.ts";
import { Places } from "../src/kernel/placement.ts";
import { World } from "../src/sim/world.ts";
import { payload, payloadOf } from "./lib/payload.ts";

/** Messages of one iteration of `tell`, and calls of any other part: one would measure the clock. */
const HOPS = 1_000;
const CALLS = 100;

/** What the parts made last: without it the compiler could leave them out. */
let last: unknown;
const repeated = (call: () => unknown) => () => {
  for (let i = 0; i < CALLS; i++) last = call();
};

const messages = { ball: z.object({ left: z.number() }) };
const Player = actor("player", {
  args: z.object({ other: z.string() }),
  state: z.custom<{ path: string; behaviour: string }>(),
  messages,
  init: ({ other }) => ({ path: `/game/${other}`, behaviour: "player" }),
  on: {
    ball(other, { left }, ctx) {
      if (left > 0) ctx.tell(other, "ball" as never, { left: left - 1 } as never);
    },
  },
});

/** Two actors on a kernel without threads; each call makes {@link HOPS} hops. */
function hops(): () => void {
  const world = new World({ threads: 0, random: () => 0, ordered: true });
  const player = (id: string, other: string) => child(id, Player, { args: { other } });
  world.start(supervisor("game", {}, [player("ping", "pong"), player("pong", "ping")]));
  world.settleSync();
  return () => {
    world.send(world.control.mail("/game/ping", "ball", { left: HOPS - 1 }, "", 0));
    while (world.control.runTurn());
  };
}

function parts(): Record<string, () => unknown> {
  const error = new Error("boom");
  const message = payloadOf(1);
  const places = new Places(null, 4);
  return {
    refNs: () => ref("/game/ping", Player),
    threadOfNs: () => places.threadOf("/game/some/actor-17"),
    checkMessageNs: () => payload.safeParse(message),
    freezeNs: () => freeze(payloadOf(1)),
    childSpecNs: () => child("ping", Player, { args: { other: "pong" } }),
    fromThrownNs: () => fromThrown(error),
  };
}

/** @param n how long each part is measured. @unit ms */
export async function run(n: number) {
  const beganAt = performance.now();
  const figures: Record<string, number> = {};
  const bench = new Bench({ time: n, warmupTime: n / 4 });
  bench.add("tellNs", hops());
  for (const [name, call] of Object.entries(parts())) bench.add(name, repeated(call));
  await bench.run();
  for (const { name, result } of bench.tasks) {
    if (result.state !== "completed") throw new Error(`${name}: ${result.state}`);
    figures[name] = (result.latency.p50 * 1e6) / (name === "tellNs" ? HOPS : CALLS);
  }
  if (last === undefined) throw new Error("no part made anything");
  return { n: bench.tasks.length, seconds: (performance.now() - beganAt) / 1_000, ...figures };
}
