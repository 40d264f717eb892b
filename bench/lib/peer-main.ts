/**
 * Owns: the process of one JavaScript peer with one program loaded: a line "N" in, one line of JSON
 * out, until stdin ends. Does not own: what is run (bench/<peer>/<program>.ts).
 *
 *     node --conditions=coppice-source bench/lib/peer-main.ts PEER PROGRAM
 */
import { createInterface } from "node:readline";
import type { Outcome } from "./outcome.ts";

export type Run = (n: number) => Outcome | Promise<Outcome>;

async function load(peer: string, program: string): Promise<Run> {
  if (peer === "coppice") {
    const { launch } = await import("../coppice/launch.ts");
    return launch(program);
  }
  const { run } = (await import(`../${peer}/${program}.ts`)) as { run: Run };
  return run;
}

async function main([peer = "", program = ""]: string[]): Promise<void> {
  const say = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);
  const run = await load(peer, program);
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) say(await run(Number(line)));
  process.exit(0);
}

// The parent ends this process by closing its stdin: a Ctrl-C is the parent's business.
process.on("SIGINT", () => {});
await main(process.argv.slice(2));
