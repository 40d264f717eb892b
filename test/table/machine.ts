// The supervisor's state machine on its own: commands are written down, and children obey at once.
import type { ExitReason } from "../../src/actor/exit.ts";
import { SHUTDOWN } from "../../src/actor/exit.ts";
import type { SupervisorSpec } from "../../src/actor/spec.ts";
import type { WindowUnit } from "../../src/kernel/strategy.ts";
import {
  type AdminRequest,
  type AdminResult,
  type Child,
  type Commands,
  type From,
  type Report,
  type StartOutcome,
  type SupervisorEvent,
  SupervisorState,
} from "../../src/kernel/supervision.ts";
import { begin, step } from "../../src/kernel/supervisor.ts";

export class Machine implements Commands {
  readonly state: SupervisorState;
  now = 0;
  /** "start a", "stop b", "kill c" in order. */
  did: string[] = [];
  reports: Report[] = [];
  /** Children that the store was told to forget. */
  forgot: string[] = [];
  ended: ExitReason | null = null;
  /** undefined until the supervisor's own start is over. */
  started: ExitReason | null | undefined;
  /** How the next start of a child goes; once, then ok. */
  readonly outcomes = new Map<string, StartOutcome>();
  /** Most starts and stops that were under way at one time. */
  most = 0;
  /** Who does not end when asked to. */
  readonly stubborn = new Set<string>();
  /** The life, or all (0), that has a deadline now. */
  deadlineOf: number | null = null;
  readonly #events: SupervisorEvent[] = [];
  #answer: AdminResult | null = null;
  #life = 0;

  constructor(spec: SupervisorSpec, unit: WindowUnit = "ms") {
    this.state = new SupervisorState(spec, unit);
    begin(this.state, this);
    this.#obey();
  }

  /** Something happens, and what the children do because of it. */
  feed(event: SupervisorEvent): void {
    step(this.state, event, this);
    this.#obey();
  }

  exits(id: string, reason: ExitReason): void {
    const { life } = this.state.children.get(id) as Child;
    this.feed({ type: "exited", life, reason });
  }

  call(request: AdminRequest): AdminResult | null {
    this.#answer = null;
    this.feed({ type: "call", request, from: "caller" });
    return this.#answer;
  }

  /** "a:up b:undefined", in start order. */
  get kids(): string {
    return [...this.state.children.values()].map(({ id, status }) => `${id}:${status}`).join(" ");
  }

  #will(event: SupervisorEvent): void {
    this.#events.push(event);
    this.most = Math.max(this.most, this.#events.length);
  }

  #obey(): void {
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      step(this.state, next, this);
    }
  }

  here: (id: string) => boolean = () => true;
  nowMs = () => this.now;
  nextLife = () => ++this.#life;

  start(child: Child): void {
    this.did.push(`start ${child.id}`);
    const outcome = this.outcomes.get(child.id) ?? { ok: true as const };
    this.outcomes.delete(child.id);
    this.#will({ type: "started", life: child.life, outcome });
  }

  recount(request: AdminRequest, from: From): void {
    this.#events.push({ type: "call", request, from, counted: true });
  }

  nobody(id: string): void {
    this.did.push(`nobody ${id}`);
  }

  stop(child: Child): void {
    this.did.push(`stop ${child.id}`);
    if (!this.stubborn.has(child.id)) {
      this.#will({ type: "exited", life: child.life, reason: SHUTDOWN });
    }
  }

  kill(child: Child): void {
    this.did.push(`kill ${child.id}`);
    const reason: ExitReason = { tag: "killed", by: "supervisor" };
    this.#will({ type: "exited", life: child.life, reason });
  }

  deadline(life: number): void {
    this.deadlineOf = life;
  }

  cancelDeadline(): void {
    this.deadlineOf = null;
  }

  reply(_from: unknown, result: AdminResult): void {
    this.#answer = result;
  }

  ready(error: ExitReason | null): void {
    this.started = error;
  }

  exit(reason: ExitReason): void {
    this.ended = reason;
  }

  report(report: Report): void {
    this.reports.push(report);
  }

  forget({ id }: Child, then: () => void): void {
    this.forgot.push(id);
    then();
  }
}
