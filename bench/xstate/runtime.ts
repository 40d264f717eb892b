/** Owns: the programs' runtime on XState: actors of callback logic, its leanest kind. */
import { type AnyActorRef, createActor, fromCallback } from "xstate";
import type { Runtime } from "../plain/program.ts";

export const runtime: Runtime = {
  spawn: (receive) => {
    const logic = fromCallback(({ receive: listen, self }) => {
      listen((message) => receive(message as never, self));
    });
    return createActor(logic).start();
  },
  send: (to, message) => (to as AnyActorRef).send(message),
  // stop() is for roots, and each of these actors is one.
  stop: (actor) => void (actor as ReturnType<typeof createActor>).stop(),
};
