/**
 * Owns: how the facts of a thread come to the main thread. What every start and every end says is put
 * into one list of numbers and one text, which are cheaper to pass than as many objects; the others
 * go as they are.
 * Does not own: which facts leave the thread (thread-main.ts), what becomes of them (node.ts).
 *
 * A fact is a row of numbers: its kind below, the time, the life, then its incarnation or cause. What is
 * said for the first time, or otherwise than in the row before, is added to the kind: the path, and the
 * behaviour or reason. OTHER stands for the next of the other facts.
 */
import type { ExitReason } from "../actor/exit.ts";
import type { Fact, KernelEvent } from "../kernel/events.ts";

const OTHER = 0;
const STARTED = 1;
const EXITED = 2;
const CHILD_STARTED = 3;
const CHILD_TERMINATED = 4;
const KINDS = 7;

const NEW_PATH = 8;
const NEW_LAST = 16;

const CAUSES = ["init", "restart", "call"] as const;

/** Numbers of a row. */
const ROW = 4;
/** Room for rows at first; it grows with the largest batch. */
const ROWS = 64;
/** Between texts: neither paths nor names of behaviours have it. */
const END = "\n";

/** Facts under way. `reasons` are JSON, unless one of them is none. */
export interface Facts {
  readonly thread: number;
  readonly rows: Float64Array;
  /** Paths and behaviours, in the order of the rows. */
  readonly texts: string;
  readonly reasons: string | readonly ExitReason[];
  readonly others: readonly KernelEvent[];
}

/** Facts that wait to be sent. */
export class FactsToSend {
  readonly #thread: number;
  #rows = new Float64Array(ROWS * ROW);
  #at = 0;
  #texts: string[] = [];
  #reasons: ExitReason[] = [];
  #others: KernelEvent[] = [];
  #path = "";
  #life = 0;
  #behaviour = "";
  #reason: ExitReason | null = null;

  constructor(thread: number) {
    this.#thread = thread;
  }

  /** @returns is it the first one that waits? */
  add(fact: Fact, atMs: number): boolean {
    const first = this.#at === 0;
    switch (fact.type) {
      case "started": {
        const { life, incarnation, behaviour } = fact;
        const kind = STARTED + this.#once(fact.path, life);
        this.#row(kind + this.#onceBehaviour(behaviour), atMs, life, incarnation);
        break;
      }
      case "exited": {
        const { life, incarnation, reason } = fact;
        const kind = EXITED + this.#once(fact.path, life);
        this.#row(kind + this.#onceReason(reason), atMs, life, incarnation);
        break;
      }
      case "child_started": {
        const kind = CHILD_STARTED + this.#once(fact.path, fact.life);
        this.#row(kind, atMs, fact.life, CAUSES.indexOf(fact.cause));
        break;
      }
      case "child_terminated": {
        const kind = CHILD_TERMINATED + this.#once(fact.path, fact.life);
        this.#row(kind + this.#onceReason(fact.reason), atMs, fact.life, 0);
        break;
      }
      default:
        this.#row(OTHER, atMs, 0, 0);
        this.#others.push({ atMs, thread: this.#thread, ...fact });
    }
    return first;
  }

  /** All that wait, or null. */
  take(): Facts | null {
    if (this.#at === 0) return null;
    const rows = this.#rows.slice(0, this.#at);
    const reasons = textOf(this.#reasons);
    const facts = { rows, texts: this.#texts.join(END), reasons, others: this.#others };
    this.#at = 0;
    this.#texts = [];
    this.#reasons = [];
    this.#others = [];
    this.#path = this.#behaviour = "";
    this.#reason = null;
    return { thread: this.#thread, ...facts };
  }

  #row(kind: number, atMs: number, life: number, last: number): void {
    if (this.#at === this.#rows.length) {
      const more = new Float64Array(this.#at * 2);
      more.set(this.#rows);
      this.#rows = more;
    }
    const rows = this.#rows;
    const at = this.#at;
    rows[at] = kind;
    rows[at + 1] = atMs;
    rows[at + 2] = life;
    rows[at + 3] = last;
    this.#at = at + ROW;
  }

  /** (Another life has another path, mostly: numbers are compared at once, texts are not.) */
  #once(path: string, life: number): number {
    if (life === this.#life && path === this.#path) return 0;
    this.#path = path;
    this.#life = life;
    this.#texts.push(path);
    return NEW_PATH;
  }

  #onceBehaviour(behaviour: string): number {
    if (behaviour === this.#behaviour) return 0;
    this.#behaviour = behaviour;
    this.#texts.push(behaviour);
    return NEW_LAST;
  }

  #onceReason(reason: ExitReason): number {
    if (reason === this.#reason) return 0;
    this.#reason = reason;
    this.#reasons.push(reason);
    return NEW_LAST;
  }
}

/** A detail that is no JSON may still be data: then it is left to the platform's own copy. */
function textOf(reasons: ExitReason[]): string | ExitReason[] {
  try {
    return JSON.stringify(reasons);
  } catch {
    return reasons;
  }
}

/** The facts again, in order. */
export function factsOf({ thread, rows, texts, reasons, others }: Facts): KernelEvent[] {
  const words = texts.split(END);
  const why = (typeof reasons === "string" ? JSON.parse(reasons) : reasons) as ExitReason[];
  const facts: KernelEvent[] = [];
  let [word, cause, other] = [0, 0, 0];
  let [path, behaviour] = ["", ""];
  let reason = null as unknown as ExitReason;
  for (let at = 0; at < rows.length; at += ROW) {
    const said = rows[at] as number;
    const atMs = rows[at + 1] as number;
    const life = rows[at + 2] as number;
    const last = rows[at + 3] as number;
    const kind = said & KINDS;
    if (kind === OTHER) {
      facts.push(others[other++] as KernelEvent);
      continue;
    }
    if (said & NEW_PATH) path = words[word++] as string;
    const anew = (said & NEW_LAST) !== 0;
    if (anew && kind === STARTED) behaviour = words[word++] as string;
    else if (anew) reason = why[cause++] as ExitReason;
    const base = { atMs, thread, path, life };
    if (kind === STARTED) facts.push({ ...base, type: "started", incarnation: last, behaviour });
    else if (kind === EXITED) facts.push({ ...base, type: "exited", incarnation: last, reason });
    else if (kind === CHILD_TERMINATED) facts.push({ ...base, type: "child_terminated", reason });
    else facts.push({ ...base, type: "child_started", cause: CAUSES[last] as "init" });
  }
  return facts;
}
