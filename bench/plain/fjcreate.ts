/** Owns: fjcreate: n times: a new actor, one message to it, it says `done` and ends. */
import { measured, type Program } from "./program.ts";

export const run: Program = ({ spawn, send, stop }, n) =>
  measured(
    n,
    (done) => {
      const driver = spawn<{ type: "done" }>(done);
      for (let i = 0; i < n; i++) {
        const receive = (_: { type: "work" }, self: object) => {
          send(driver, { type: "done" });
          stop(self);
        };
        send(spawn(receive), { type: "work" });
      }
    },
    n,
  );
