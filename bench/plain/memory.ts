/** Owns: what an idle actor costs a JavaScript peer: heap, never used and used once. */
import { memoryFigures } from "../lib/heap.ts";
import type { Program, Ref } from "./program.ts";

export const run: Program = async ({ spawn, send, stop }, n) => {
  const actors: Ref[] = [];
  let touched = 0;
  let all = Promise.withResolvers<void>();
  const make = () => {
    for (let i = 0; i < n; i++) {
      let state = { touched: 0 };
      const receive = () => {
        state = { touched: state.touched + 1 };
        if (++touched === n) all.resolve();
      };
      actors.push(spawn(receive));
    }
  };
  const touch = () => {
    for (const each of actors) send(each, { type: "touch" });
    return all.promise;
  };
  const figures = await memoryFigures(n, make, touch);
  for (const each of actors) stop(each);
  all = Promise.withResolvers();
  return { n, ...figures };
};
