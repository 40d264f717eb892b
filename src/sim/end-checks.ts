/**
 * Owns: what must be true when a run has come to rest, and when it has stopped.
 * Does not own: what must be true at every moment (checkers.ts).
 */
import { Cell } from "../kernel/cell.ts";
import { SupervisorCell } from "../kernel/supervisor-cell.ts";
import { CALENDAR } from "./calendar.ts";
import type { Chaos } from "./chaos.ts";

const ENDED = new Set(["up", "undefined"]);

/** The liveness phase is over: all is well again. */
export function checkRest(chaos: Chaos): void {
  asks(chaos);
  tree(chaos);
  actors(chaos);
  mailboxes(chaos);
  sleepers(chaos);
  holds(chaos);
  timers(chaos);
  chaos.ledger.audit();
  chaos.ledger.auditForgotten();
}

/** A durable timer whose time has come has fired, if its actor is there. */
function timers({ world, ledger, stream }: Chaos): void {
  for (const [path, id] of ledger.timers.overdue(CALENDAR.wall(world.nowMs))) {
    if (!world.kernelOf(path).members.has(path)) continue;
    stream.fail("liveness: timers fire", `${path}: timer ${id} is due and has not fired`);
  }
}

function asks({ stream, openAsks }: Chaos): void {
  const open = openAsks();
  if (open.length === 0) return;
  stream.fail("liveness: asks end", `${open.slice(0, 3).join(", ")}: no answer yet`);
}

/** Every supervisor has done its work; what it takes for running does run, and nothing else. */
function tree({ world, stream }: Chaos): void {
  const known = new Set<string>([...world.control.members.keys()].slice(0, 1));
  for (const cell of world.control.members.values()) {
    if (!(cell instanceof SupervisorCell)) continue;
    const { state, path } = cell;
    if (state.work !== null || state.inbox.size > 0 || cell.signals.size > 0) {
      stream.fail("liveness: supervisors rest", `${path} still waits (${state.work?.kind})`);
    }
    for (const child of state.children.values()) {
      const at = cell.childPath(child);
      if (!ENDED.has(child.status)) {
        stream.fail("liveness: children run", `${at} is ${child.status}`);
      }
      const kernel = child.spec.kind === "actor" ? world.kernelOf(at) : world.control;
      const life = kernel.members.get(at)?.life ?? 0;
      if (life !== child.life) {
        stream.fail("S10 the tree is what runs", `${at} is life ${life}, not ${child.life}`);
      }
      if (child.status === "up") known.add(at);
    }
  }
  for (const { kernel } of world.hosts) {
    for (const path of kernel.members.keys()) {
      if (!known.has(path)) stream.fail("S8 no orphan", `${path} runs, nobody supervises it`);
    }
  }
}

function actors({ world, stream, marks, census }: Chaos): void {
  if (census.living.size >= 10) marks.hit("at rest with ten live actors");
  for (const { kernel } of world.hosts) {
    for (const cell of kernel.members.values()) {
      if (!(cell instanceof Cell)) continue;
      const { path, status, suspended, mutedBy, mailbox } = cell;
      const rests = status === "idle" && !suspended && mutedBy === 0 && mailbox.size === 0;
      if (rests) continue;
      const detail = `${path} is ${status}, ${mailbox.size} waiting, muted by ${mutedBy}`;
      stream.fail("liveness: actors rest", suspended ? `${detail}, suspended` : detail);
    }
  }
}

/** A durable actor that runs has no mail left. */
function mailboxes({ world, ledger, stream }: Chaos): void {
  for (const path of ledger.paths()) {
    const waiting = ledger.waiting(path);
    if (waiting > 0 && world.kernelOf(path).members.has(path)) {
      stream.fail("liveness: durable mailboxes are empty", `${path} has ${waiting} in the store`);
    }
  }
}

/** Nobody sleeps for whom something waits, and supervisors know how many children they have. */
function sleepers(chaos: Chaos): void {
  const { world, ledger, stream } = chaos;
  const wall = CALENDAR.wall(world.nowMs);
  const overdue = new Set([...ledger.timers.overdue(wall)].map(([path]) => path));
  for (const cell of world.control.members.values()) {
    if (!(cell instanceof SupervisorCell) || cell.sleepers === null) continue;
    const prefix = `${cell.path}/`;
    const stored = ledger.paths().filter((path) => path.startsWith(prefix));
    const asleep = stored.filter((path) => !cell.state.children.has(path.slice(prefix.length)));
    for (const path of asleep) {
      const waiting = ledger.waiting(path);
      if (waiting === 0 && !overdue.has(path)) continue;
      const what = waiting > 0 ? `${waiting} messages` : "a timer";
      stream.fail("liveness: who is needed comes back", `${path} sleeps and has ${what}`);
    }
    const counted = chaos.counts.get(cell.path);
    if (counted === stored.length) continue;
    const detail = `${cell.path} counts ${counted} children, there are ${stored.length}`;
    stream.fail("S10 the tree is what runs", detail);
  }
}

/** Watches and links are known at both ends: a death could not be missed. */
function holds(chaos: Chaos): void {
  const { world, stream, marks } = chaos;
  const cellAt = (path: string): Cell | null => {
    const cell = world.kernelOf(path).members.get(path);
    return cell instanceof Cell ? cell : null;
  };
  for (const { id, path, to } of chaos.openWatches()) {
    marks.hit("a watch was open at rest");
    if (cellAt(to)?.more.watchers.has(`${path}#${id}`)) continue;
    const why = `${path} watches ${to}, which does not know of it`;
    stream.fail("S6 a watch fires once, after the last message", why);
  }
  for (const { kernel } of world.hosts) {
    for (const cell of kernel.members.values()) {
      if (!(cell instanceof Cell) || cell.own === null) continue;
      for (const other of cell.more.links) {
        marks.hit("a link held at rest");
        if (cellAt(other)?.more.links.has(cell.path)) continue;
        stream.fail(
          "S6 links are symmetric",
          `${cell.path} is linked to ${other}, not the reverse`,
        );
      }
    }
  }
}

/** Everything has ended: nothing may be left. */
export function checkStopped(chaos: Chaos): void {
  const { world, stream, ledger } = chaos;
  asks(chaos);
  if (!chaos.ended) return stream.fail("liveness: the stop ends", "the root has not ended");
  for (const [thread, { kernel, store }] of world.hosts.entries()) {
    const left = {
      processes: kernel.members.size,
      timers: kernel.timers.size,
      expected: kernel.asks.size,
      ready: kernel.scheduler.size,
      store: store.size,
    };
    const some = Object.entries(left).filter(([, count]) => count > 0);
    if (some.length === 0) continue;
    stream.fail(
      "S12 nothing is left",
      `thread ${thread}: ${JSON.stringify(Object.fromEntries(some))}`,
    );
  }
  if (world.links.size > 0) stream.fail("S12 nothing is left", "something is still under way");
  const silent = chaos.unaccounted();
  if (silent.length > 0) {
    stream.fail(
      "K8 accepted mail is handled or a dead letter",
      `lost: ${silent.slice(0, 5).join()}`,
    );
  }
  ledger.audit();
}
