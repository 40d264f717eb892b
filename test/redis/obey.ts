// The other end of node-process.ts, in the process with the node: commands come as lines of JSON on
// stdin, answers go out as lines on stdout.

import { createInterface } from "node:readline";
import type { System } from "coppice";

/** @param timeout of what is asked, in ms */
interface Line<C> {
  readonly id: number;
  readonly command: C;
  readonly timeout: number;
}

/** A line that is no answer: of itself a process says { up }, { event }, { ended } and { failed }. */
export const say = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** Does what it is told until stdin ends or SIGTERM comes; then the node ends, in order. */
export async function obey<C>(
  system: System,
  run: (command: C, timeout: number) => Promise<unknown>,
): Promise<void> {
  process.once("SIGTERM", () => void system.stop().then(() => process.exit(0)));
  say({ up: process.pid });
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, command, timeout } = JSON.parse(line) as Line<C>;
    void run(command, timeout).then(
      (value) => say({ id, value: value ?? null }),
      (thrown: { code?: string; message: string }) =>
        say({ id, error: thrown.code ?? "?", message: thrown.message }),
    );
  }
  await system.stop();
}
