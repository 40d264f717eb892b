/** Owns: big on the hand-written mailbox. */
import { nextRandom } from "../lib/random.ts";
import { BIG } from "../lib/sizes.ts";
import { Actor, measured, send } from "./runtime.ts";

type Message = { type: "begin"; pings: number } | { type: "ping"; from: number } | { type: "pong" };

export const run = (n: number) => {
  const peers: Actor<Message>[] = [];
  const begin = (done: () => void) => {
    for (let index = 0; index < BIG; index++) peers.push(peer(peers, index, done));
    for (const each of peers) send(each, { type: "begin", pings: Math.ceil(n / 2 / BIG) });
  };
  return measured(n, begin, BIG);
};

function peer(peers: readonly Actor<Message>[], index: number, done: () => void): Actor<Message> {
  let left = 0;
  let seed = index + 1;
  const ping = () => {
    seed = nextRandom(seed);
    send(peers[seed % BIG]!, { type: "ping", from: index });
  };
  return new Actor((message) => {
    switch (message.type) {
      case "begin":
        left = message.pings;
        return ping();
      case "ping":
        return send(peers[message.from]!, { type: "pong" });
      case "pong":
        if (--left > 0) ping();
        else done();
    }
  });
}
