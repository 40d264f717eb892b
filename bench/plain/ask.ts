/** Owns: ask where a peer has no calls: the answer is a message that settles a promise. */
import type { Program, Ref } from "./program.ts";

interface Next {
  readonly type: "next";
  readonly after: number;
  readonly from: Ref;
  readonly ask: number;
}
interface Answer {
  readonly type: "answer";
  readonly ask: number;
  readonly value: number;
}

export const run: Program = async ({ spawn, send }, n) => {
  const server = spawn<Next>(({ after, from, ask }) =>
    send(from, { type: "answer", ask, value: after + 1 } as Answer),
  );
  const waiting = new Map<number, (value: number) => void>();
  const from = spawn<Answer>(({ ask, value }) => {
    waiting.get(ask)?.(value);
    waiting.delete(ask);
  });
  let asks = 0;
  const next = (after: number) =>
    new Promise<number>((resolve) => {
      const ask = ++asks;
      waiting.set(ask, resolve);
      send(server, { type: "next", after, from, ask } as Next);
    });
  const beganAt = performance.now();
  let at = 0;
  while (at < n) at = await next(at);
  return { n, seconds: (performance.now() - beganAt) / 1_000 };
};
