/**
 * Owns: the process of a node with sleepers: starts, wakes one, says what it cost; then waits for its
 * end, or speaks to all in turn. It ends with its stdin.
 *
 *     node --expose-gc --conditions=coppice-source bench/sleepers/node.ts FOLDER COUNT rest|speak
 */
import { setTimeout as pause } from "node:timers/promises";
import { type System, start } from "coppice";
import { sleeper } from "./app.ts";

/** Who is asked first: neither the first nor the last of them. */
export const ASKED = 7;
/** Messages on their way at a time. */
const SIDE_BY_SIDE = 8;
/** So many are stored before the node is worth killing. */
const ENOUGH = 500;

const say = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** Speaks to all but the one who is asked first, whose count is known. */
async function speak(system: System, count: number, first: number): Promise<void> {
  for (let n = first; ; n += SIDE_BY_SIDE) {
    const index = (n * 37) % count;
    if (index !== ASKED) await system.tell(sleeper(index), "add", {}, { stored: true });
    if (n === ENOUGH) say({ spoken: n });
  }
}

async function main([folder = "", count = "", then = ""]: string[]): Promise<void> {
  const beganAt = performance.now();
  const app = new URL("./app.ts", import.meta.url);
  const system = await start(app, { data: folder, threads: 1, inspect: false, log: "error" });
  const counted = await system.ask(sleeper(ASKED), "next", {}, { timeout: "2m" });
  const startMs = performance.now() - beganAt;
  say({ counted, startMs });
  if (then === "speak") {
    const voices = Array.from({ length: SIDE_BY_SIDE }, (_, n) => speak(system, Number(count), n));
    return void (await Promise.all(voices));
  }
  await pause(500); // what goes on behind the first message ends
  globalThis.gc?.();
  say({ rss: process.memoryUsage.rss() });
}

if (import.meta.main) {
  process.stdin.on("end", () => process.exit()).resume();
  await main(process.argv.slice(2));
}
