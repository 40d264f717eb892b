// A node with many conversations, for test/node/hibernation.test.ts, which kills it: says "<talk> <n>"
// for each message that is stored.
import { writeSync } from "node:fs";
import { ref, start } from "../../src/index.ts";
import { Talk } from "./fixtures/talks.ts";

const [, , folder = "", talks = ""] = process.argv;
const app = new URL("./fixtures/talks.ts", import.meta.url);
const system = await start(app, { data: folder, inspect: false, threads: 2 });

/** One after the other to one of the talks in turn, far enough apart for it to fall asleep. */
async function speak(first: number, step: number): Promise<void> {
  for (let n = first; ; n += step) {
    const talk = (n * 37) % Number(talks);
    await system.tell(ref(`/s/talks/t${talk}`, Talk), "say", n, { stored: true });
    writeSync(1, `${talk} ${n}\n`);
  }
}
await Promise.all(Array.from({ length: 8 }, (_, nth) => speak(nth, 8)));
