/** Owns: the programs' runtime on nact: every actor is a child of the system. */
import { dispatch, type Ref as NactRef, spawn, start, stop } from "nact";
import type { Runtime, Typed } from "../plain/program.ts";

const system = start();

export const runtime: Runtime = {
  spawn: (receive) =>
    spawn(system, (state: null, message: Typed, ctx) => {
      receive(message as never, ctx.self);
      return state;
    }),
  send: (to, message) => dispatch(to as NactRef<Typed>, message),
  stop: (actor) => stop(actor as NactRef<Typed>),
};
