/** Owns: chameneos: 100 actors meet in pairs in a mall, n times, and change their colours. */
import { CHAMENEOS } from "../lib/sizes.ts";
import { measured, type Program, type Ref, type Runtime } from "./program.ts";

interface Meet {
  readonly type: "meet";
  readonly from: Ref;
  readonly colour: number;
}
type Message =
  | Meet
  | { readonly type: "begin" }
  | { readonly type: "change"; readonly colour: number }
  | { readonly type: "stop" };

export const run: Program = (runtime, n) => {
  const begin = (done: () => void) => {
    const mall = open(runtime, n);
    for (let index = 0; index < CHAMENEOS; index++) {
      runtime.send(chameneo(runtime, mall, index % 3, done), { type: "begin" });
    }
  };
  return measured(n, begin, CHAMENEOS);
};

function open({ spawn, send }: Runtime, n: number): Ref {
  let waiting: Ref | null = null;
  let left = n;
  return spawn<Meet>(({ from, colour }) => {
    if (left === 0) return send(from, { type: "stop" });
    if (waiting === null) {
      waiting = from;
      return;
    }
    left--;
    send(waiting, { type: "meet", from, colour } as Meet);
    waiting = null;
  });
}

function chameneo({ spawn, send }: Runtime, mall: Ref, first: number, done: () => void): Ref {
  let colour = first;
  return spawn<Message>((message, self) => {
    switch (message.type) {
      case "meet":
        colour = complement(colour, message.colour);
        send(message.from, { type: "change", colour } as Message);
        break;
      case "change":
        colour = message.colour;
        break;
      case "stop":
        return done();
    }
    send(mall, { type: "meet", from: self, colour } as Meet);
  });
}

/** Two of one colour keep it; two of different colours take the third. */
export function complement(mine: number, other: number): number {
  return mine === other ? mine : 3 - mine - other;
}
