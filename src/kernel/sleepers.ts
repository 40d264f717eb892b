/**
 * Owns: what a supervisor asks the store about its children that are in the store only: how many there
 * are, for whom something waits, when the next of their timers is due.
 * Does not own: bringing them back (waking.ts), what the store answers (store/).
 */
import { failed, replyTo } from "./answers.ts";
import type { Completion, Signal } from "./ports.ts";
import {
  type AdminRequest,
  type AdminResult,
  type ChildView,
  type From,
  shownStatus,
} from "./supervision.ts";
import { step } from "./supervisor.ts";
import type { SupervisorCell } from "./supervisor-cell.ts";
import type { TimerEntry } from "./timers.ts";
import { WAKES_MAX } from "./waking.ts";

type Call = Extract<Signal, { kind: "call" }>;
/** A call that waits until they are counted. */
type Counted = { readonly request: AdminRequest; readonly from: From };
/** What a page of all children is for: to be seen, to be counted, or, null, for the beginning. */
type Purpose = { readonly show: Call } | Counted | null;

/** The clock on the wall may be set, and a machine may sleep. @unit ms */
const PATIENCE_MS = 60_000;
/** Timers of those who are awake are in the store too: not each of them is looked for. @unit ms */
const LOOKS_APART_MS = 100;
const PAGE_MAX = 1_000;

/** A supervisor's sleeping children. */
export class Sleepers {
  readonly #cell: SupervisorCell;
  /** Pages asked for, and before them those that wait until what must be forgotten is. */
  readonly #pages: Purpose[] = [];
  readonly #held: { readonly purpose: Purpose; readonly after: string; readonly max: number }[] =
    [];
  /** Wall time of the first timer that is not due yet. */
  #nextMs: number | null = null;
  #alarm: TimerEntry | null = null;
  /** Wall time since which their timers are watched. */
  sinceMs = 0;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Where to look on when those found so far are back. */
  #behind: string | null = null;

  constructor(cell: SupervisorCell) {
    this.#cell = cell;
  }

  /** Counts them, and then finds those who are needed. */
  survey(): void {
    const { kernel } = this.#cell;
    this.sinceMs = kernel.calendar.wall(kernel.nowMs);
    this.#page(null, "", 1);
  }

  /** Finds those for whom something waits. */
  look(after = ""): void {
    const { kernel, path, life } = this.#cell;
    this.#behind = null;
    this.#nextMs = null;
    this.#disarm();
    this.#lookedMs = kernel.nowMs;
    kernel.committer.due(path, life, kernel.calendar.wall(kernel.nowMs), after, WAKES_MAX);
  }

  /** Those found are dealt with: there may be more. */
  lookOn(): void {
    if (this.#behind !== null && this.#cell.state.waking.size === 0) this.look(this.#behind);
  }

  /** The store has answered. */
  told(completion: Extract<Completion, { kind: "paged" | "due" }>): void {
    const cell = this.#cell;
    const { state } = cell;
    if (completion.kind === "due") {
      if (!state.ended) this.#found(completion);
      return;
    }
    const purpose = this.#pages.shift() ?? null;
    const awake = [...state.children.values()].filter(
      ({ life, status }) => life !== 0 && status !== "starting",
    );
    state.asleep = Math.max(completion.total - awake.length, 0);
    state.handedOut = Math.max(state.handedOut, completion.handedOut);
    if (purpose === null) this.look();
    else if ("show" in purpose) this.#show(purpose.show, completion);
    else step(state, { type: "call", ...purpose, counted: true }, cell);
  }

  /** One has gone to sleep: at `dueMs` it must be back. */
  expects(dueMs: number | null): void {
    if (dueMs === null || (this.#nextMs !== null && this.#nextMs <= dueMs)) return;
    this.#nextMs = dueMs;
    this.#arm();
  }

  /** All children, page by page: for people. */
  list(call: Call, { after = "", max = PAGE_MAX }: { after?: string; max?: number }): void {
    this.#page({ show: call }, after, Math.max(1, Math.min(max, PAGE_MAX)));
  }

  /** Counts them, for a call. */
  count(call: Counted): void {
    this.#page(call, "", 1);
  }

  /** What must be forgotten is: pages that waited for that are asked for. */
  ask(): void {
    const { kernel, path, life } = this.#cell;
    for (const each of kernel.forgetting.paths) if (each.startsWith(`${path}/`)) return;
    for (const { purpose, after, max } of this.#held.splice(0)) {
      this.#pages.push(purpose);
      kernel.committer.page(path, life, after, max);
    }
  }

  end(): void {
    const { kernel, path } = this.#cell;
    this.#disarm();
    const open = [...this.#pages.splice(0), ...this.#held.splice(0).map((each) => each.purpose)];
    for (const purpose of open) {
      if (purpose === null) continue;
      if ("show" in purpose) kernel.send(replyTo(purpose.show, failed("exited", path)), null);
      else this.#cell.reply(purpose.from, { error: "exited" });
    }
  }

  #page(purpose: Purpose, after: string, max: number): void {
    this.#held.push({ purpose, after, max });
    this.ask();
  }

  #found({ ids, nextMs }: Extract<Completion, { kind: "due" }>): void {
    const cell = this.#cell;
    for (const id of ids) step(cell.state, { type: "wake", id, sure: true }, cell);
    if (ids.length === WAKES_MAX) this.#behind = ids.at(-1) ?? null;
    this.expects(nextMs);
  }

  #show(call: Call, { ids, next }: Extract<Completion, { kind: "paged" }>): void {
    const { kernel, state } = this.#cell;
    const views = ids.map((id): ChildView => {
      const child = state.children.get(id);
      if (child === undefined) return { id, status: "asleep", kind: "actor", starts: 0, life: 0 };
      const { starts, life } = child;
      return { id, status: shownStatus(child), kind: "actor", starts, life };
    });
    const value: AdminResult = next === "" ? { ok: views } : { ok: views, next };
    kernel.send(replyTo(call, { ok: true, value }), null);
  }

  #disarm(): void {
    if (this.#alarm !== null) this.#cell.kernel.timers.cancel(this.#alarm);
    this.#alarm = null;
  }

  #arm(): void {
    const { kernel } = this.#cell;
    this.#disarm();
    const { nowMs } = kernel;
    const dueMs = this.#nextMs;
    if (dueMs === null) return;
    const left = Math.min(dueMs - kernel.calendar.wall(nowMs), PATIENCE_MS);
    const atMs = Math.max(nowMs + left, this.#lookedMs + LOOKS_APART_MS, nowMs);
    this.#alarm = kernel.timers.add(atMs, () => {
      this.#alarm = null;
      if (kernel.calendar.wall(kernel.nowMs) < dueMs) this.#arm();
      else this.look();
    });
  }
}
