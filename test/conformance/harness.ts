// The bench all conformance cases run on: a simulated node, virtual time, scriptable workers.
// `const t = new Bench(); await t.sup({ intensity: 2 }, [t.w("c1"), t.w("c2")]);`
// Names: "s" is the supervisor under test, "c1" its child, "a/c1" a grandchild; "/x" is absolute.
// Every verb lets the tree come to rest at the present time; only `advance` and waiting for an
// answer move the clock. Exit reasons are compared as `formatReason` prints them.
import type { AnyBehaviour } from "../../src/actor/actor.ts";
import { type ExitReason, formatReason } from "../../src/actor/exit.ts";
import type { Ref } from "../../src/actor/protocol.ts";
import {
  type ChildSpec,
  child,
  type DynamicFlags,
  dynamic,
  type SupervisorFlags,
  type SupervisorSpec,
  supervisor,
} from "../../src/actor/spec.ts";
import type { KernelEvent } from "../../src/kernel/events.ts";
import type { Answer, Envelope } from "../../src/kernel/ports.ts";
import type {
  AdminRequest,
  AdminResult,
  ChildCounts,
  ChildView,
} from "../../src/kernel/supervision.ts";
import { seeded } from "../../src/sim/random.ts";
import { World, type WorldOptions } from "../../src/sim/world.ts";
import { adminResult } from "./calls.ts";
import {
  err,
  type Reports,
  type Run,
  scripted,
  short,
  shut,
  type WorkerMessages,
  type WorkerOptions,
} from "./worker.ts";

export * from "./calls.ts";
export * from "./worker.ts";

/** Runs a case that holds races again and again, on three threads, a seed each. */
export async function races(times: number, body: (t: Bench, seed: number) => Promise<void>) {
  for (let seed = 1; seed <= times; seed++) await body(new Bench({ threads: 2, seed }), seed);
}

/** One node under test. */
export class Bench {
  readonly world: World;
  /** "start c1", "start c1 ignore", "terminate c1 shutdown", "exit c1 shutdown", in order. */
  readonly log: string[] = [];
  readonly events: KernelEvent[] = [];
  /** What handlers of workers were told: "c1 down /s/c2 normal", "c1 exit /s/c2 normal". */
  readonly notices: string[] = [];
  readonly #starts = new Map<string, number>();
  readonly #exits = new Map<string, ExitReason[]>();
  readonly #behaviours = new Map<WorkerOptions, AnyBehaviour>();
  readonly #reports: Reports;

  constructor(options: Partial<WorldOptions> & { seed?: number } = {}) {
    const { seed, ...rest } = options;
    const { log, notices } = this;
    this.#reports = { log, notices, starts: this.#starts, own: new Set() };
    this.world = new World({
      threads: 0,
      random: seed === undefined ? () => 0 : seeded(seed),
      ordered: seed === undefined,
      ...rest,
      sink: (event) => this.#observe(event),
    });
  }

  #observe(event: KernelEvent): void {
    this.events.push(event);
    if (event.type !== "exited") return;
    this.log.push(`exit ${short(event.path)} ${formatReason(event.reason)}`);
    const known = this.#exits.get(event.path);
    if (known === undefined) this.#exits.set(event.path, [event.reason]);
    else known.push(event.reason);
  }

  path = (id: string): string => (id.startsWith("/") ? id : id === "s" ? "/s" : `/s/${id}`);
  ref = (id: string): Ref<WorkerMessages> => ({ path: this.path(id), behaviour: "worker" });

  /* ---- making and starting trees ---- */

  /** A scriptable worker. */
  w(id: string, options: WorkerOptions = {}): ChildSpec {
    return child(id, this.behaviour(options), { args: undefined, ...options });
  }

  /** What {@link w} runs; the same options value is the same behaviour. */
  behaviour(options: WorkerOptions = {}): AnyBehaviour {
    const made = this.#behaviours.get(options) ?? scripted(options, this.#reports);
    this.#behaviours.set(options, made);
    return made;
  }

  /** Starts the supervisor under test. @returns "ok" or why it did not start */
  sup(flags: SupervisorFlags, specs: readonly ChildSpec[]): Promise<string> {
    return this.start(supervisor("s", flags, specs));
  }

  /** The same for a dynamic one. */
  dyn(flags: DynamicFlags, of: WorkerOptions | SupervisorSpec = {}): Promise<string> {
    if ("kind" in of) return this.start(dynamic("s", flags, of));
    return this.start(dynamic("s", flags, this.behaviour(of), of));
  }

  async start(root: SupervisorSpec): Promise<string> {
    this.world.start(root);
    await this.settle();
    const first = this.world.rootSignals[0];
    if (first === undefined) return "starting";
    if (first.kind === "exited") return formatReason(first.reason);
    return "error" in first.outcome ? formatReason(first.outcome.error) : "ok";
  }

  /* ---- time ---- */

  /** Until nothing can happen but time. */
  async settle(): Promise<void> {
    await this.steps(0);
    await this.world.settle();
  }

  /** A few steps only, with what awaits them: somewhere in the middle. */
  async steps(count: number): Promise<void> {
    for (let left = count; ; left--) {
      if (this.world.takeLoose()) await this.world.drain();
      if (left <= 0 || !this.world.step()) return;
    }
  }

  /** Lets virtual time pass. */
  async advance(ms: number): Promise<void> {
    const until = this.now + ms;
    await this.settle();
    await this.world.settle(ms);
    this.world.advance(until);
    await this.settle();
  }

  get now(): number {
    return this.world.nowMs;
  }

  /* ---- from outside ---- */

  /** Sends, and lets follow what follows. */
  async send(envelope: Envelope): Promise<void> {
    this.world.send(envelope);
    await this.settle();
  }

  tell(id: string, type: string, message?: unknown): Promise<void> {
    return this.send(this.world.control.mail(this.path(id), type, message, "", 0));
  }

  /** The actor ends itself. */
  die = (id: string, reason = err()) => this.tell(id, "exit", reason);
  /** Runs a function inside of a worker. @example t.run("c1", (ctx) => ctx.link(t.ref("c2"))) */
  run = (id: string, body: Run) => this.tell(id, "run", body);
  /** Untrappable. */
  kill = (id: string) => this.send({ kind: "kill", to: this.path(id), life: 0, by: "operator" });
  /** An orderly stop, as from its parent. */
  stop = (id = "s", reason = shut()) =>
    this.send({ kind: "shutdown", to: this.path(id), life: 0, reason });
  /** An exit signal of a stranger. */
  exit = (id: string, reason: ExitReason) =>
    this.send({ kind: "exit", to: this.path(id), from: "", reason, linked: false });
  suspend = (id = "s") => this.send({ kind: "suspend", to: this.path(id) });
  resume = (id = "s") => this.send({ kind: "resume", to: this.path(id) });

  /** Asks; time goes on until the answer is there. */
  ask(id: string, type: string, message?: unknown, ms = 5_000): Promise<Answer> {
    const { control } = this.world;
    return this.#answer((done) => control.request(this.path(id), type, message, ms, done));
  }

  /** The value of a function run inside of a worker, or the code of the ask's failure. */
  async eval(id: string, body: Run): Promise<unknown> {
    const answer = await this.ask(id, "eval", body);
    return answer.ok ? answer.value : answer.code;
  }

  async state(id: string): Promise<unknown> {
    const { control } = this.world;
    const call = (done: (answer: Answer) => void) =>
      control.call(this.path(id), "get_state", 5_000, done);
    const answer = await this.#answer(call);
    return answer.ok ? answer.value : answer.code;
  }

  /** An administrative call; time goes on until it is answered. */
  async admin(request: AdminRequest, id = "s"): Promise<AdminResult> {
    const { control } = this.world;
    const wait = Number.POSITIVE_INFINITY;
    const call = (done: (answer: Answer) => void) =>
      control.call(this.path(id), request, wait, done);
    return adminResult(await this.#answer(call));
  }

  /** The same without waiting: `result` is null until the answer arrives. */
  post(request: AdminRequest, id = "s"): { result: AdminResult | null } {
    const box: { result: AdminResult | null } = { result: null };
    const wait = Number.POSITIVE_INFINITY;
    this.world.control.call(this.path(id), request, wait, (answer) => {
      box.result = adminResult(answer);
    });
    return box;
  }

  async #answer(begin: (done: (answer: Answer) => void) => void): Promise<Answer> {
    const got: Answer[] = [];
    begin((answer) => got.push(answer));
    for (;;) {
      await this.settle();
      if (got[0] !== undefined) return got[0];
      if (!this.world.jump()) return { ok: false, code: "timeout", message: "nobody answers" };
    }
  }

  /* ---- looking ---- */

  /** Number of starts so far. */
  n = (id: string): number => this.#starts.get(this.path(id)) ?? 0;
  /** All exits so far, as text. */
  downs = (id: string): string[] => (this.#exits.get(this.path(id)) ?? []).map(formatReason);
  /** The last exit as text, or null. */
  down = (id: string): string | null => this.downs(id).at(-1) ?? null;
  reason = (id: string): ExitReason | undefined => this.#exits.get(this.path(id))?.at(-1);
  alive = (id = "s"): boolean =>
    this.world.hosts.some(({ kernel }) => kernel.members.has(this.path(id)));
  /** All events of one type. */
  of = <T extends KernelEvent["type"]>(type: T) =>
    this.events.filter((each): each is Extract<KernelEvent, { type: T }> => each.type === type);

  async views(id = "s"): Promise<ChildView[]> {
    const result = await this.admin({ op: "which_children" }, id);
    return "ok" in result ? (result.ok as ChildView[]) : [];
  }

  /** "c2:up", "c1:undefined": as listed, so in reverse start order. */
  async kids(id = "s"): Promise<string[]> {
    return (await this.views(id)).map((each) => `${each.id}:${each.status}`);
  }

  /** "specs/active/supervisors/workers" */
  async count(id = "s"): Promise<string> {
    const result = await this.admin({ op: "count_children" }, id);
    if ("error" in result) return result.error;
    const { specs, active, supervisors, workers } = result.ok as ChildCounts;
    return `${specs}/${active}/${supervisors}/${workers}`;
  }
}
