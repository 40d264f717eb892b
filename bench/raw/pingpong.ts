/** Owns: pingpong on the hand-written mailbox. */
import { Actor, measured, send } from "./runtime.ts";

interface Ball {
  readonly left: number;
}

export const run = (n: number) =>
  measured(n, (done) => {
    const player = (other: () => Actor<Ball>) =>
      new Actor<Ball>(({ left }) => {
        if (left > 0) send(other(), { left: left - 1 });
        else done();
      });
    const ping: Actor<Ball> = player(() => pong);
    const pong: Actor<Ball> = player(() => ping);
    send(ping, { left: n - 1 });
  });
