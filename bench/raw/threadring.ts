/** Owns: threadring on the hand-written mailbox. */
import { RING } from "../lib/sizes.ts";
import { Actor, measured, send } from "./runtime.ts";

interface Token {
  readonly left: number;
}

export const run = (n: number) =>
  measured(n, (done) => {
    const ring: Actor<Token>[] = [];
    for (let index = 0; index < RING; index++) {
      const next = (index + 1) % RING;
      const receive = ({ left }: Token) => {
        if (left > 0) send(ring[next]!, { left: left - 1 });
        else done();
      };
      ring.push(new Actor(receive));
    }
    send(ring[0]!, { left: n - 1 });
  });
