/** Owns: ask on nact, with its own query. */
import { dispatch, query, type Ref, spawn, start } from "nact";
import type { Outcome } from "../plain/program.ts";

type Next = { readonly after: number; readonly from: Ref<number> };

const server = spawn(start(), (_: undefined, { after, from }: Next) => {
  dispatch(from, after + 1);
  return undefined;
});

export async function run(_: unknown, n: number): Promise<Outcome> {
  const beganAt = performance.now();
  let at = 0;
  while (at < n) {
    const after = at;
    at = await query(server, (from: Ref<number>) => ({ after, from }), 5_000);
  }
  return { n, seconds: (performance.now() - beganAt) / 1_000 };
}
