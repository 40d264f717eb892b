/** Owns: concdict: 20 actors read and write (one in ten) one dictionary, each after its answer. */
import { nextRandom } from "../lib/random.ts";
import { KEYS, WORKERS, WRITE_EVERY } from "../lib/sizes.ts";
import { measured, type Program, type Ref, type Runtime } from "./program.ts";

type Request =
  | { readonly type: "read"; readonly from: Ref; readonly key: number }
  | { readonly type: "write"; readonly from: Ref; readonly key: number; readonly value: number };
type Answer = { readonly type: "result"; readonly value: number } | { readonly type: "begin" };

export const run: Program = (runtime, n) => {
  const begin = (done: () => void) => {
    const dictionary = open(runtime);
    for (let index = 0; index < WORKERS; index++) {
      const each = Math.ceil(n / WORKERS);
      runtime.send(worker(runtime, dictionary, index, each, done), { type: "begin" });
    }
  };
  return measured(n, begin, WORKERS);
};

function open({ spawn, send }: Runtime): Ref {
  const values = new Map<number, number>();
  return spawn<Request>((request) => {
    if (request.type === "write") values.set(request.key, request.value);
    const value = values.get(request.key) ?? 0;
    send(request.from, { type: "result", value } as Answer);
  });
}

function worker(
  { spawn, send }: Runtime,
  dictionary: Ref,
  index: number,
  requests: number,
  done: () => void,
): Ref {
  let left = requests;
  let seed = index + 1;
  return spawn<Answer>((_, from) => {
    if (left-- === 0) return done();
    seed = nextRandom(seed);
    const key = seed % KEYS;
    if (seed % WRITE_EVERY === 0) {
      send(dictionary, { type: "write", from, key, value: left } as Request);
    } else {
      send(dictionary, { type: "read", from, key } as Request);
    }
  });
}
