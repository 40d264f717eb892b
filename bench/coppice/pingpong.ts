/**
 * Owns: pingpong on the real runtime: two supervised actors, one message back and forth. For two
 * threads see pingpong2.ts.
 */
import { type App, actor, child, type Ref } from "coppice";
import { z } from "zod";
import { benchApp, DRIVER, driver, refTo } from "./driver.ts";

const messages = { ball: z.object({ left: z.number() }) };
const player = (id: string): Ref<typeof messages> => refTo(`/bench/${id}`, "player");

const Player = actor("player", {
  args: z.object({ other: z.string() }),
  state: z.custom<Ref<typeof messages>>(),
  messages,
  init: ({ other }) => player(other),
  on: {
    ball(other, { left }, ctx) {
      if (left > 0) ctx.tell(other, "ball", { left: left - 1 });
      else ctx.tell(DRIVER, "done", {});
    },
  },
});

/** The driver of a game, and its players. */
export const serving = (ping: string) =>
  driver((ctx, n) => ctx.tell(player(ping), "ball", { left: n - 1 }));
export const players = (ping: string, pong: string) => [
  child(ping, Player, { args: { other: pong } }),
  child(pong, Player, { args: { other: ping } }),
];

export function pingpong(ping: string, pong: string): App {
  return benchApp(serving(ping), players(ping, pong));
}

export default pingpong("ping", "pong");
