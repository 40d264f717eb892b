/**
 * Owns: starting the app module of a program on the real runtime, and asking its driver to run.
 * Does not own: the driver (driver.ts), the program.
 */
import { start } from "coppice";
import { programOf } from "../lib/catalogue.ts";
import type { Run } from "../lib/peer-main.ts";
import { DRIVER } from "./driver.ts";

/** Starts `bench/coppice/<program>.ts`. Messages are frozen unless NODE_ENV is "production". */
export async function launch(program: string): Promise<Run> {
  const system = await start(new URL(`./${program}.ts`, import.meta.url), {
    threads: programOf(program).threads ?? 1,
    inspect: false,
    log: "error",
  });
  // A program that ends while it is measured has no result: better no answer than a wrong one.
  void system.ended.then((reason) => {
    process.stderr.write(`the app of ${program} ended: ${JSON.stringify(reason)}\n`);
    process.exit(1);
  });
  return (n) => system.ask(DRIVER, "go", { n }, { timeout: "10m" });
}
