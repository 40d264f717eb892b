/** Owns: restarts on nact: a handler throws, the crash policy resets the actor. */
import { dispatch, type Ref, spawn, start } from "nact";
import { measured } from "../plain/program.ts";

type Message = { readonly type: "crash" | "running" };

const system = start();

export const run = (_: unknown, n: number) =>
  measured(n, (done) => {
    let left = n;
    const observer: Ref<Message> = spawn(system, (state: null, _message: Message) => {
      if (left-- > 0) dispatch(crasher, { type: "crash" });
      else done();
      return state;
    });
    const crasher: Ref<Message> = spawn(
      system,
      (_state: { life: number }, _message: Message): { life: number } => {
        throw new Error("crash");
      },
      undefined,
      {
        initialStateFunc: () => {
          dispatch(observer, { type: "running" });
          return { life: 1 };
        },
        onCrash: (_message, _error, ctx) => ctx.reset,
      },
    );
  });
