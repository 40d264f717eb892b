/**
 * Owns: seeing in the stream that a run is in a state worth having been in (marks).
 * Does not own: the list of those states (marks.ts), judging them (checkers.ts).
 */
import { isClean } from "../actor/exit.ts";
import { Cell } from "../kernel/cell.ts";
import { SupervisorCell } from "../kernel/supervisor-cell.ts";
import { CALENDAR } from "./calendar.ts";
import type { Sight } from "./checkers.ts";
import type { Mark } from "./marks.ts";
import type { SimEvent } from "./stream.ts";
import type { World } from "./world.ts";

type Eye = (event: SimEvent) => void;

/** All eyes of a run. */
export function scout(sight: Omit<Sight, "fail">): Eye {
  const eyes = [ends(sight), holds(sight), starts(sight), stops(sight), threads(sight)];
  return (event) => {
    for (const eye of eyes) eye(event);
  };
}

/** How actors, asks, calls and messages end. */
function ends({ chaos: { marks }, census }: Omit<Sight, "fail">): Eye {
  const delivered = new Set<number>();
  return (event) => {
    if (event.type === "answered") {
      marks.hitIfKnown(`ask ended: ${event.how.split(" ")[0]}`);
    } else if (event.type === "returned") marks.hitIfKnown(`call ended: ${event.how}`);
    else if (event.type === "dead_letter") {
      marks.hitIfKnown(`dead letter: ${event.reason}`);
      const poisoned = event.reason === "max_deliveries" && event.message === "pay";
      if (poisoned) marks.hit("a payment became a dead letter");
    } else if (event.type === "refused") marks.hitIfKnown(`refused when too late: ${event.verb}`);
    else if (event.type === "exited") {
      const actor = census.living.get(event.path)?.supervisor === false;
      if (actor) marks.hitIfKnown(`actor ended: ${event.reason.tag}`);
    } else if (event.type === "enter" && event.handler === "mail") {
      if (delivered.has(event.key)) marks.hit("a message was delivered again");
      delivered.add(event.key);
    } else if (event.type === "sent" && !event.ask && event.path !== "" && event.money) {
      marks.hit("a payment was passed on");
    }
  };
}

/** Watches, links, timers, mailboxes. */
function holds({ chaos: { marks, world, ledger } }: Omit<Sight, "fail">): Eye {
  const timers = new Map<number, string>();
  const watched = new Set<number>();
  return (event) => {
    if (event.type === "timer_set") timers.set(event.key, event.when);
    else if (event.type === "timer_cancelled") marks.hit("timer was cancelled");
    else if (event.type === "muted") marks.hit(restingAt(event, world));
    else if (event.type === "moved") {
      const kept = ledger.isDurable(event.path);
      marks.hit(
        kept ? "a durable actor moved to another thread" : "an actor moved to another thread",
      );
    } else if (event.type === "vanished") {
      marks.hit("an actor that had moved was lost with its new thread, or on its way");
    } else if (event.type === "woken") {
      marks.hit("an actor came back to the memory");
      for (const [path] of ledger.timers.overdue(CALENDAR.wall(world.nowMs))) {
        if (path === event.path) marks.hit("a timer was due while its actor was in the store only");
      }
    } else if (event.type === "hibernated") {
      marks.hit("an actor left the memory");
      if (ledger.waiting(event.path) === 0) return;
      marks.hit("an actor was needed again while it left the memory");
    } else if (event.type === "dropped_notice" && event.notice === "down") {
      marks.hit("down was dropped by an actor without a handler");
    } else if (event.type === "watched") watched.add(event.key);
    else if (event.type === "leave" && event.handler === "terminate" && !event.ok) {
      marks.hit("last words failed");
    }
    if (event.type !== "enter") return;
    if (event.handler === "exit") marks.hit("exit of a link was handled");
    if (event.what === "tick") marks.hitIfKnown(`timer fired: ${timers.get(event.key)}`);
  };
}

function restingAt({ by, path }: Extract<SimEvent, { type: "muted" }>, world: World): Mark {
  if (by.startsWith("~")) return "a sender rested because a line to another thread was crowded";
  return world.threadOf(by) === world.threadOf(path)
    ? "a sender rested because a mailbox was full"
    : "a sender rested because a mailbox of another thread was full";
}

/** Starts, restarts, and what becomes of them. */
function starts({ chaos, census }: Omit<Sight, "fail">): Eye {
  const { marks } = chaos;
  /** Died by themselves; their supervisor has not said so yet. */
  const died = new Set<string>();
  const retrying = new Set<string>();
  const parentOf = (path: string) => path.slice(0, path.lastIndexOf("/"));
  const workOf = (path: string) => {
    const cell = chaos.world.control.members.get(path);
    return cell instanceof SupervisorCell ? cell.state.work?.kind : undefined;
  };
  return (event) => {
    if (event.type === "start_error") {
      marks.hit("a start failed");
      if (event.reason.tag === "thread_lost") marks.hit("a thread was lost during a start");
      if (workOf(parentOf(event.path)) === "restart") retrying.add(event.path);
    } else if (event.type === "start_ordered") {
      if (retrying.delete(event.path)) marks.hit("a restart failed and was tried again");
      if (event.why === "restart" && died.delete(event.path)) {
        marks.hit("a group restart took in a sibling that had died by itself");
      }
    } else if (event.type === "restart_intensity") {
      marks.hit("a supervisor gave up");
      if (retrying.delete(`${event.path}/${event.child}`)) marks.hit("a retry was one too many");
    } else if (event.type === "child_terminated") died.delete(event.path);
    else if (event.type === "stop_ordered") died.delete(event.path);
    else if (event.type === "exited") {
      const { path, reason } = event;
      if (reason.tag === "killed" && reason.by === "deadline") marks.hit("a start took too long");
      const resident = census.living.get(path);
      if (resident?.supervisor === false && !isClean(reason)) died.add(path);
    }
  };
}

/** Stops, and supervisors that are killed in the midst of their work. */
function stops({ chaos }: Omit<Sight, "fail">): Eye {
  const { marks, world } = chaos;
  const ordered = new Set<number>();
  const gaveUp = new Set<string>();
  const killed = (path: string) => {
    const cell = world.control.members.get(path);
    if (!(cell instanceof SupervisorCell) || cell.state.work === null) return;
    const { kind, actions, at } = cell.state.work;
    const stopping = actions[at - 1]?.do === "stop";
    if (kind === "restart" && cell.spec.strategy !== "one_for_one") {
      marks.hit("a supervisor was killed during a group restart");
    }
    if (stopping) marks.hit("a supervisor was killed while it stopped children");
    else if (kind === "init") marks.hit("a supervisor was killed while it started children");
  };
  return (event) => {
    if (event.type === "fault" && event.what === "kill") killed(event.at);
    else if (event.type === "restart_intensity") gaveUp.add(event.path);
    else if (event.type === "stop_ordered") {
      if (ordered.has(event.life)) marks.hit("a stop took too long");
      ordered.add(event.life);
      const cell = world.kernelOf(event.path).members.get(event.path);
      if (cell instanceof Cell && cell.suspended) marks.hit("a stop came while suspended");
    } else if (event.type === "exited" && world.control.members.get(event.path) === undefined) {
      const own = !ordered.has(event.life) && !gaveUp.delete(event.path);
      const plain = event.reason.tag === "shutdown" && event.reason.detail === undefined;
      if (event.thread === 0 && own && plain) {
        marks.hit("a supervisor ended with its significant children");
      }
    }
  };
}

function threads({ chaos: { marks, world } }: Omit<Sight, "fail">): Eye {
  return (event) => {
    if (event.type !== "lost") return;
    const lost = world.hosts.filter(({ alive }) => !alive);
    if (lost.length > 1) marks.hit("a thread was lost while another one was not replaced yet");
    const host = world.hosts[event.lost];
    if (host !== undefined && host.answers.length > 0) {
      marks.hit("a thread was lost before it knew that its commit was done");
    }
  };
}
