/**
 * Owns: is there an order of operations that overlapped in time in which each could have answered
 * what it did? The search of Wing and Gong, remembering where it has been. An operation whose
 * outcome nobody knows may take effect at any time after its call, or never.
 * Does not own: what operations mean (models.ts).
 */

export interface Operation<O, R> {
  readonly op: O;
  readonly calledAt: number;
  /** Infinity, and no answer: its outcome is unknown. */
  readonly answeredAt: number;
  readonly answer?: R;
}

/** A thing as it would be if operations came one after the other. States are compared as JSON. */
export interface Model<S, O, R> {
  readonly start: S;
  step(state: S, op: O): { state: S; answer: R };
}

/** More would make the search too long: split the history, or use another key. */
const OPERATIONS_MAX = 500;

/** @throws Error when the history is too long to be searched */
export function isLinearizable<S, O, R>(
  model: Model<S, O, R>,
  history: readonly Operation<O, R>[],
): boolean {
  if (history.length > OPERATIONS_MAX) throw new Error(`${history.length} operations are too many`);
  const ops = history.toSorted((a, b) => a.calledAt - b.calledAt);
  const known = ops.filter(({ answeredAt }) => Number.isFinite(answeredAt)).length;
  interface Place {
    readonly state: S;
    readonly done: bigint;
    readonly left: number;
  }
  const seen = new Set<string>();
  const open: Place[] = [{ state: model.start, done: 0n, left: known }];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (place.left === 0) return true;
    for (const index of next(ops, place.done)) {
      const { op, answer, answeredAt } = ops[index] as Operation<O, R>;
      const step = model.step(place.state, op);
      const isKnown = Number.isFinite(answeredAt);
      if (isKnown && JSON.stringify(step.answer) !== JSON.stringify(answer)) continue;
      const done = place.done | (1n << BigInt(index));
      const key = `${done.toString(36)} ${JSON.stringify(step.state)}`;
      if (seen.has(key)) continue;
      seen.add(key);
      open.push({ state: step.state, done, left: place.left - (isKnown ? 1 : 0) });
    }
  }
  return false;
}

/** Those that may come next: called before any other that is left had answered. Known ones last. */
function next<O, R>(ops: readonly Operation<O, R>[], done: bigint): number[] {
  const found: number[] = [];
  let first = Number.POSITIVE_INFINITY;
  for (const [index, { calledAt, answeredAt }] of ops.entries()) {
    if (calledAt > first) break;
    if ((done >> BigInt(index)) & 1n) continue;
    found.push(index);
    first = Math.min(first, answeredAt);
  }
  const isKnown = (index: number) => Number.isFinite(ops[index]?.answeredAt);
  // Of unknown operations that are alike, the one called first stands for all.
  const alike = new Set<string>();
  const fits = found.filter((index) => {
    const { op, calledAt } = ops[index] as Operation<O, R>;
    const text = isKnown(index) ? `known ${index}` : JSON.stringify(op);
    if (calledAt > first || alike.has(text)) return false;
    alike.add(text);
    return true;
  });
  // The search takes the last one first: an operation of unknown outcome is the last resort.
  return fits.sort((a, b) => Number(isKnown(a)) - Number(isKnown(b)) || b - a);
}
