/** One node at a time: it lives, it dies, the next one goes on. */
import { PATIENCE_MS, sleep } from "./child.ts";
import { type Death, deathOf } from "./moments.ts";
import type { Stage } from "./stage.ts";

/** Longest wait for a crash point. @unit ms */
const POINT_MS = 60_000;
/** All is put to rest and compared after so many kills, and at the end. */
const CHECK_EVERY = 100;

export class Alone {
  readonly #stage: Stage;
  #killedAt: number | null = null;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async run(): Promise<void> {
    const stage = this.#stage;
    const { kills, signal, store } = stage.options;
    while (stage.kills < kills && !signal.aborted) {
      await this.#liveAndDie(deathOf(stage.kills, store, stage.random));
      stage.killed();
      const isLast = stage.kills === kills;
      if (!signal.aborted && (isLast || stage.kills % CHECK_EVERY === 0)) await this.#check();
    }
  }

  #start(point: string | null) {
    const { recoveries, outside } = this.#stage;
    const life = this.#stage.start(point);
    const killedAt = this.#killedAt;
    outside.listen("first", ({ boot }) => {
      if (boot === life.boot && killedAt !== null) recoveries.push(performance.now() - killedAt);
      return boot >= life.boot;
    });
    return life;
  }

  async #liveAndDie(death: Death): Promise<void> {
    const stage = this.#stage;
    const life = this.#start("at" in death ? `${death.at}:${death.count}` : null);
    const { child, boot } = life;
    if ("at" in death) {
      await Promise.race([child.exited, sleep(POINT_MS), stage.aborted]);
      if (!stage.options.signal.aborted) stage.died(life);
    } else {
      if (death.after === "effect") {
        const acted = stage.outside.next("first", (said) => said.boot === boot);
        const heard = acted.catch((error) => {
          if (!stage.options.signal.aborted) stage.faults.push(`boot ${boot}: ${error.message}`);
        });
        await Promise.race([heard, stage.aborted]);
      }
      await Promise.race([sleep(death.ms), child.exited, stage.aborted]);
      if (child.over && !stage.options.signal.aborted)
        stage.faults.push(`boot ${boot} ended by itself`);
    }
    this.#killedAt = performance.now();
    await child.kill();
  }

  /** A life that is not killed. */
  async #check(): Promise<void> {
    const life = this.#start(null);
    await life.child.next("up");
    await this.#stage.check([life]);
    life.child.process.send("end");
    await Promise.race([life.child.exited, sleep(PATIENCE_MS)]);
    this.#killedAt = null;
    await life.child.kill();
  }
}
