/**
 * Owns: the process of one JavaScript peer with one program loaded: a line "N" in, one line of JSON
 * out, until stdin ends. Does not own: what is run (bench/<peer>/<program>.ts).
 *
 *     node --conditions=coppice-source bench/lib/peer-main.ts PEER PROGRAM
 */
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Program, Runtime } from "../plain/program.ts";
import { programOf } from "./catalogue.ts";
import type { Outcome } from "./outcome.ts";

export type Run = (n: number) => Outcome | Promise<Outcome>;

async function load(peer: string, program: string): Promise<Run> {
  const { module } = programOf(program);
  if (module !== undefined) return ((await import(`../${module}`)) as { run: Run }).run;
  if (peer === "coppice" || peer === "coppice-bare") {
    const { launch } = await import("../coppice/launch.ts");
    return launch(program, peer === "coppice" ? program : `${program}-bare`);
  }
  // A peer's own program, where it has one; else the one written for all of them.
  const own = new URL(`../${peer}/${program}.ts`, import.meta.url);
  const file = existsSync(own) ? own : new URL(`../plain/${program}.ts`, import.meta.url);
  const { run } = (await import(file.href)) as { run: Program };
  const shared = new URL(`../${peer}/runtime.ts`, import.meta.url);
  if (!existsSync(shared)) return (n) => run({} as Runtime, n);
  const { runtime } = (await import(shared.href)) as { runtime: Runtime };
  return (n) => run(runtime, n);
}

async function main([peer = "", program = ""]: string[]): Promise<void> {
  // Stdout is for answers: what libraries want to say goes elsewhere.
  console.log = console.info = console.debug = console.error;
  const say = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);
  const run = await load(peer, program);
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) say(await run(Number(line)));
  process.exit(0);
}

// The parent ends this process by closing its stdin: a Ctrl-C is the parent's business.
process.on("SIGINT", () => {});
await main(process.argv.slice(2));
