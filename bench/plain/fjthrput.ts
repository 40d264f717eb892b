/** Owns: fjthrput: n messages dealt out to 60 actors in one go. */
import { FORK } from "../lib/sizes.ts";
import { measured, type Program } from "./program.ts";

interface Work {
  readonly type: "work";
  readonly last: boolean;
}

export const run: Program = ({ spawn, send }, n) => {
  const begin = (done: () => void) => {
    const actors = Array.from({ length: FORK }, () => {
      let state = { handled: 0 };
      return spawn<Work>(({ last }) => {
        state = { handled: last ? 0 : state.handled + 1 };
        if (last) done();
      });
    });
    const rounds = Math.ceil(n / FORK);
    for (let round = 1; round <= rounds; round++) {
      for (const actor of actors) send(actor, { type: "work", last: round === rounds } as Work);
    }
  };
  return measured(n, begin, FORK);
};
