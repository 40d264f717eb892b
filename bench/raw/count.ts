/** Owns: count on the hand-written mailbox. */
import { Actor, measured, send } from "./runtime.ts";

type Message = { type: "add"; by: number } | { type: "report"; by: number };

export const run = (n: number) =>
  measured(n, (done) => {
    let state = { sum: 0 };
    const counter = new Actor<Message>(({ type, by }) => {
      if (type === "add") state = { sum: state.sum + by };
      else if (state.sum === by) done();
      else throw new Error(`counted ${state.sum} of ${by} messages`);
    });
    const producer = new Actor<number>((messages) => {
      for (let i = 0; i < messages; i++) send(counter, { type: "add", by: 1 });
      send(counter, { type: "report", by: messages });
    });
    send(producer, n);
  });
