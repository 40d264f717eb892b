/** Owns: ask on the hand-written mailbox: the answer is a message that settles a promise. */
import { Actor, type Outcome, send } from "./runtime.ts";

interface Next {
  readonly after: number;
  readonly from: Actor<Answer>;
  readonly ask: number;
}
interface Answer {
  readonly ask: number;
  readonly value: number;
}

const server = new Actor<Next>(({ after, from, ask }) => send(from, { ask, value: after + 1 }));

const waiting = new Map<number, (value: number) => void>();
const asker = new Actor<Answer>(({ ask, value }) => {
  waiting.get(ask)?.(value);
  waiting.delete(ask);
});
let asks = 0;

function next(after: number): Promise<number> {
  return new Promise((resolve) => {
    const ask = ++asks;
    waiting.set(ask, resolve);
    send(server, { after, from: asker, ask });
  });
}

export async function run(n: number): Promise<Outcome> {
  const beganAt = performance.now();
  let at = 0;
  while (at < n) at = await next(at);
  return { n, seconds: (performance.now() - beganAt) / 1_000 };
}
