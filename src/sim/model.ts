/**
 * The oracle: an independent model of the OTP supervisor, as plain and direct as possible.
 *
 * Owns: what every operation on a supervision tree results in, event order included. The kernel
 * is compared with it, so they share nothing but the trace format. Numbers: rules of SEMANTICS.md.
 * Does not own: time (the caller says what second it is, a step takes none, so a `stuck` worker
 * is killed without delay); the validation of specs; exits of whole supervisors from outside.
 *
 * M1 A step runs until nothing is queued anywhere, so no child stays `restarting`.
 * M2 One supervisor at a time is at work; only its own end reaches its parent.
 */
import * as T from "./trace.ts";

type Process = { alive: boolean }; // one incarnation of a child: a restart makes a new one (5.5)
type Exit = { child: Child; process: Process; reason: T.Reason };
type Signal = Exit | { retry: Child };
type Child = {
  id: string;
  path: string;
  spec: T.TraceChild;
  parent: Child | null; // null in the root
  process: Process | "undefined" | "restarting"; // may be dead while its exit is queued (13.4)
  children: Child[]; // in start order; this and the rest are of use in supervisors only
  queue: Signal[];
  restartedAt: number[]; // the whole seconds in which it decided on a restart (7.1)
};
type Leaving = "exit" | "group" | "call" | "ignore";
const isClean = (of: T.Reason) => of === "normal" || of === "shutdown" || of[0] === "shutdown";

/** The rules as exchangeable parts: a test breaks one and looks whether anybody notices. */
export const otpRules = {
  restarts: (restart: T.Restart, reason: T.Reason): boolean =>
    restart === "permanent" || (restart === "transient" && !isClean(reason)), // 5
  concerns: (exit: Exit): boolean => exit.child.process === exit.process, // 5.4, 6.7
  admits: (recent: number, intensity: number): boolean => recent <= intensity, // 7.3
  weight: (_isRetry: boolean, _members: number): number => 1, // 6.9, 8.2
  /** 6.1-6.3, 8.6, 8.7: the first and the last child (exclusive) that a restart takes in. */
  reach: ({ strategy }: T.Flags, at: number, end: number, _isRetry: boolean): [number, number] =>
    strategy === "one_for_all" ? [0, end] : [at, strategy === "rest_for_one" ? end : at + 1],
  stopOrder: (children: Child[]): Child[] => children.toReversed(), // 3.5, 9.1
  terminates: (w: T.TraceWorker): boolean => w.trap && w.shutdown !== "brutal_kill", // 9.2, 9.3
  /** 8.1, 8.8: who is tried again, and in what place of the queue. */
  retry: (queue: Signal[], failed: Child, _culprit: Child) => queue.push({ retry: failed }),
  temporaryLeaves: (_after: Leaving): boolean => true, // 4.3, 5, 6.5, 12.1
  mayShutDown: (after: Leaving): boolean => after === "exit", // 11.3, 11.4, 11.6
  isActive: (child: Child): boolean => child.process !== "undefined", // 11.5, 11.8
  /** 11.2: `others` says whether another significant child is active. */
  autoShutdown: (flag: T.AutoShutdown, others: boolean): boolean =>
    flag === "any_significant" || (flag === "all_significant" && !others),
  endReason: "shutdown" as T.Reason, // 11.9, 15.1
  failedStartStopsOthers: true, // 3.5
  groupStartsIdle: true, // 6.4
  failedCallStoresNothing: true, // 12.2
};
export type Rules = typeof otpRules;

/** A model of that tree, not started yet; only tests pass `broken`. */
export function createModel(tree: T.TraceSupervisor, broken: Partial<Rules> = {}): Model {
  return new Model(tree, { ...otpRules, ...broken });
}

/** The tree in one state; see M1. */
export class Model {
  private readonly rules: Rules;
  private readonly root: Child;
  /** Starts so far by path: neither a restart nor a removal begins a script anew. */
  private readonly starts = new Map<string, number>();
  private ended: T.TreeState | null = null;
  private log: T.TraceEvent[] = [];
  private now = 0;

  constructor(sub: T.TraceSupervisor, rules: Rules) {
    const fields = { restart: "temporary", significant: false, shutdown: "infinity" } as const;
    this.root = newChild(null, "", { id: "", kind: "supervisor", ...fields, sub });
    this.rules = rules;
  }

  readonly start = (now = 0): T.Step => this.apply("start", now);

  /** `now` in seconds. Throws when the operation has no target in the present state. */
  apply(op: T.Op, now = 0): T.Step {
    if (this.ended !== null) throw new Error(`${JSON.stringify(op)}: the root is dead`);
    this.log = [];
    this.now = Math.floor(now);
    const result = this.perform(op);
    return { op, result, ...T.splitEvents(this.log), tree: this.ended ?? this.view(this.root) };
  }

  private perform(op: T.Op): T.Result {
    if (op === "start") {
      const error = this.begin(this.root);
      if (error !== null) this.ended = "dead";
      return error === null ? "ok" : ["error", error];
    }
    if (op[0] === "stop") {
      this.stop(this.root);
      this.ended = "dead";
      return ["exit", "shutdown"];
    }
    const target = this.find(op[1]);
    if (op[0] === "start_child") return this.startChild(target, op[2]);
    if (op[0] === "kill_many") {
      for (const path of op[2]) this.die(this.find(path), "killed");
      this.settle(target);
      return "ok";
    }
    if (op[0] !== "exit" && op[0] !== "kill") return this.call(op[0], target, op[2]);
    const reason = op[0] === "kill" ? "killed" : op[2];
    if (op[0] === "exit") this.log.push(["terminate", target.path, reason]);
    this.die(target, reason);
    this.settle(target.parent);
    return ["down", reason];
  }

  private find(path: string): Child {
    let child: Child | undefined = this.root;
    for (const id of path.split("/").filter((part) => part !== "")) {
      child = child?.children.find((other) => other.id === id);
    }
    if (typeof child?.process === "object") return child;
    throw new Error(`there is nothing running at ${path}`);
  }

  /** Starts a child in its place: the error, or null when it is up or ignored its start. */
  private begin(child: Child): T.Reason | null {
    const { spec, path } = child;
    if (spec.kind === "supervisor") return this.beginSupervisor(child);
    const count = this.starts.get(path) ?? 0;
    this.starts.set(path, count + 1);
    const outcome = spec.script[count] ?? "ok";
    this.log.push(["start", path, outcome]);
    if (outcome === "ok") child.process = { alive: true };
    else if (outcome === "ignore") this.leave(child, "ignore");
    else return T.startError(outcome);
    return null;
  }

  /** Of its predecessor neither added children nor counted restarts are left (7.7, 15.3). */
  private beginSupervisor(self: Child): T.Reason | null {
    self.restartedAt = [];
    const specs = isDynamic(self) ? [] : init(self).children;
    self.children = specs.map((spec) => newChild(self, spec.id, spec));
    this.log.push(["start", self.path, "ok"]);
    for (const child of self.children) {
      const error = this.begin(child);
      if (error === null) continue;
      if (this.rules.failedStartStopsOthers) this.stopChildren(self);
      this.log.push(["start_failed", self.path]);
      return ["shutdown", ["failed_to_start_child", child.id, error]];
    }
    self.process = { alive: true };
    return null;
  }

  private stop(child: Child): void {
    const { process, spec } = child;
    child.process = "undefined";
    if (typeof process === "string" || !process.alive) return;
    process.alive = false;
    this.stopChildren(child);
    const terminates = spec.kind === "worker" && this.rules.terminates(spec);
    if (terminates) this.log.push(["terminate", child.path, "shutdown"]);
  }

  private stopChildren(supervisor: Child): void {
    for (const child of this.rules.stopOrder(supervisor.children)) this.stop(child);
    supervisor.queue = [];
  }

  private die(child: Child, reason: T.Reason): void {
    const { process, parent } = child;
    if (typeof process === "string") return;
    this.stopChildren(child);
    process.alive = false;
    if (parent === null) this.ended = ["dead", reason];
    else parent.queue.push({ child, process, reason });
  }

  /** Works off the queue, then the parent's: the end of this supervisor may have arrived there. */
  private settle(supervisor: Child | null): void {
    if (supervisor === null) return;
    for (let next = supervisor.queue.shift(); next; next = supervisor.queue.shift()) {
      if (!("retry" in next)) this.handleExit(next, supervisor);
      else if (next.retry.process === "restarting") this.restart(next.retry, supervisor, true);
    }
    this.settle(supervisor.parent);
  }

  private handleExit(exit: Exit, supervisor: Child): void {
    const { child, reason } = exit;
    if (!this.rules.concerns(exit)) return;
    if (this.rules.restarts(child.spec.restart, reason)) this.restart(child, supervisor, false);
    else this.leave(child, "exit");
  }

  /** What follows when a child will not be restarted: its spec may go, its supervisor may end. */
  private leave(child: Child, after: Leaving): void {
    const { spec, parent } = child;
    child.process = "undefined";
    if (parent === null) return;
    const goes = spec.restart === "temporary" && this.rules.temporaryLeaves(after);
    if (goes || isDynamic(parent)) remove(child, parent);
    if (!spec.significant || !this.rules.mayShutDown(after)) return;
    const others = parent.children.some((o) => o.spec.significant && this.rules.isActive(o));
    const due = this.rules.autoShutdown(init(parent).flags.auto_shutdown, others);
    if (due) this.die(parent, this.rules.endReason);
  }

  /** Every strategy: stop the running children in reach, start all in reach that are left. */
  private restart(culprit: Child, supervisor: Child, isRetry: boolean): void {
    const { rules, now } = this;
    const { children, restartedAt } = supervisor;
    const { flags } = init(supervisor);
    const at = children.indexOf(culprit);
    const reach = children.slice(...rules.reach(flags, at, children.length, isRetry));
    // 7.2: whole seconds, and both ends of the window belong to it.
    const recent = restartedAt.filter((then) => then >= now - flags.period);
    recent.push(...Array<number>(rules.weight(isRetry, reach.length)).fill(now));
    supervisor.restartedAt = recent;
    if (!rules.admits(recent.length, flags.intensity)) {
      this.die(supervisor, rules.endReason);
      return;
    }
    const idle = reach.filter((child) => child.process === "undefined" && !rules.groupStartsIdle);
    for (const child of rules.stopOrder(reach)) {
      this.stop(child);
      if (child.spec.restart === "temporary") this.leave(child, "group");
    }
    const members = reach.filter((o) => supervisor.children.includes(o) && !idle.includes(o));
    const failed = members.find((child) => this.begin(child) !== null);
    if (failed === undefined) return;
    failed.process = "restarting";
    rules.retry(supervisor.queue, failed, culprit);
  }

  private startChild(supervisor: Child, what: T.TraceChild | string): T.Result {
    const id = typeof what === "string" ? what : what.id;
    const spec = typeof what === "string" ? init(supervisor).children[0] : what;
    const present = supervisor.children.find((child) => child.id === id)?.process;
    if (present) return ["error", present === "undefined" ? "already_present" : "already_started"];
    if (!spec) throw new Error(`${supervisor.path} has no template`);
    const child = newChild(supervisor, id, spec);
    supervisor.children.push(child);
    const result = this.beginByCall(child);
    if (result[0] === "error" && this.rules.failedCallStoresNothing) remove(child, supervisor);
    return result;
  }

  private beginByCall(child: Child): T.Result {
    const error = this.begin(child);
    if (error !== null) return ["error", error];
    return ["ok", child.process === "undefined" ? "undefined" : "pid"];
  }

  private call(name: T.AdminCall, supervisor: Child, id: string): T.Result {
    const dynamic = isDynamic(supervisor);
    const child = supervisor.children.find((other) => other.id === id);
    const byId = name === "restart_child" || name === "delete_child";
    if (dynamic && byId) return ["error", "simple_one_for_one"];
    // 10.7: the `#n` of a child that is gone stands for the reference of a dead process.
    if (!child) return dynamic && name === "terminate_child" ? "ok" : ["error", "not_found"];
    if (name === "get_childspec") return ["ok", T.specView(child.spec)];
    if (name === "terminate_child") {
      this.stop(child);
      this.leave(child, "call");
      return "ok";
    }
    if (child.process !== "undefined") return ["error", "running"];
    if (name === "restart_child") return this.beginByCall(child);
    remove(child, supervisor);
    return "ok";
  }

  private view(supervisor: Child): T.TreeView {
    const views = supervisor.children.map((child): T.ChildView => {
      const { id, path, spec, process } = child;
      const state = typeof process === "object" ? "up" : process;
      if (spec.kind === "supervisor") return [id, state, state === "up" ? this.view(child) : null];
      return [id, state, this.starts.get(path) ?? 0];
    });
    return T.treeView(views, isDynamic(supervisor));
  }
}

function init({ spec, path }: Child): T.TraceSupervisor {
  if (spec.kind === "supervisor") return spec.sub;
  throw new Error(`${path} is no supervisor`);
}

const isDynamic = (one: Child): boolean => init(one).flags.strategy === "simple_one_for_one";

function newChild(parent: Child | null, id: string, spec: T.TraceChild): Child {
  const path = parent?.parent ? `${parent.path}/${id}` : `/${id}`;
  const empty = { children: [], queue: [], restartedAt: [] };
  return { id, path, spec, parent, process: "undefined", ...empty };
}

function remove(child: Child, supervisor: Child): void {
  supervisor.children = supervisor.children.filter((other) => other !== child);
}
