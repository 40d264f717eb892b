/**
 * Owns: driving the production kernel through a scenario in the trace format: a real tree of
 * supervisors and scripted workers, virtual time, one step after the other.
 * Does not own: the format (trace.ts), the reference model (model.ts), any rule of supervision.
 */
import { z } from "zod";
import { type AnyBehaviour, actor, IGNORE } from "../actor/actor.ts";
import { type ExitReason, ExitThrown } from "../actor/exit.ts";
import { type ChildSpec, child, dynamic, type SupervisorSpec, supervisor } from "../actor/spec.ts";
import type { KernelEvent } from "../kernel/events.ts";
import type { AdminRequest, AdminResult, ChildCounts, ChildView } from "../kernel/supervision.ts";
import type * as T from "./trace.ts";
import { specView, splitEvents, startError } from "./trace.ts";
import { World } from "./world.ts";

const ROOT = "root";
/** Longest virtual time a step may take: stuck workers are killed after their shutdown time. */
const STEP_MS = 3_600_000;

const inside = (path: string) => (path === "/" ? `/${ROOT}` : `/${ROOT}${path}`);
const outside = (path: string) => (path === `/${ROOT}` ? "/" : path.slice(ROOT.length + 1));

/** OTP's reason as ours, and back. */
export function fromOtp(reason: T.Reason): ExitReason {
  if (reason === "normal") return { tag: "normal" };
  if (reason === "shutdown") return { tag: "shutdown" };
  if (Array.isArray(reason) && reason[0] === "shutdown") {
    return { tag: "shutdown", detail: reason[1] as string };
  }
  return { tag: "error", name: "otp", message: JSON.stringify(reason) };
}

export function toOtp(reason: ExitReason): T.Reason {
  switch (reason.tag) {
    case "shutdown": {
      const detail = reason.detail as
        | undefined
        | string
        | { failedToStart: string; reason: ExitReason };
      if (detail === undefined) return "shutdown";
      if (typeof detail !== "object" || Array.isArray(detail)) return ["shutdown", detail];
      return ["shutdown", ["failed_to_start_child", detail.failedToStart, toOtp(detail.reason)]];
    }
    case "error":
      return reason.name === "otp" ? JSON.parse(reason.message) : [reason.name, reason.message];
    default:
      return reason.tag;
  }
}

/** One scenario on the production kernel. */
export class Replay {
  readonly #tree: T.TraceSupervisor;
  readonly #world: World;
  readonly #starts = new Map<string, number>();
  #events: T.TraceEvent[] = [];
  #downs = new Map<string, ExitReason>();
  #running = new Set<string>();

  constructor(tree: T.TraceSupervisor, world?: { threads: number; random: () => number }) {
    this.#tree = tree;
    this.#world = new World({
      threads: world?.threads ?? 0,
      random: world?.random ?? (() => 0),
      ordered: world === undefined,
      windowUnit: "seconds",
      sink: (event) => this.#observe(event),
    });
  }

  /** Applies an operation and waits until the tree is quiet. */
  apply(op: T.Op): T.Step {
    this.#events = [];
    this.#downs = new Map();
    const result = this.#do(op);
    const { events, bag } = splitEvents(this.#events);
    return { op, result, events, bag, tree: this.#view(op) };
  }

  #settle(): void {
    this.#world.settleSync(STEP_MS);
  }

  #observe(event: KernelEvent): void {
    if (event.type === "starting" && event.behaviour === "supervisor") {
      this.#running.add(event.path);
      this.#events.push(["start", outside(event.path), "ok"]);
    } else if (event.type === "started" && event.behaviour === "supervisor") {
      this.#running.delete(event.path);
    } else if (event.type === "exited") {
      if (!this.#downs.has(event.path)) this.#downs.set(event.path, event.reason);
      if (this.#running.delete(event.path)) {
        this.#events.push(["start_failed", outside(event.path)]);
      }
    }
  }

  #do(op: T.Op): T.Result {
    const world = this.#world;
    if (op === "start") {
      world.start(this.#supervisor(ROOT, this.#tree, {}));
      this.#settle();
      const [first] = world.rootSignals;
      const outcome = first?.kind === "started" ? first.outcome : { ok: true as const };
      return "error" in outcome ? ["error", toOtp(outcome.error)] : "ok";
    }
    switch (op[0]) {
      case "exit": {
        const to = inside(op[1]);
        world.send(world.control.mail(to, "exit", fromOtp(op[2]), "", 0));
        this.#settle();
        return ["down", toOtp(this.#downs.get(to) as ExitReason)];
      }
      case "kill": {
        const to = inside(op[1]);
        world.send({ kind: "kill", to, life: 0, by: "operator" });
        this.#settle();
        return ["down", toOtp(this.#downs.get(to) as ExitReason)];
      }
      case "kill_many":
        return this.#killMany(inside(op[1]), op[2].map(inside));
      case "stop":
        world.send({ kind: "shutdown", to: `/${ROOT}`, life: 0, reason: { tag: "shutdown" } });
        this.#settle();
        return ["exit", toOtp(this.#downs.get(`/${ROOT}`) as ExitReason)];
      default:
        return this.#admin(op);
    }
  }

  #killMany(supervisor: string, paths: string[]): T.Result {
    const world = this.#world;
    world.send({ kind: "suspend", to: supervisor });
    this.#settle();
    for (const to of paths) {
      world.send({ kind: "kill", to, life: 0, by: "operator" });
      // One after the other: their exits arrive in this order.
      this.#settle();
    }
    world.send({ kind: "resume", to: supervisor });
    this.#settle();
    return "ok";
  }

  #admin(op: Exclude<T.Op, "start" | ["stop"]>): T.Result {
    const [call, path, operand] = op as [
      T.AdminCall | "start_child",
      string,
      string | T.TraceChild,
    ];
    const request = this.#request(call, path, operand);
    let result: AdminResult | null = null;
    this.#world.control.call(inside(path), request, STEP_MS * 2, (answer) => {
      if (answer.ok) result = answer.value as AdminResult;
    });
    this.#settle();
    return this.#result(call, result);
  }

  #request(call: T.AdminCall | "start_child", path: string, operand: string | T.TraceChild) {
    if (call !== "start_child") return { op: call, id: operand as string } satisfies AdminRequest;
    if (typeof operand === "string") return { op: call, id: operand } satisfies AdminRequest;
    return { op: call, spec: this.#child(operand, `${path}/${operand.id}`) } satisfies AdminRequest;
  }

  #result(call: string, result: AdminResult | null): T.Result {
    if (result === null) return ["error", "no_answer"];
    if ("error" in result) {
      if (result.error === "start_failed") return ["error", toOtp(result.reason as ExitReason)];
      return ["error", result.error === "dynamic" ? "simple_one_for_one" : result.error];
    }
    if (call === "terminate_child" || call === "delete_child") return "ok";
    if (call === "get_childspec") {
      const spec = result.ok as ChildSpec;
      const trace = this.#specs.get(spec);
      return trace ? ["ok", specView(trace)] : ["error", "unknown_spec"];
    }
    return ["ok", result.ok === null ? "undefined" : "pid"];
  }

  /** Specs of ours → specs of the trace. */
  readonly #specs = new Map<ChildSpec, T.TraceChild>();

  #supervisor(
    id: string,
    tree: T.TraceSupervisor,
    as: { restart?: T.Restart; significant?: boolean; shutdown?: T.Shutdown },
  ): SupervisorSpec {
    const { strategy, intensity, period, auto_shutdown } = tree.flags;
    const flags = { intensity, period: period * 1_000, ...as };
    if (strategy !== "simple_one_for_one") {
      const children = tree.children.map((each) => this.#child(each));
      return supervisor(id, { ...flags, strategy, autoShutdown: auto_shutdown }, children);
    }
    const template = tree.children[0] as T.TraceChild;
    const spec = this.#child(template);
    if (spec.kind === "supervisor") return dynamic(id, flags, spec);
    const { restart, significant, shutdown } = template;
    const made = dynamic(id, flags, spec.behaviour, { restart, significant, shutdown });
    this.#specs.set(made.template as ChildSpec, template);
    return made;
  }

  #child(spec: T.TraceChild, _path = ""): ChildSpec {
    const { id, restart, significant, shutdown } = spec;
    const made =
      spec.kind === "supervisor"
        ? this.#supervisor(id, spec.sub, { restart, significant, shutdown })
        : child(id, this.#worker(spec), { restart, significant, shutdown, maxDeliveries: 1 });
    this.#specs.set(made, spec);
    return made;
  }

  /** A worker that does what its script says and logs what OTP's workers logged. */
  #worker(spec: T.TraceWorker): AnyBehaviour {
    let own = false;
    return actor("worker", {
      args: z.unknown(),
      state: z.null(),
      messages: { exit: z.custom<ExitReason>() },
      init: (_args, ctx) => {
        const path = outside(ctx.self.path);
        const count = this.#starts.get(path) ?? 0;
        this.#starts.set(path, count + 1);
        const outcome = spec.script[count] ?? "ok";
        this.#events.push(["start", path, outcome]);
        own = false;
        if (outcome === "ok") return null;
        if (outcome === "ignore") return IGNORE;
        throw new ExitThrown(fromOtp(startError(outcome) ?? "refused"));
      },
      on: {
        exit: (_state, reason, ctx) => {
          own = true;
          ctx.exit(reason);
        },
      },
      trapExit: spec.trap,
      terminate: (_state, reason, ctx) => {
        this.#events.push(["terminate", outside(ctx.self.path), toOtp(reason)]);
        return spec.stuck && !own ? new Promise(() => {}) : undefined;
      },
    });
  }

  #view(op: T.Op): T.TreeState {
    const root = this.#downs.get(`/${ROOT}`);
    if (root === undefined) return this.#tree_(`/${ROOT}`);
    return op === "start" || op[0] === "stop" ? "dead" : ["dead", toOtp(root)];
  }

  #ask<V>(path: string, op: "which_children" | "count_children"): V {
    let value: unknown;
    this.#world.control.call(path, { op }, STEP_MS, (answer) => {
      if (answer.ok) value = (answer.value as { ok: V }).ok;
    });
    this.#settle();
    return value as V;
  }

  #tree_(path: string): T.TreeView {
    const children = this.#ask<ChildView[]>(path, "which_children");
    const { specs, active, supervisors, workers } = this.#ask<ChildCounts>(path, "count_children");
    const views = children.map((each): T.ChildView => {
      const at = `${path}/${each.id}`;
      const known = each.status as T.ChildState | "starting";
      const state = known === "starting" ? "restarting" : known;
      if (each.kind === "actor") return [each.id, state, this.#starts.get(outside(at)) ?? 0];
      return [each.id, state, state === "up" ? this.#tree_(at) : null];
    });
    if (views.every(([id]) => id.startsWith("#"))) views.sort((a, b) => (a[0] < b[0] ? -1 : 1));
    return { children: views, counts: [specs, active, supervisors, workers] };
  }
}
