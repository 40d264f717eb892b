/**
 * Owns: which partitions an operation concerns, what each is asked, and how their answers become
 * one. Pure. Does not own: asking (redis-store.ts), arguments and replies (redis-wire.ts).
 */
import { partitionOf, partitionOfChildren, type Spread } from "./partition.ts";
import type { Arg } from "./redis-bytes.ts";
import { type ChildrenOp, childrenArgs, childrenOf } from "./redis-children.ts";
import {
  answerOf,
  argsOf,
  letterArgs,
  lettersOf,
  listedOf,
  number,
  type Reply,
  revivedOf,
} from "./redis-wire.ts";
import type { LetterOp, StoreAnswer, StoreOp } from "./store.ts";

/** What one partition is asked. */
export interface Part {
  readonly partition: number;
  readonly args: Arg[];
}

/** null: the partition is not ours. */
export type PartReply = readonly Reply[] | null;

/** An operation, ready to be sent. */
export interface Plan {
  readonly parts: readonly Part[];
  /** @param replies in the order of the parts */
  combine(replies: readonly PartReply[]): StoreAnswer;
}

/** @param held partitions of this node: nobody else's are asked */
export function planOf(op: StoreOp, spread: Spread, held: readonly number[]): Plan {
  switch (op.kind) {
    case "list":
      return planOfList(op, spread, held);
    case "page":
    case "due":
      return planOfChildren(op, spread, held);
    case "letters":
    case "revive":
    case "drop":
      return planOfLetters(op, spread, held);
  }
  const partition = partitionOf(pathOf(op), spread);
  const away = (path: string) => {
    const to = partitionOf(path, spread);
    return to === partition ? "" : String(to);
  };
  const part = { partition, args: argsOf(op, away) };
  const combine = ([reply]: readonly PartReply[]) => (reply ? answerOf(op, reply) : refusal(op));
  return { parts: held.includes(partition) ? [part] : [], combine };
}

type ActorOp = Exclude<StoreOp, LetterOp | ChildrenOp | { kind: "list" }>;

export const pathOf = (op: ActorOp): string =>
  op.kind === "commit" ? op.commit.path : op.kind === "enqueue" ? op.mail.to : op.path;

/** What an operation is answered in a partition of another node. */
function refusal(op: ActorOp): StoreAnswer {
  if (op.kind === "commit") return { kind: "committed", fenced: true, seqs: [] };
  if (op.kind === "load") return { kind: "refused" };
  if (op.kind === "forget") return { kind: "forgotten", asks: [] };
  return { kind: "enqueued", seq: 0 };
}

function planOfList(
  op: Extract<StoreOp, { kind: "list" }>,
  spread: Spread,
  held: readonly number[],
): Plan {
  return {
    parts: ofChildren(op.path, spread, held).map((partition) => ({
      partition,
      args: ["list", op.path],
    })),
    combine(replies) {
      const children = replies.flatMap((reply) => (reply ? listedOf(reply) : []));
      children.sort((a, b) => a.born - b.born);
      return { kind: "listed", children: children.map(({ id, args }) => ({ id, args })) };
    },
  };
}

/** Those of this node's partitions where children of a supervisor may be. */
function ofChildren(path: string, spread: Spread, held: readonly number[]): number[] {
  const only = partitionOfChildren(path, spread);
  return held.filter((partition) => only === null || only === partition);
}

function planOfChildren(op: ChildrenOp, spread: Spread, held: readonly number[]): Plan {
  const args = childrenArgs(op);
  return {
    parts: ofChildren(op.path, spread, held).map((partition) => ({ partition, args })),
    combine: (replies) =>
      childrenOf(
        op,
        replies.filter((reply) => reply !== null),
      ),
  };
}

/** A letter's number says which partition it is in: so it is one of its own among all. */
function planOfLetters(op: LetterOp, { partitions }: Spread, held: readonly number[]): Plan {
  const { id } = op;
  const inside = id === null ? null : Math.floor(id / partitions);
  const asked = held.filter((partition) => id === null || id % partitions === partition);
  const parts = asked.map((partition) => ({ partition, args: letterArgs(op, inside) }));
  return {
    parts,
    combine(replies) {
      const given = replies.flatMap((reply, at) =>
        reply ? [{ reply, from: asked[at] ?? 0 }] : [],
      );
      if (op.kind === "revive") return revivedOf(given[0]?.reply ?? []);
      if (op.kind === "drop") {
        const count = given.reduce((sum, { reply }) => sum + number(reply[0]), 0);
        return { kind: "dropped", count };
      }
      let total = 0;
      const letters = given.flatMap(({ reply, from }) => {
        const some = lettersOf(reply);
        total += some.total;
        return some.letters.map((each) => ({ ...each, id: each.id * partitions + from }));
      });
      // The wall clock orders those of different partitions, their numbers those of one.
      letters.sort((a, b) => a.at - b.at || a.id - b.id);
      return { kind: "letters", total, letters: letters.slice(-op.max) };
    },
  };
}
