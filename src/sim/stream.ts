/**
 * Owns: the one stream of everything that happens in a simulated run: facts of the kernels, of the
 * workload and of the driver, in their order; its rolling hash, its tail, the first violation.
 * Does not own: what must hold (checkers.ts).
 * Invariant: K14 same seed, same stream, byte for byte.
 */
import type { ExitReason } from "../actor/exit.ts";
import type { KernelEvent } from "../kernel/events.ts";
import { hash } from "./random.ts";

export type Handler = "init" | "mail" | "down" | "exit" | "terminate";

interface Sent {
  type: "sent";
  path: string;
  life: number;
  to: string;
  key: number;
  ask: boolean;
  money: boolean;
}

/** What only the simulator knows. `path` and `life` name the incarnation that acts. */
export type SimFact =
  /** A handler begins; `key` is the message's number, of a watch or of a timer. */
  | { type: "enter"; path: string; life: number; handler: Handler; what: string; key: number }
  | { type: "leave"; path: string; life: number; handler: Handler; ok: boolean }
  /** A tell, an ask or a timer's message was accepted from this incarnation. */
  | Sent
  /** Any other effect that a verb let pass. */
  | { type: "acted"; path: string; life: number; verb: string; key: number }
  /** A verb refused, as it must for the dead and the finished. */
  | { type: "refused"; path: string; life: number; verb: string; key: number }
  | { type: "answered"; path: string; life: number; key: number; how: string }
  | { type: "watched"; path: string; life: number; to: string; key: number }
  | { type: "unwatched"; path: string; life: number; key: number }
  | { type: "timer_set"; path: string; life: number; key: number; when: string; dueMs: number }
  | { type: "timer_cancelled"; path: string; life: number; key: number }
  /** A call from outside, and its end. */
  /** `ends`: whom the call is to end. */
  | { type: "called"; key: number; to: string; what: string; ends?: string }
  | { type: "returned"; key: number; how: string }
  /** A supervisor orders a start or a stop; `work` numbers its pieces of work. */
  | { type: "start_ordered"; path: string; life: number; parent: string; work: number; why: string }
  | { type: "stop_ordered"; path: string; life: number; parent: string; work: number; why: string }
  /** An incarnation that went with its thread. */
  | { type: "gone"; path: string; life: number; reason: ExitReason }
  | { type: "lost"; lost: number }
  /** A supervisor has a path forgotten. */
  | { type: "forgotten"; path: string }
  | { type: "fault"; what: string; at: string }
  /** One step of the conformance part. */
  | { type: "step"; step: string }
  | { type: "phase"; name: string; atMs: number };

export type SimEvent = KernelEvent | SimFact;

/** A broken promise: which check saw it, and what it saw. */
export interface Violation {
  readonly check: string;
  readonly detail: string;
}

/** Facts kept for a report. */
const TAIL_MAX = 40;

/** One run's stream. */
export class EventStream {
  #hash = 0x811c9dc5;
  readonly #tail: string[] = [];
  readonly #listeners: ((event: SimEvent) => void)[] = [];
  count = 0;
  /** Acts of the dead and the finished that the kernels refused. */
  fenced = 0;
  violation: Violation | null = null;

  listen(listener: (event: SimEvent) => void): void {
    this.#listeners.push(listener);
  }

  emit(event: SimEvent): void {
    if (event.type === "fenced") this.fenced++;
    const line = JSON.stringify(event);
    this.#hash = hash(line, this.#hash);
    this.#tail[this.count++ % TAIL_MAX] = line;
    for (const listener of this.#listeners) listener(event);
  }

  /**
   * The first violation counts: what follows from it is noise. It is kept and not thrown, as the
   * checks run inside of kernel code, which would take a throw for an actor's crash.
   */
  fail(check: string, detail: string): void {
    this.violation ??= { check, detail };
  }

  /** Eight hexadecimal digits. */
  get hash(): string {
    return this.#hash.toString(16).padStart(8, "0");
  }

  /** The newest facts, oldest first. */
  tail(): string[] {
    const from = this.count % TAIL_MAX;
    return [...this.#tail.slice(from), ...this.#tail.slice(0, from)];
  }
}
