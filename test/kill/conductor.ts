/** Kills the ledger's processes again and again, and finds out what that has cost: nothing, or what. */
import { Alone } from "./alone.ts";
import { type KillOptions, type KillReport, Stage } from "./stage.ts";
import { Together } from "./together.ts";

/** Kills the ledger as often as asked. @throws Error when a process does not do its part */
export async function killOften(options: KillOptions): Promise<KillReport> {
  const stage = new Stage(options);
  // Who interrupts it wants nothing kept; a process that did not do its part is to be looked at.
  let isFlawed = true;
  try {
    await stage.open();
    await ((options.nodes ?? 1) > 1 ? new Together(stage) : new Alone(stage)).run();
    const report = await stage.report();
    isFlawed = !isFlawless(report);
    return report;
  } finally {
    await stage.close(isFlawed && !(options.signal.aborted && stage.faults.length === 0));
  }
}

/** Has nothing been lost, doubled or otherwise gone wrong, and was each point reached? */
export function isFlawless({ lost, doubled, faults, missed }: KillReport): boolean {
  return lost + doubled + faults.length + missed.length === 0;
}
