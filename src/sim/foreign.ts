/**
 * Owns: waiting in real time for what a simulation cannot order: a fake's promise, or one that a
 * handler awaits and no verb of ctx made. Virtual time stands still meanwhile, so that such a
 * promise costs no determinism as long as its value is always the same.
 */
import { Cell } from "../kernel/cell.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { FakeTools } from "./fakes.ts";

/** @unit ms of real time */
const PATIENCE_MS = 1_000;

const WAITING = ["parked", "starting", "stopping"];

/** Promises of the real world under way in a simulated one. */
export class Foreign {
  readonly #tools: FakeTools;
  readonly #kernels: () => Kernel[];
  /** User code has run since somebody looked. */
  stirred = false;
  /** Handlers that were waited for in vain. */
  readonly #hopeless = new WeakSet<object>();

  constructor(tools: FakeTools, kernels: () => Kernel[]) {
    this.#tools = tools;
    this.#kernels = kernels;
  }

  /** @returns whether something has come, so that the world can go on */
  async wait(): Promise<boolean> {
    if (!this.stirred) return false;
    const { working } = this.#tools;
    const any = working > 0 || this.#handlers().length > 0;
    for (let left = PATIENCE_MS; any && left > 0; left--) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (this.#tools.working !== working) return true;
      if (this.#kernels().some((each) => each.busy || each.loose)) return true;
    }
    for (const handler of this.#handlers()) this.#hopeless.add(handler);
    this.stirred = false;
    return false;
  }

  /** Handlers in flight that wait for none of ctx's verbs. */
  #handlers(): object[] {
    const found: object[] = [];
    for (const kernel of this.#kernels()) {
      for (const process of kernel.members.values()) {
        if (!(process instanceof Cell) || process.active === null) continue;
        const known = process.own !== null && process.more.asks.size > 0;
        if (known || !WAITING.includes(process.status)) continue;
        if (!this.#hopeless.has(process.active)) found.push(process.active);
      }
    }
    return found;
  }
}
