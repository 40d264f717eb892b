/**
 * Owns: one node's process with sleepers, from outside: its start, its lines, its violent end.
 * Does not own: what it does (node.ts).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { firstCount, sleepersOf } from "./made.ts";
import { ASKED } from "./node.ts";

const MAIN = join(import.meta.dirname, "node.ts");
const FLAGS = ["--expose-gc", "--conditions=coppice-source"];

const first = z.object({ counted: z.number(), startMs: z.number() });
export const resting = z.object({ rss: z.number() });
export const speaking = z.object({ spoken: z.number() });

/** How often the one who is asked first has counted, in each store. */
const counted = new Map<number, number>();

/** A node with so many sleepers, one of whom has handled a message. */
export interface Running {
  /** From start() to the answer to the first message. */
  readonly startMs: number;
  /** What it says next. */
  hear<T>(what: z.ZodType<T>): Promise<T>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** @throws when the first answer is not the next number of what is stored */
export async function nodeOf(count: number, then: "rest" | "speak"): Promise<Running> {
  const folder = sleepersOf(count);
  const args = [...FLAGS, MAIN, folder, `${count}`, then];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const hear = async <T>(what: z.ZodType<T>): Promise<T> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`a node with ${count} sleepers ended: ${await ended}`);
    return what.parse(JSON.parse(value));
  };
  const answer = await hear(first);
  const expected = (counted.get(count) ?? firstCount(ASKED)) + 1;
  counted.set(count, expected);
  if (answer.counted !== expected) {
    child.kill("SIGKILL");
    throw new Error(`a sleeper of ${count} counted ${answer.counted}, not ${expected}`);
  }
  return {
    startMs: answer.startMs,
    hear,
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
