/**
 * Owns: the conformance part of a seed: a random tree and random operations on the production
 * kernel, beside the reference model; both must say the same after every step.
 * Does not own: drawing them (generate.ts), the model (model.ts), driving the kernel (replay.ts).
 *
 * It is well defined on any number of threads: an operation concerns one supervisor at a time, which
 * does one thing after the other, so no two events of a step are independent. Where OTP leaves an
 * order undefined, among dynamic children that stop at once, the format compares sorted bags.
 */
import { randomOps, randomTree } from "./generate.ts";
import type { Marks } from "./marks.ts";
import { createModel } from "./model.ts";
import { seeded } from "./random.ts";
import { Replay } from "./replay.ts";
import type { EventStream } from "./stream.ts";
import { firstDifference, type Step } from "./trace.ts";

const OPS_MAX = 16;
const CHECK = "conformance: kernel and model agree";

/** Runs one scenario. @returns how many steps it had */
export function agree(seed: number, stream: EventStream, marks: Marks): number {
  const random = seeded(seed * 16);
  const tree = randomTree(random);
  const ops = randomOps(random, tree);
  const threads = Math.floor(random() * 4);
  const model = createModel(tree);
  const kernel = new Replay(tree, { threads, random: seeded(seed * 16 + 6) });
  let expected: Step = model.start();
  let actual: Step = kernel.apply("start");
  for (let steps = 1; ; steps++) {
    stream.emit({ type: "step", step: JSON.stringify(actual) });
    const difference = firstDifference(expected, actual);
    if (difference !== null) {
      stream.fail(CHECK, `on ${threads} threads, step ${steps}: ${difference}`);
      return steps;
    }
    const op = steps < OPS_MAX ? ops.next(expected.tree) : null;
    if (op === null) {
      const alive = typeof expected.tree === "object" && !Array.isArray(expected.tree);
      if (!alive) marks.hit("a scenario ended with its root");
      marks.hit(`model and kernel agree on ${threads > 1 ? "several threads" : "one thread"}`);
      return steps;
    }
    expected = model.apply(op);
    actual = kernel.apply(op);
  }
}
