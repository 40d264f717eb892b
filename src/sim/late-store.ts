/**
 * Owns: what a lost thread gave to the store and that arrives only when other lives own its actors,
 * as from a node that was cut off: nothing may come of it.
 * Does not own: keeping anything (ledger.ts), when something arrives (chaos.ts).
 */
import type { Engine, StoreAnswer, StoreOp } from "../store/store.ts";
import type { Ledger } from "./ledger.ts";
import type { Marks } from "./marks.ts";
import type { EventStream } from "./stream.ts";

/** Operations of a life: only those can be refused because of it. */
type Owned = Extract<StoreOp, { kind: "commit" | "fire" }>;

const isOwned = (op: StoreOp): op is Owned => op.kind === "commit" || op.kind === "fire";
const ownerOf = (op: Owned) => (op.kind === "commit" ? op.commit : op);

/** A store with some mail in its line that is late. */
export class LateStore implements Engine {
  readonly #ledger: Ledger;
  readonly #stream: EventStream;
  readonly #marks: Marks;
  /** Newest life that has loaded each path. */
  readonly #owners = new Map<string, number>();
  #held: Owned[] = [];

  constructor(ledger: Ledger, stream: EventStream, marks: Marks) {
    this.#ledger = ledger;
    this.#stream = stream;
    this.#marks = marks;
  }

  close(): void {}

  execute(ops: readonly StoreOp[]): StoreAnswer[] {
    for (const op of ops) {
      if (op.kind === "load") this.#owners.set(op.path, op.life);
      else if (op.kind === "forget") this.#owners.delete(op.path);
    }
    return this.#ledger.execute(ops);
  }

  /** Keeps back what a lost thread had asked for. */
  hold(ops: readonly StoreOp[]): void {
    this.#held.push(...ops.filter(isOwned));
  }

  /** The oldest of it arrives whose actor has a new owner. K11: it changes nothing. */
  arrive(): void {
    const at = this.#held.findIndex((op) => {
      const { path, life } = ownerOf(op);
      return (this.#owners.get(path) ?? 0) > life;
    });
    const [op] = at < 0 ? [] : this.#held.splice(at, 1);
    if (op === undefined) return;
    const [answer] = this.#ledger.execute([op]);
    const refused =
      answer?.kind === "committed"
        ? answer.fenced
        : answer?.kind === "enqueued" && answer.seq === 0;
    this.#marks.hit(`late and refused: ${op.kind}`);
    if (refused) return;
    const { path, life } = ownerOf(op);
    const detail = `${op.kind} of life ${life} of ${path} took effect, ${this.#owners.get(path)} owns it`;
    this.#stream.fail("K11 an older life changes nothing", detail);
  }
}
