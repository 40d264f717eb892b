/**
 * Several nodes on one Redis: one after the other is killed, some at crash points, some are stopped
 * for longer than their lease; the others go on, and who was killed is replaced at once.
 */
import { sleep } from "./child.ts";
import { pointAmong } from "./moments.ts";
import type { Life, Stage } from "./stage.ts";

/** Longest wait for a crash point. @unit ms */
const POINT_MS = 60_000;
/** All is put to rest and compared after so many kills, and at the end. */
const CHECK_EVERY = 100;
/** Of so many kills one comes when all is well, and is followed until all is well again. */
const CALM_EVERY = 10;
/** Once in so many kills a node is stopped. */
const STOP_EVERY = 10;
/** At most between two kills. @unit ms */
const PAUSE_MS = 1_600;
/** Nodes are left alone for so long before a kill that is followed. @unit ms */
const CALM_MS = 700;
/** Who is killed and followed has this many agents at least, or has been given this long. @unit ms */
const AGENTS_MIN = 5;
const AGENTS_MS = 30_000;
/** How many of those that start die by themselves. */
const AT_POINTS = 0.4;

interface Slot {
  life: Life;
  /** It is up when this resolves; it may die before. */
  up: Promise<unknown>;
  /** Until it goes on, when it is stopped. */
  stopped: Promise<void> | null;
}

export class Together {
  readonly #stage: Stage;
  readonly #slots: Slot[];
  #points = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
    const nodes = stage.options.nodes ?? 1;
    this.#slots = Array.from({ length: nodes }, () => this.#slot(null));
  }

  async run(): Promise<void> {
    const stage = this.#stage;
    const { kills, signal, calm = false } = stage.options;
    await this.#calm();
    while (stage.kills < kills && !signal.aborted) {
      const turn = stage.kills;
      if (calm || turn % CALM_EVERY === CALM_EVERY - 1) await this.#killAndFollow();
      else await this.#killSome(turn);
      const isLast = stage.kills >= kills;
      const isDue =
        isLast || Math.floor(stage.kills / CHECK_EVERY) > Math.floor(turn / CHECK_EVERY);
      if (isDue && !signal.aborted) await this.#check();
    }
  }

  #slot(point: string | null): Slot {
    const life = this.#stage.start(point);
    const up = life.child.next("up");
    up.catch(() => {});
    return { life, up, stopped: null };
  }

  async #killSome(turn: number): Promise<void> {
    const { random, aborted } = this.#stage;
    if (turn % STOP_EVERY === STOP_EVERY / 2) this.#stop();
    await Promise.race([sleep(random() * PAUSE_MS), aborted]);
    // Who is stopped shall come back.
    const free = [...this.#slots.keys()].filter((at) => this.#slots[at]?.stopped === null);
    const at = free[Math.floor(random() * free.length)] ?? 0;
    const point = random() < AT_POINTS ? pointAmong(this.#points++, random) : null;
    await this.#replace(at, point);
  }

  /** The life in a slot ends, by itself if it is armed, and another one begins. */
  async #replace(at: number, point: string | null): Promise<void> {
    const stage = this.#stage;
    const { life, stopped } = this.#slots[at] as Slot;
    await stopped;
    const { child, boot } = life;
    if (life.point !== null) {
      await Promise.race([child.exited, sleep(POINT_MS), stage.aborted]);
      if (!stage.options.signal.aborted) stage.died(life);
    } else if (child.over) {
      stage.faults.push(`boot ${boot} ended by itself`);
    }
    await child.kill();
    stage.killed();
    this.#slots[at] = this.#slot(point);
  }

  /** Stops a node that is up until after its leases have ended. */
  #stop(): void {
    const { random, leaseMs } = this.#stage;
    const slot = this.#slots.find(({ life, stopped }) => life.point === null && stopped === null);
    if (slot === undefined) return;
    const { child } = slot.life;
    child.process.kill("SIGSTOP");
    this.#stage.stops++;
    slot.stopped = sleep(leaseMs + 500 + random() * 1_500).then(() => {
      child.process.kill("SIGCONT");
      slot.stopped = null;
    });
  }

  /** All nodes are up, none is armed or stopped. */
  async #calm(): Promise<void> {
    const { aborted, options } = this.#stage;
    for (const [at, slot] of this.#slots.entries()) {
      if (slot.life.point !== null && !options.signal.aborted) await this.#replace(at, null);
    }
    await Promise.all(this.#slots.map(({ stopped }) => stopped));
    await Promise.race([Promise.all(this.#slots.map(({ up }) => up)), aborted]);
  }

  /** A kill when all is well, and how long it takes until each actor has acted elsewhere. */
  async #killAndFollow(): Promise<void> {
    const { outside, recoveries, random, aborted, options } = this.#stage;
    await this.#calm();
    // Who acted where a while ago may have moved since.
    await Promise.race([sleep(CALM_MS), aborted]);
    outside.process.send({ ask: "forget" });
    const at = Math.floor(random() * this.#slots.length);
    const { boot } = (this.#slots[at] as Slot).life;
    await this.#placed(boot);
    if (options.signal.aborted) return;
    await this.#replace(at, null);
    const began = performance.now();
    const found = outside.ask({ ask: "dead", boot }, "recovered");
    const recovered = await Promise.race([found, aborted]);
    if (recovered === "late") return;
    if (recovered.agents > 0) recoveries.push(performance.now() - began);
  }

  /** Agents have acted in this process. */
  async #placed(boot: number): Promise<void> {
    const { outside, aborted, options } = this.#stage;
    const until = performance.now() + AGENTS_MS;
    while (!options.signal.aborted && performance.now() < until) {
      await Promise.race([sleep(CALM_MS), aborted]);
      const { agents } = await outside.ask({ ask: "placed", boot }, "placed");
      if (agents >= AGENTS_MIN) return;
    }
  }

  async #check(): Promise<void> {
    await this.#calm();
    if (this.#stage.options.signal.aborted) return;
    await this.#stage.check(this.#slots.map(({ life }) => life));
  }
}
