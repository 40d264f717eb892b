/** Owns: the two-thread programs without actors: what postMessage alone gives. */
import { Worker } from "node:worker_threads";
import type { Outcome } from "../plain/program.ts";

interface Message {
  readonly left: number;
}
const far = new URL("./second-thread.ts", import.meta.url);
const open = (answers: "each" | "last") => new Worker(far, { workerData: answers });

/** One message back and forth; `sample` is told each round trip. @unit ms */
export function roundTrips(sample: (index: number, ms: number) => void = () => {}) {
  const worker = open("each");
  return (n: number): Promise<Outcome> =>
    new Promise((resolve) => {
      const beganAt = performance.now();
      let [sentAt, index] = [beganAt, 0];
      const send = (left: number) => worker.postMessage({ left });
      const heard = ({ left }: Message) => {
        const now = performance.now();
        sample(index++, now - sentAt);
        sentAt = now;
        if (left > 0) return send(left - 1);
        worker.off("message", heard);
        resolve({ n, seconds: (now - beganAt) / 1_000 });
      };
      worker.on("message", heard);
      send(n - 1);
    });
}

/** One way, an array of so many messages at a time: what batching by hand gives. */
const BATCH = 256;

export function oneWay(make: (left: number) => Message) {
  const worker = open("last");
  return (n: number): Promise<Outcome> =>
    new Promise((resolve) => {
      const beganAt = performance.now();
      const finish = () => resolve({ n, seconds: (performance.now() - beganAt) / 1_000 });
      worker.once("message", finish);
      for (let left = n - 1; left >= 0; ) {
        const batch: Message[] = [];
        for (; left >= 0 && batch.length < BATCH; left--) batch.push(make(left));
        worker.postMessage(batch);
      }
    });
}
