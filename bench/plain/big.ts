/** Owns: big: 120 actors that ping each other at random. */
import { nextRandom } from "../lib/random.ts";
import { BIG } from "../lib/sizes.ts";
import { measured, type Program, type Ref, type Runtime } from "./program.ts";

type Message =
  | { readonly type: "begin"; readonly pings: number }
  | { readonly type: "ping"; readonly from: number }
  | { readonly type: "pong" };

export const run: Program = (runtime, n) => {
  const begin = (done: () => void) => {
    const peers: Ref[] = [];
    for (let index = 0; index < BIG; index++) peers.push(peer(runtime, peers, index, done));
    const pings = Math.ceil(n / 2 / BIG);
    for (const each of peers) runtime.send(each, { type: "begin", pings } as Message);
  };
  return measured(n, begin, BIG);
};

function peer({ spawn, send }: Runtime, peers: readonly Ref[], index: number, done: () => void) {
  let left = 0;
  let seed = index + 1;
  const ping = () => {
    seed = nextRandom(seed);
    send(peers[seed % BIG]!, { type: "ping", from: index } as Message);
  };
  return spawn<Message>((message) => {
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
