/** Many aborts in one thread's life: the thread stays, its neighbours lose nothing, memory is flat. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dynamicRef, ref, start } from "coppice";
import type { KernelEvent } from "../../src/kernel/events.ts";
import { Neighbour, Villain } from "../node/fixtures/hangs.ts";

/** What came of it. Times are in milliseconds. */
export interface AbortsReport {
  aborts: number;
  /** Reasons other than `aborted`, if any. */
  others: string[];
  threadsLost: number;
  neighboursWrong: number;
  /** From the message that hangs to the answer of the actor's next life; 5 of it are its slice. */
  p50Ms: number;
  p99Ms: number;
  /** Memory of the process at a quarter of the way and at the end. */
  rssEarlyMb: number;
  rssLateMb: number;
}

const WAYS = ["loop", "loop behind an await", "regular expression", "loop in nextTick"];
const NEIGHBOURS = 20;

const rssMb = () => Math.round(process.memoryUsage.rss() / 2 ** 20);

export async function aborts(count: number): Promise<AbortsReport> {
  const data = mkdtempSync(join(tmpdir(), "coppice-soak-"));
  const quick = ref("/hangs/quick", Villain);
  const others: string[] = [];
  let [ended, threadsLost] = [0, 0];
  let wake = () => {};
  const onEvent = (event: KernelEvent) => {
    if (event.type === "thread_lost") threadsLost++;
    if (event.type !== "exited" || event.path !== quick.path) return;
    if (event.reason.tag === "aborted") ended++;
    else if (event.reason.tag !== "shutdown") others.push(event.reason.tag);
    wake();
  };
  const app = new URL("../node/fixtures/hangs.ts", import.meta.url);
  const system = await start(app, { threads: 1, data, log: "silent", inspect: false, onEvent });
  const plain = dynamicRef("/hangs/plain", Neighbour);
  const neighbours = await Promise.all(
    Array.from({ length: NEIGHBOURS }, (_, i) =>
      system.start(plain, { id: `n${i}`, args: undefined }),
    ),
  );
  const times: number[] = [];
  let rssEarlyMb = 0;
  for (let done = 0; done < count; done++) {
    const began = performance.now();
    const over = new Promise<void>((resolve) => {
      wake = resolve;
    });
    system.tell(quick, "hang", { how: WAYS[done % WAYS.length] as string });
    for (const each of neighbours) system.tell(each, "add", {});
    await over;
    while ((await system.ask(quick, "awake", {}).catch(() => 0)) === 0);
    times.push(performance.now() - began);
    if (done === Math.floor(count / 4)) rssEarlyMb = rssMb();
  }
  const counts = await Promise.all(neighbours.map((each) => system.ask(each, "count", {})));
  const rssLateMb = rssMb();
  await system.stop();
  rmSync(data, { recursive: true, force: true });
  times.sort((a, b) => a - b);
  const at = (part: number) => Math.round(times[Math.floor(count * part)] ?? 0);
  const neighboursWrong = counts.filter((each) => each !== count).length;
  const sums = { aborts: ended, others, threadsLost, neighboursWrong };
  return { ...sums, p50Ms: at(0.5), p99Ms: at(0.99), rssEarlyMb, rssLateMb };
}
