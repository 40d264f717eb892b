/** Owns: threadring: one token around 100 actors. */
import { RING } from "../lib/sizes.ts";
import { measured, type Program, type Ref } from "./program.ts";

interface Token {
  readonly type: "token";
  readonly left: number;
}

export const run: Program = ({ spawn, send }, n) =>
  measured(n, (done) => {
    const ring: Ref[] = [];
    for (let index = 0; index < RING; index++) {
      const next = (index + 1) % RING;
      const receive = ({ left }: Token) => {
        if (left > 0) send(ring[next]!, { type: "token", left: left - 1 } as Token);
        else done();
      };
      ring.push(spawn(receive));
    }
    send(ring[0]!, { type: "token", left: n - 1 } as Token);
  });
