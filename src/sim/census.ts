/**
 * Owns: who lives and who has died, in the order of the stream; orders that supervisors give, read
 * off the control kernel. Does not own: what must be true of it (checkers.ts).
 */
import type { Kernel } from "../kernel/kernel.ts";
import type { Transport } from "../kernel/ports.ts";
import type { Work } from "../kernel/supervision.ts";
import { SupervisorCell } from "../kernel/supervisor-cell.ts";
import type { Ledger } from "./ledger.ts";
import type { EventStream, Handler, SimEvent } from "./stream.ts";

/** An incarnation that lives. */
export interface Resident {
  readonly path: string;
  readonly life: number;
  readonly supervisor: boolean;
  /** What it is handling now. */
  handler: Handler | null;
}

/** Faults that tell somebody to end. */
const ENDS = new Set(["kill", "shut down", "exit"]);

/** The living and the dead of one run. */
export class Census {
  /** By path. */
  readonly living = new Map<string, Resident>();
  readonly byLife = new Map<number, Resident>();
  /** How many incarnations of a path have ended. */
  readonly deaths = new Map<string, number>();
  readonly lastDead = new Map<string, number>();

  /** Paths of those that are in the store only. */
  readonly asleep = new Set<string>();

  /** By call: whom somebody is about to end. */
  readonly ending = new Map<number, string>();
  /** Whom an operator has told to end, perhaps while it was coming back. */
  readonly told = new Set<string>();

  /** Is somebody of this path there, awake or asleep? */
  isThere(path: string): boolean {
    return this.living.has(path) || this.asleep.has(path);
  }

  isAlive(life: number): boolean {
    return this.byLife.has(life);
  }

  /** Takes an event in, after the checks have seen it. */
  update(event: SimEvent): void {
    if (event.type === "starting" || event.type === "woken") {
      const { path, life } = event;
      const supervisor = event.type === "starting" && event.behaviour === "supervisor";
      const resident: Resident = { path, life, supervisor, handler: null };
      this.living.set(path, resident);
      this.asleep.delete(path);
      this.told.delete(path);
      this.byLife.set(life, resident);
    } else if (event.type === "exited" || event.type === "gone") {
      const { path, life } = event;
      this.byLife.delete(life);
      if (this.living.get(path)?.life === life) this.living.delete(path);
      this.deaths.set(path, (this.deaths.get(path) ?? 0) + 1);
      this.lastDead.set(path, life);
    } else if (event.type === "hibernated") {
      this.byLife.delete(event.life);
      this.living.delete(event.path);
      this.asleep.add(event.path);
    } else if (event.type === "forgotten") {
      this.asleep.delete(event.path);
    } else if (event.type === "fault") {
      if (ENDS.has(event.what)) this.told.add(event.at);
    } else if (event.type === "called") {
      if (event.ends !== undefined) this.ending.set(event.key, event.ends);
    } else if (event.type === "returned") {
      this.ending.delete(event.key);
    } else if (event.type === "stop_ordered" || event.type === "child_terminated") {
      // What is done about it from here on is about its end.
      this.asleep.delete(event.path);
    } else if (event.type === "enter") {
      const resident = this.byLife.get(event.life);
      if (resident !== undefined) resident.handler = event.handler;
    } else if (event.type === "leave") {
      const resident = this.byLife.get(event.life);
      if (resident !== undefined) resident.handler = null;
    }
  }
}

/** Puts the orders of all supervisors into the stream, at the time at which they are given. */
export function observeOrders(control: Kernel, stream: EventStream, ledger: Ledger): void {
  const numbers = new WeakMap<Work, number>();
  let count = 0;
  const workOf = (parent: string): { work: number; why: string } => {
    const cell = control.members.get(parent);
    const work = cell instanceof SupervisorCell ? cell.state.work : null;
    if (work === null) return { work: 0, why: "none" };
    const number = numbers.get(work) ?? ++count;
    numbers.set(work, number);
    return { work: number, why: work.kind };
  };
  // Through the child's thread, or at once where there is only one.
  const { committer } = control;
  const transport = control.options.transport as { send: Transport["send"] };
  const [forget, post] = [committer.forget.bind(committer), transport.send.bind(transport)];
  committer.forget = (path) => {
    ledger.forgetAsked(path);
    stream.emit({ type: "forgotten", path });
    forget(path);
  };
  transport.send = (thread, envelope) => {
    if (envelope.kind === "forget") {
      ledger.forgetAsked(envelope.to);
      stream.emit({ type: "forgotten", path: envelope.to });
    }
    return post(thread, envelope);
  };
  const startChild = control.startChild.bind(control);
  const send = control.send.bind(control);
  control.startChild = (start) => {
    const { to: path, life, parent } = start;
    stream.emit({ type: "start_ordered", path, life, parent, ...workOf(parent) });
    startChild(start);
  };
  control.send = (envelope, sender) => {
    const { kind, to: path } = envelope;
    if ((kind === "shutdown" || kind === "kill") && envelope.life !== 0) {
      const parent = path.slice(0, path.lastIndexOf("/"));
      const { life } = envelope;
      stream.emit({ type: "stop_ordered", path, life, parent, ...workOf(parent) });
    }
    send(envelope, sender);
  };
}
