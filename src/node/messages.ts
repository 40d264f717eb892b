/**
 * Owns: what the main thread and its worker threads say to each other besides envelopes.
 */

import type { MessagePort } from "node:worker_threads";
import type { Budget } from "../actor/books.ts";
import type { ProcessDetail, ProcessView } from "../kernel/inspect.ts";
import type { Signal } from "../kernel/ports.ts";
import type { LogLevelName } from "../observe/log.ts";
import type { Raise, Refused } from "./desk-link.ts";
import type { NodeData } from "./elsewhere.ts";
import type { Facts } from "./facts.ts";
import type { ThreadAnswer, ThreadLetters } from "./letters.ts";
import type { MovingData } from "./moving.ts";
import type { Preemption } from "./options.ts";
import type { LineEnd } from "./transport.ts";

/** What a worker thread is started with. */
export interface ThreadData {
  readonly thread: number;
  readonly threads: number;
  /** Limit of its heap, null = Node's. @unit bytes */
  readonly heapBytes: number | null;
  readonly app: string;
  /** Where the node's data lies; null: nothing is kept. */
  readonly folder: string | null;
  readonly epoch: number;
  readonly generation: number;
  /** Which facts somebody on the main thread hears of: all, or those of a log of this level. */
  readonly heard: "all" | LogLevelName;
  readonly freeze: boolean;
  readonly store: MessagePort;
  /** This node among others; null where there is one. */
  readonly among: NodeData | null;
  /** Its end of the line to the pool of tool threads. */
  readonly pool: MessagePort;
  /** Its end of the line to the sandboxes. */
  readonly sandbox: MessagePort;
  /** Its end of the line to the desk. */
  readonly desk: MessagePort;
  /** Of the control thread: its line to the books that nodes share; null: they share none. */
  readonly books: MessagePort | null;
  /** Shared with the control thread, which watches: kernel/guard.ts, watcher.ts. */
  readonly cells: SharedArrayBuffer;
  readonly preemption: Preemption;
  /** Longest look out for mail of other threads; 0 = none. @unit µs */
  readonly lookoutUs: number;
  readonly moving: MovingData;
  /** Trace failures of plain handlers too: the predecessor was lost by one (mishaps.ts). */
  readonly traceAll: boolean;
}

/** Main → thread. */
export type ToThread =
  | { kind: "peer"; thread: number; end: LineEnd }
  | { kind: "lost"; thread: number }
  | { kind: "root" }
  /** To the control thread: a thread to watch, with a line to it. */
  | {
      kind: "watch";
      thread: number;
      generation: number;
      cells: SharedArrayBuffer;
      endable: boolean;
      port: MessagePort;
    }
  /** Its end of that line. */
  | { kind: "watched"; port: MessagePort }
  /** To the control thread: its end of another thread's line to the pool. */
  | { kind: "pool"; port: MessagePort }
  /** Likewise, of the line to the sandboxes. */
  | { kind: "sandbox"; port: MessagePort }
  | { kind: "desk"; port: MessagePort }
  /** To the control thread: end all that runs outside of this process, and say so. */
  | { kind: "close" }
  /** To the control thread: the process ends now; let go of the inspector and set this to 1. */
  | { kind: "leave"; gone: Int32Array }
  | { kind: "snapshot"; id: number }
  | { kind: "detail"; id: number; path: string }
  /** To the control thread: what the books of quotas say, after raising limits if that is asked. */
  | { kind: "budgets"; id: number; raise: Raise | null }
  | { kind: "letters"; id: number; asked: ThreadLetters };

/** One thread at a moment. */
export interface ThreadView {
  readonly thread: number;
  readonly turns: number;
  readonly deadLetters: number;
  readonly fencedCalls: number;
  readonly nowMs: number;
  readonly processes: ProcessView[];
  /** What supervisors of this thread know of their children, by path. */
  readonly lastExits: Record<string, ProcessView["lastExit"]>;
  /** Children of the supervisors of this thread, in start order. */
  readonly order: Record<string, string[]>;
}

/** Thread → main. */
export type FromThread =
  | { kind: "ready" }
  | { kind: "failed"; error: { code: string; message: string; at?: string; fix?: string } }
  | { kind: "facts"; facts: Facts }
  /** From the control thread: this thread hangs and cannot be helped. */
  | { kind: "hung"; thread: number; generation: number; why: string }
  /** The thread ends itself. `untraced`: by a failure of nobody knows whom. */
  | { kind: "ending"; why: string; untraced: boolean }
  | { kind: "root"; signal: Extract<Signal, { kind: "started" | "exited" }> }
  | { kind: "closed" }
  | { kind: "snapshot"; id: number; view: ThreadView }
  | { kind: "detail"; id: number; detail: ProcessDetail | null }
  | { kind: "budgets"; id: number; budgets: Budget[] | { error: Refused } }
  | { kind: "letters"; id: number; answer: ThreadAnswer };
