/** Owns: the programs' runtime on nact: every actor is a child of the system. */
import { dispatch, type Ref as NactRef, spawn, start, stop } from "nact";
import type { Runtime, Typed } from "../plain/program.ts";

const system = start();
/** The names nact makes up are random, and two of many are the same. */
let actors = 0;

export const runtime: Runtime = {
  spawn: (receive) => {
    const handle = (state: null, message: Typed, ctx: { self: NactRef<Typed> }) => {
      receive(message as never, ctx.self);
      return state;
    };
    return spawn(system, handle, `actor-${++actors}`);
  },
  send: (to, message) => dispatch(to as NactRef<Typed>, message),
  stop: (actor) => stop(actor as NactRef<Typed>),
};
