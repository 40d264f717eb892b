/** Owns: pingpong: two actors, one message back and forth. */
import { measured, type Program, type Ref } from "./program.ts";

interface Ball {
  readonly type: "ball";
  readonly left: number;
}

export const run: Program = ({ spawn, send }, n) =>
  measured(n, (done) => {
    const player = (other: () => Ref) =>
      spawn<Ball>(({ left }) => {
        if (left > 0) send(other(), { type: "ball", left: left - 1 } as Ball);
        else done();
      });
    const ping: Ref = player(() => pong);
    const pong: Ref = player(() => ping);
    send(ping, { type: "ball", left: n - 1 } as Ball);
  });
