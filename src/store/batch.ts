/**
 * Owns: what a batch between a thread and its store looks like on the way: one buffer there, one
 * back, which change hands. The platform's own copy of a thousand small objects takes four times as
 * long, on both sides. Does not own: when a batch is cut (committer.ts, node/store-link.ts).
 */
import { Packr } from "msgpackr";
import { joinAnswers, joinOps, splitAnswers, splitOps } from "./batch-rows.ts";
import type { StoreAnswer, StoreOp } from "./store.ts";

/** A batch is closed to further operations at these sizes: later ones should not wait long. */
export const BATCH_OPS = 4_000;
export const BATCH_BYTES = 1_000_000;

/** Plain records only: what users' values hold is bytes by now (codec.ts). */
const packr = new Packr({ useRecords: true });
const copying = new Packr({ useRecords: true, copyBuffers: true });

/** The bytes may go to another thread: nobody else has the memory. */
function packed(values: readonly unknown[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(packr.pack(values));
}

export const packOps = (ops: readonly StoreOp[]) => packed(joinOps(ops));
export const packAnswers = (answers: readonly StoreAnswer[]) => packed(joinAnswers(answers));

/** Bytes within are views of the batch: for an engine that keeps its data elsewhere. */
export const unpackOps = (bytes: Uint8Array): StoreOp[] => splitOps(packr.unpack(bytes), false);
/** For an engine that keeps what it is given. */
export const unpackKept = (bytes: Uint8Array): StoreOp[] => splitOps(copying.unpack(bytes), true);
/** (What an actor gets to see must not be a view of what others stored.) */
export const unpackAnswers = (bytes: Uint8Array): StoreAnswer[] =>
  splitAnswers(copying.unpack(bytes));

/** Bytes of the encoded values in an operation. */
export function bytesOf(op: StoreOp): number {
  if (op.kind === "enqueue") return op.mail.body.byteLength;
  if (op.kind !== "commit") return 0;
  const { created, state, steps, mails } = op.commit;
  let bytes = (created?.args.byteLength ?? 0) + (state?.byteLength ?? 0);
  for (const { answer } of steps) bytes += answer.byteLength;
  for (const { body } of mails) bytes += body.byteLength;
  return bytes;
}
