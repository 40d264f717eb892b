/** Owns: bang: 50 senders, each n/50 messages in one go, to one receiver. */
import { SENDERS } from "../lib/sizes.ts";
import { measured, type Program } from "./program.ts";

interface Hit {
  readonly type: "hit";
  readonly from: number;
}

export const run: Program = ({ spawn, send }, n) =>
  measured(n, (done) => {
    const each = Math.ceil(n / SENDERS);
    let state = { left: each * SENDERS };
    const receiver = spawn<Hit>(() => {
      state = { left: state.left - 1 };
      if (state.left === 0) done();
    });
    for (let from = 0; from < SENDERS; from++) {
      const sender = spawn<{ type: "begin" }>(() => {
        for (let i = 0; i < each; i++) send(receiver, { type: "hit", from } as Hit);
      });
      send(sender, { type: "begin" });
    }
  });
