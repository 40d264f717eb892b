/** Owns: count: n messages from one handler to one actor, then the sum. */
import { measured, type Program } from "./program.ts";

interface Message {
  readonly type: "add" | "report";
  readonly by: number;
}
interface Produce {
  readonly type: "produce";
  readonly messages: number;
}

export const run: Program = ({ spawn, send }, n) =>
  measured(n, (done) => {
    let state = { sum: 0 };
    const counter = spawn<Message>(({ type, by }) => {
      if (type === "add") state = { sum: state.sum + by };
      else if (state.sum === by) done();
      else throw new Error(`counted ${state.sum} of ${by} messages`);
    });
    const producer = spawn<Produce>(({ messages }) => {
      for (let i = 0; i < messages; i++) send(counter, { type: "add", by: 1 } as Message);
      send(counter, { type: "report", by: messages } as Message);
    });
    send(producer, { type: "produce", messages: n } as Produce);
  });
