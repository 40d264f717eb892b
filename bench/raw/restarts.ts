/** Owns: restarts by hand: a handler that throws gets a new state, nothing else. */
import { measured, type Program, type Typed } from "../plain/program.ts";

/** @param crash throws */
export const restarts =
  (crash: (life: number) => never): Program =>
  ({ spawn, send }, n) =>
    measured(n, (done) => {
      const crasher = spawn(() => {
        let state = init();
        try {
          crash(state.life);
        } catch {
          state = init();
        }
      });
      let lives = 0;
      const init = () => {
        const state = { life: ++lives };
        send(observer, { type: "running" });
        return state;
      };
      let left = n;
      const observer = spawn(() => {
        if (left-- > 0) send(crasher, { type: "crash" } as Typed);
        else done();
      });
      send(observer, { type: "running" });
    });
