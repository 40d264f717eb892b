/**
 * Owns: how a large encoded state differs from the one before, as bytes, and putting a state together
 * again from its oldest form and the differences since. Pure; knows nothing of what is encoded.
 * Does not own: when a difference is worth more than the whole (sqlite-state.ts). ADR 0018.
 *
 * A patch is an encoded list of numbers and bytes: the length of what it was made for, then for each
 * place that differs: bytes kept, bytes dropped, bytes put there; the rest is kept.
 */
import { decode, encode } from "./codec.ts";
import type { Encoded } from "./store.ts";

/** More places than this are no small change. */
const PLACES_MAX = 64;
/** So many equal bytes are no accident. */
const SAME = 32;
/** Longest replacement in place, and longest insertion or removal, that is looked for. */
const REPLACED_MAX = 64;
const SHIFT_MAX = 16;

type Hunk = readonly [kept: number, dropped: number, put: Encoded];

/** @returns null when they have too little in common for a patch to be found quickly */
export function diff(before: Encoded, now: Encoded): Encoded | null {
  const [old, new_] = [bufferOf(before), bufferOf(now)];
  const tail = sameEnd(old, new_);
  const a = old.subarray(0, old.length - tail);
  const b = new_.subarray(0, new_.length - tail);
  const hunks: Hunk[] = [];
  let [i, j] = [0, 0];
  for (;;) {
    const kept = sameStart(a, i, b, j);
    i += kept;
    j += kept;
    if (i === a.length && j === b.length) break;
    if (hunks.length === PLACES_MAX) return null;
    const [dropped, put] = resume(a, i, b, j);
    hunks.push([kept, dropped, b.subarray(j, j + put)]);
    i += dropped;
    j += put;
  }
  const patch = encode([before.length, ...hunks.flat()]);
  return patch.length < now.length / 2 ? patch : null;
}

/** Applies patches in order. @throws Error when one was made for something else */
export function patched(base: Encoded, patches: readonly Encoded[]): Encoded {
  // Pieces of what there is: nothing is copied before the end.
  let pieces: Encoded[] = [base];
  let length = base.length;
  for (const patch of patches) {
    const [expected, ...rest] = decode(patch) as [number, ...(number | Encoded)[]];
    if (expected !== length) throw new Error(`a patch for ${expected} bytes met ${length}`);
    const reader = new Reader(pieces);
    const next: Encoded[] = [];
    for (let at = 0; at < rest.length; at += 3) {
      const [kept, dropped, put] = rest.slice(at, at + 3) as unknown as Hunk;
      reader.take(kept, next);
      reader.take(dropped, []);
      if (put.length > 0) next.push(put);
      length += put.length - dropped;
    }
    reader.take(Number.POSITIVE_INFINITY, next);
    pieces = next;
  }
  return pieces.length === 1 ? (pieces[0] as Encoded) : new Uint8Array(Buffer.concat(pieces));
}

/** Goes through pieces from start to end. */
class Reader {
  readonly #pieces: readonly Encoded[];
  #at = 0;
  #offset = 0;

  constructor(pieces: readonly Encoded[]) {
    this.#pieces = pieces;
  }

  /** Moves the next bytes, as many as there are, to another list. */
  take(count: number, to: Encoded[]): void {
    let left = count;
    for (let piece = this.#pieces[this.#at]; piece !== undefined && left > 0; ) {
      const size = Math.min(left, piece.length - this.#offset);
      if (size > 0) to.push(piece.subarray(this.#offset, this.#offset + size));
      left -= size;
      this.#offset += size;
      if (this.#offset < piece.length) break;
      this.#offset = 0;
      piece = this.#pieces[++this.#at];
    }
  }
}

const bufferOf = (bytes: Encoded) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Do `size` bytes agree, and are there so many? */
function agree(a: Buffer, i: number, b: Buffer, j: number, size: number): boolean {
  const inside = i >= 0 && j >= 0 && i + size <= a.length && j + size <= b.length;
  return inside && a.compare(b, j, j + size, i, i + size) === 0;
}

function sameStart(a: Buffer, i: number, b: Buffer, j: number): number {
  let same = 0;
  for (const size of [65_536, 1_024, 32, 1]) {
    while (agree(a, i + same, b, j + same, size)) same += size;
  }
  return same;
}

function sameEnd(a: Buffer, b: Buffer): number {
  let same = 0;
  for (const size of [65_536, 1_024, 32, 1]) {
    while (agree(a, a.length - same - size, b, b.length - same - size, size)) same += size;
  }
  return same;
}

/** Where both go on alike: how much of each lies before. All the rest when that is not near. */
function resume(a: Buffer, i: number, b: Buffer, j: number): [number, number] {
  for (let size = 1; size <= REPLACED_MAX; size++) {
    if (agree(a, i + size, b, j + size, SAME)) return [size, size];
  }
  for (let sum = 1; sum <= 2 * SHIFT_MAX; sum++) {
    for (let from = Math.max(0, sum - SHIFT_MAX); from <= Math.min(sum, SHIFT_MAX); from++) {
      if (agree(a, i + from, b, j + sum - from, SAME)) return [from, sum - from];
    }
  }
  return [a.length - i, b.length - j];
}
