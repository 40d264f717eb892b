/**
 * Owns: the commits of a durable actor: sealing its slice, going on when the store has answered, and
 * the journal of the message in flight: what a handler awaits is recorded first, then it goes on.
 * Does not own: what a slice holds (slice.ts), the store (ports.ts Committer).
 * Invariants: K3 no effect leaves before its commit; K12 a recorded answer never changes.
 */
import { needsNumber } from "./ahead.ts";
import type { Cell } from "./cell.ts";
import { released } from "./journal.ts";
import type { Mail } from "./ports.ts";
import { type Effect, mailsOf } from "./slice.ts";

/** Commits what the slice holds, if this is a moment to do so. */
export function seal(cell: Cell): void {
  const { slice } = cell;
  if (slice === null || cell.more.committing || cell.status === "exited") return;
  if (needsNumber(cell)) return;
  if (cell.status === "parked" || cell.status === "stopping") {
    // A rerun may wait before it has come as far as the earlier run: that one's count stands.
    const { active } = cell;
    const effects = active === null ? 0 : Math.max(active.more.effects, released(cell, active));
    slice.park(active?.mail?.seq ?? 0, effects);
  }
  if (!slice.dirty) return;
  const { path, life, behaviour } = cell;
  const { name, version } = behaviour;
  const { snapshotEvery } = cell.spec;
  const [commit, effects] = slice.seal({ path, life, behaviour: name, version, snapshotEvery });
  // An init that waits: nothing is stored yet that a crash could go back to.
  if (cell.status === "starting" && commit.created === null) {
    // (But timers: they are rows of the first commit.)
    const isTimer = (each: Effect) => each.kind === "run" && each.timer !== undefined;
    for (const each of effects.filter(isTimer)) slice.add(each);
    return leaveEarly(
      cell,
      effects.filter((each) => !isTimer(each)),
    );
  }
  const { more } = cell;
  more.committing = true;
  more.inFlight = more.afterCommit;
  more.afterCommit = null;
  if (cell.status === "idle") cell.become("committing");
  cell.kernel.outgoing.commit(commit, effects);
}

/**
 * What an init that waits has done so far: it leaves without a commit. Mail that would be numbered
 * later than now, by another thread or by who is starting, gets its number first: else it would be
 * read behind what its sender commits later.
 */
function leaveEarly(cell: Cell, effects: readonly Effect[]): void {
  const { kernel, more } = cell;
  const { members, options, outgoing } = kernel;
  const isLate = ({ to }: Mail) => {
    const member = members.get(to);
    const isHere = member !== undefined && "slice" in member && member.started;
    return !isHere && options.durable?.(to) === true;
  };
  if (!mailsOf(effects).some(isLate)) return outgoing.release(cell, effects);
  more.committing = true;
  outgoing.number(cell, effects);
}

/** The commit in flight is done. */
export function committed(cell: Cell): void {
  const { more } = cell;
  more.committing = false;
  if (cell.status === "exited") return more.settle?.();
  if (cell.status === "committing") cell.become("idle");
  const next = more.inFlight;
  more.inFlight = null;
  next?.();
  if (cell.status === "idle") more.rest();
  seal(cell);
  if (!more.committing && more.afterCommit !== null) {
    // There was nothing left to commit.
    const last = more.afterCommit;
    more.afterCommit = null;
    last();
  }
  cell.kernel.schedule(cell);
}
