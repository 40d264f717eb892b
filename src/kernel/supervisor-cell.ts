/**
 * Owns: the shell around one supervisor's state machine: envelopes in, commands out through the
 * kernel. Does not own: any decision (supervisor.ts and below).
 */
import { type ExitReason, SHUTDOWN } from "../actor/exit.ts";
import type { SupervisorSpec } from "../actor/spec.ts";
import { failed, replyTo } from "./answers.ts";
import { absent } from "./delivery.ts";
import type { Fact } from "./events.ts";
import { Fifo } from "./fifo.ts";
import type { Kernel, Member } from "./kernel.ts";
import type { Completion, Signal } from "./ports.ts";
import { adopt, NOBODY, rehome } from "./rehoming.ts";
import { Sleepers } from "./sleepers.ts";
import {
  type AdminRequest,
  type AdminResult,
  type Child,
  type Commands,
  type From,
  mayHibernate,
  newChild,
  type Report,
  STORED,
  SupervisorState,
} from "./supervision.ts";
import { begin, pump, step } from "./supervisor.ts";
import { supervisorEnded, supervisorStarted } from "./telling.ts";
import type { TimerEntry } from "./timers.ts";

type Caller = { from: string; ask: number };

/** One incarnation of one supervisor. */
export class SupervisorCell implements Commands {
  readonly kernel: Kernel;
  readonly path: string;
  readonly life: number;
  readonly incarnation: number;
  readonly parent: string;
  readonly spec: SupervisorSpec;
  readonly state: SupervisorState;
  readonly signals = new Fifo<Signal>();
  follower: Member | null = null;
  started = false;
  reductions = 0;
  #begun = false;
  /** Joined once: a path is then one string and not three. */
  readonly #prefix: string;
  #lastChild: Child | null = null;
  #lastPath = "";
  /** Waits for the store's list of durable children: like a start, it serves nothing meanwhile. */
  #listing = false;
  #deadline: TimerEntry | null = null;
  /** Set where children may be in the store only. */
  readonly sleepers: Sleepers | null;

  constructor(kernel: Kernel, start: Extract<Signal, { kind: "start" }>) {
    this.kernel = kernel;
    this.path = start.to;
    this.#prefix = `${start.to}/`;
    this.life = start.life;
    this.incarnation = start.incarnation;
    this.parent = start.parent;
    this.spec = start.spec as SupervisorSpec;
    this.state = new SupervisorState(this.spec, kernel.windowUnit);
    this.sleepers = mayHibernate(this.state) ? new Sleepers(this) : null;
  }

  receive(signal: Signal): void {
    this.signals.push(signal);
    this.kernel.schedule(this);
  }

  /** Serves all signals. A supervisor has no budget: what it runs is ours and short. */
  turn(_messages?: number, _reductions?: number): boolean {
    if (!this.#begun) {
      this.#begun = true;
      const { template } = this.spec;
      this.#listing = template?.kind === "actor" && template.durable;
      if (this.sleepers !== null) this.sleepers.survey();
      else if (this.#listing) this.kernel.committer.list(this.path);
      else begin(this.state, this);
    }
    if (this.#listing) {
      const kill = [...this.signals].find(({ kind }) => kind === "kill");
      if (kill !== undefined) this.#on(kill);
      return false;
    }
    for (let next = this.signals.shift(); next !== undefined; next = this.signals.shift()) {
      this.reductions++;
      this.#on(next);
    }
    this.sleepers?.lookOn();
    return false;
  }

  /** Of children that may be in the store only. */
  told(completion: Extract<Completion, { kind: "paged" | "due" }>): void {
    this.sleepers?.told(completion);
    // Who is needed is woken in its turn; none of them is part of the start.
    if (completion.kind === "paged" && this.#listing) {
      this.#listing = false;
      begin(this.state, this);
    }
    this.kernel.schedule(this);
  }

  /** Durable children of earlier lives, from the store: they come back with their state. */
  listed(children: readonly { id: string; args: unknown }[]): void {
    // A list asked for by an earlier life may come first: it is the same, and ours is dropped.
    if (!this.#listing) return adopt(this, children);
    this.#listing = false;
    for (const { id, args } of children) {
      const child = newChild(id, this.spec.template as never, args);
      this.state.children.set(id, child);
      const handedOut = /^#(\d+)$/.exec(id);
      if (handedOut) {
        this.state.handedOut = Math.max(this.state.handedOut, Number(handedOut[1]));
      }
    }
    begin(this.state, this);
    this.kernel.schedule(this);
  }

  #on(signal: Signal): void {
    switch (signal.kind) {
      case "started":
        return step(
          this.state,
          { type: "started", life: signal.life, outcome: signal.outcome },
          this,
        );
      case "exited":
        return step(this.state, { type: "exited", life: signal.life, reason: signal.reason }, this);
      case "call": {
        if (this.kernel.options.elsewhere?.take(signal)) return;
        if (signal.request.op === "rehome") rehome(this);
        if (signal.request.op === "which_children" && this.sleepers !== null) {
          return this.sleepers.list(signal, signal.request);
        }
        const from: Caller = { from: signal.from, ask: signal.ask };
        return step(this.state, { type: "call", request: signal.request, from }, this);
      }
      case "hibernated":
        this.sleepers?.expects(signal.dueMs);
        return step(this.state, { ...signal, type: "hibernated" }, this);
      case "wake":
        if (this.sleepers === null) return this.nobody(signal.id);
        return step(this.state, { type: "wake", id: signal.id, sure: false }, this);
      case "shutdown":
        if (signal.life !== 0 && signal.life !== this.life) return;
        return step(this.state, { type: "shutdown", reason: signal.reason }, this);
      case "kill": {
        if (signal.life !== 0 && signal.life !== this.life) return;
        const reason: ExitReason = { tag: "killed", by: signal.by };
        return step(this.state, { type: "kill", reason }, this);
      }
      case "suspend":
        this.state.suspended = true;
        return;
      case "resume":
        this.state.suspended = false;
        return pump(this.state, this);
      case "link":
      case "watch":
        return absent(this.kernel, signal);
      case "get_state":
        return this.kernel.send(replyTo(signal, failed("refused", this.path)), null);
    }
  }

  /* ---- Commands of the state machine ---- */

  nowMs(): number {
    return this.kernel.nowMs;
  }

  nextLife(): number {
    return this.kernel.nextLife();
  }

  /** The same text for what is said of one child after another. */
  childPath(child: Child): string {
    if (child !== this.#lastChild) {
      this.#lastChild = child;
      this.#lastPath = this.#prefix + child.id;
    }
    return this.#lastPath;
  }

  here(id: string): boolean {
    return !this.kernel.options.elsewhere?.has(this.#prefix + id);
  }

  start(child: Child): void {
    if (!this.here(child.id)) {
      const outcome = { ignore: true, elsewhere: true } as const;
      return this.receive({ kind: "started", to: this.path, life: child.life, outcome });
    }
    const { life, starts: incarnation, spec, args } = child;
    const to = this.childPath(child);
    const parent = this.path;
    const start = { kind: "start" as const, to, life, incarnation, spec, args, parent };
    if (args !== STORED) return this.kernel.startChild(start);
    const woken = this.sleepers?.sinceMs ?? Number.POSITIVE_INFINITY;
    this.kernel.startChild({ ...start, args: undefined, woken });
  }

  stop(child: Child): void {
    const to = this.childPath(child);
    this.kernel.send({ kind: "shutdown", to, life: child.life, reason: SHUTDOWN }, null);
  }

  kill(child: Child): void {
    const to = this.childPath(child);
    this.kernel.send({ kind: "kill", to, life: child.life, by: "supervisor" }, null);
  }

  deadline(life: number, ms: number): void {
    this.#deadline = this.kernel.timers.add(this.kernel.nowMs + ms, () => {
      this.#deadline = null;
      step(this.state, { type: "deadline", life }, this);
    });
  }

  cancelDeadline(): void {
    if (this.#deadline !== null) this.kernel.timers.cancel(this.#deadline);
    this.#deadline = null;
  }

  reply(from: From, result: AdminResult): void {
    if (from === NOBODY) return;
    this.kernel.send(replyTo(from as Caller, { ok: true, value: result }), null);
  }

  ready(error: ExitReason | null): void {
    if (error !== null) return this.exit(error);
    this.started = true;
    supervisorStarted(this);
  }

  exit(reason: ExitReason): void {
    this.cancelDeadline();
    this.sleepers?.end();
    supervisorEnded(this, reason);
  }

  forget(child: Child, then: () => void): void {
    if (child.spec.kind !== "actor" || !child.spec.durable) return then();
    if (this.sleepers !== null) this.nobody(child.id);
    // It lives on another node, where its state is needed.
    if (!this.here(child.id)) return then();
    const to = this.childPath(child);
    this.kernel.forgetting.ask(to, this.kernel.moves.threadOf(to, false), then);
  }

  recount(request: AdminRequest, from: From): void {
    this.sleepers?.count({ request, from });
  }

  nobody(id: string): void {
    this.kernel.callers.tellGone(this.#prefix + id);
  }

  report(report: Report): void {
    const path = this.childPath(report.child);
    const { life } = report.child;
    switch (report.kind) {
      case "progress":
        return this.kernel.emit({ type: "child_started", path, life, cause: report.cause });
      case "child_terminated":
        return this.kernel.emit({ type: "child_terminated", path, life, reason: report.reason });
      case "restart_intensity": {
        const { intensity, periodMs } = report;
        const child = report.child.id;
        const fact = {
          type: "restart_intensity" as const,
          path: this.path,
          child,
          intensity,
          periodMs,
        };
        return this.kernel.emit(fact);
      }
      default:
        // (As TypeScript does not multiply out unions as long as this one.)
        return this.kernel.emit({ type: report.kind, path, reason: report.reason } as Fact);
    }
  }
}
