/** Owns: fib: the doubly recursive function with an actor for each call. */
import { fibCalls, fibOf } from "../lib/sizes.ts";
import { measured, type Program, type Ref, type Runtime } from "./program.ts";

type Message =
  | { readonly type: "run"; readonly k: number }
  | { readonly type: "result"; readonly value: number };

export const run: Program = (runtime, n) => {
  const k = fibOf(n);
  return measured(fibCalls(k), (done) => {
    runtime.send(call(runtime, null, done), { type: "run", k } as Message);
  });
};

function call(runtime: Runtime, parent: Ref | null, done: () => void): Ref {
  const { spawn, send, stop } = runtime;
  let sum = 0;
  let missing = 2;
  const finish = (self: Ref, value: number) => {
    if (parent === null) done();
    else send(parent, { type: "result", value } as Message);
    stop(self);
  };
  return spawn<Message>((message, self) => {
    if (message.type === "result") {
      sum += message.value;
      if (--missing === 0) finish(self, sum);
    } else if (message.k < 2) {
      finish(self, message.k);
    } else {
      send(call(runtime, self, done), { type: "run", k: message.k - 1 } as Message);
      send(call(runtime, self, done), { type: "run", k: message.k - 2 } as Message);
    }
  });
}
