/**
 * Owns: starting the app module of a program on the real runtime, and asking its driver to run.
 * Does not own: the driver (driver.ts), the program.
 */
import { formatReason, isClean, start } from "coppice";
import { programOf } from "../lib/catalogue.ts";
import type { Run } from "../lib/peer-main.ts";
import { DRIVER } from "./driver.ts";

/**
 * An actor or a program that ends while it is measured leaves no result: better no answer than a
 * wrong one, and than a run that waits for ever.
 */
function failed(what: string): never {
  process.stderr.write(`${what}\n`);
  process.exit(1);
}

/** Starts `bench/coppice/<file>.ts`. Messages are frozen unless NODE_ENV is "production". */
export async function launch(program: string, file = program): Promise<Run> {
  const { threads = 1, crashes = false } = programOf(program);
  const system = await start(new URL(`./${file}.ts`, import.meta.url), {
    threads,
    inspect: false,
    log: "error",
    onEvent: (event) => {
      if (event.type === "thread_lost")
        failed(`${program}: thread ${event.lost} was lost: ${event.why}`);
      if (crashes || event.type !== "exited" || isClean(event.reason)) return;
      failed(`${program}: ${event.path} exited: ${formatReason(event.reason)}`);
    },
  });
  void system.ended.then((reason) => failed(`${program} ended: ${formatReason(reason)}`));
  return (n) => system.ask(DRIVER, "go", { n }, { timeout: "10m" });
}
