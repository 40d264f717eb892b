/**
 * Owns: a worker thread from outside: spawning it, asking it, knowing when it is gone.
 * Does not own: who replaces it (node.ts).
 */

import type { Worker } from "node:worker_threads";
import type { Budget } from "../actor/books.ts";
import { ActorError, type ErrorCode } from "../actor/errors.ts";
import type { KernelEvent } from "../kernel/events.ts";
import type { ProcessDetail } from "../kernel/inspect.ts";
import { CONTROL } from "../kernel/placement.ts";
import type { Raise, Refused } from "./desk-link.ts";
import { factsOf } from "./facts.ts";
import { HEAP_MARGIN_MB } from "./heap.ts";
import { letGoAtExit } from "./leaving.ts";
import type { ThreadAnswer, ThreadLetters } from "./letters.ts";
import type { FromThread, ThreadData, ThreadView, ToThread } from "./messages.ts";
import { spawn } from "./spawn.ts";

/** What a node wants to know of its threads. */
export interface ThreadListener {
  events(events: KernelEvent[]): void;
  root(signal: Extract<FromThread, { kind: "root" }>["signal"]): void;
  /** The thread is lost: crashed, out of memory, or given up. */
  gone(thread: Thread, why: string): void;
  /** The control thread has found a thread that hangs. */
  hung(thread: number, generation: number, why: string): void;
}

/** What a control thread may take to end what runs outside of this process. @unit ms */
const CLOSE_MS = 5_000;

type Question =
  | { kind: "snapshot" }
  | { kind: "budgets"; raise: Raise | null }
  | { kind: "detail"; path: string }
  | { kind: "letters"; asked: ThreadLetters };

const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "./thread-main.ts" : "./thread-main.js",
  import.meta.url,
);

function limitsOf({ heapBytes }: ThreadData) {
  if (heapBytes === null) return {};
  const megabytes = Math.ceil(heapBytes / 2 ** 20) + HEAP_MARGIN_MB;
  return { resourceLimits: { maxOldGenerationSizeMb: megabytes } };
}

/** A running worker thread. */
export class Thread {
  readonly data: ThreadData;
  readonly worker: Worker;
  /** Resolves when it has imported the app; rejects when it could not. */
  readonly ready: Promise<void>;
  /** Can its runs be ended from outside? */
  readonly endable: boolean;
  /** It was lost by a failure of code whose actor is not known. */
  untraced = false;
  readonly #forget: (() => void) | null;
  #answers = new Map<number, (value: unknown) => void>();
  #next = 0;
  #ended = false;
  /** Whatever it still says is not heard. */
  #abandoned = false;

  constructor(data: ThreadData, listener: ThreadListener) {
    this.data = data;
    const { worker, endable } = spawn(ENTRY, {
      workerData: data,
      ...limitsOf(data),
      transferList: [
        data.store,
        data.pool,
        data.sandbox,
        data.desk,
        ...(data.books ? [data.books] : []),
      ],
      name: data.thread === 0 ? "coppice control" : `coppice thread ${data.thread}`,
    });
    this.worker = worker;
    this.endable = endable;
    let why = "it ended";
    let failed: (error: Error) => void = () => {};
    this.ready = new Promise((resolve, reject) => {
      failed = reject;
      this.worker.on("message", (message: FromThread) => {
        if (this.#abandoned) return;
        if (message.kind === "ready") resolve();
        else if (message.kind === "ending") {
          why = message.why;
          this.untraced = message.untraced;
        } else if (message.kind === "failed") {
          const { code, message: fact, ...rest } = message.error;
          reject(new ActorError(code as ErrorCode, fact, rest));
        } else this.#on(message, listener);
      });
    });
    this.ready.catch(() => {});
    this.#forget = data.thread === CONTROL ? letGoAtExit((message) => this.post(message)) : null;
    this.worker.on("error", (error) => {
      why = whyOf(error);
    });
    this.worker.on("exit", () => {
      const expected = this.#ended;
      this.#end();
      failed(new ActorError("E_APP_LOAD", `thread ${data.thread} ended at its start: ${why}`));
      if (!expected) listener.gone(this, why);
    });
  }

  post(message: ToThread, transfer: readonly never[] = []): void {
    if (!this.#ended) this.worker.postMessage(message, transfer);
  }

  /** Asks out of band: no mailbox is involved. null when the thread has ended. */
  snapshot(): Promise<ThreadView | null> {
    return this.#ask({ kind: "snapshot" }) as Promise<ThreadView | null>;
  }

  detail(path: string): Promise<ProcessDetail | null> {
    return this.#ask({ kind: "detail", path }) as Promise<ProcessDetail | null>;
  }

  /** What the books of quotas say: asked of the control thread. @throws ActorError of a raise */
  async budgets(raise: Raise | null): Promise<Budget[]> {
    const said = ((await this.#ask({ kind: "budgets", raise })) ?? []) as
      | Budget[]
      | { error: Refused };
    if (!("error" in said)) return said;
    const { code, message, ...place } = said.error;
    throw new ActorError(code, message, place);
  }

  /** Ends it; the control thread ends what runs outside of this process before that. */
  async close(): Promise<void> {
    if (this.data.thread === CONTROL && !this.#ended) await this.#closed();
    await this.terminate();
  }

  #closed(): Promise<unknown> {
    const closed = new Promise((resolve) => {
      this.worker.on(
        "message",
        (message: FromThread) => message.kind === "closed" && resolve(null),
      );
      this.worker.once("exit", resolve);
      setTimeout(resolve, CLOSE_MS).unref();
    });
    this.post({ kind: "close" });
    return closed;
  }

  letters(asked: ThreadLetters): Promise<ThreadAnswer | null> {
    return this.#ask({ kind: "letters", asked }) as Promise<ThreadAnswer | null>;
  }

  /** Ends it at once. */
  async terminate(): Promise<void> {
    this.#ended = true;
    this.#forget?.();
    await this.worker.terminate();
  }

  /**
   * Gives it up: from now on it is gone for everybody, whatever still holds it. Its worker ends as
   * soon as that lets go of it.
   */
  abandon(why: string, listener: ThreadListener): void {
    if (this.#ended) return;
    this.#abandoned = true;
    this.#end();
    void this.worker.terminate();
    listener.gone(this, why);
  }

  /** Ends it as a crash would: for chaos and tests. */
  async crash(): Promise<void> {
    await this.worker.terminate();
  }

  #end(): void {
    this.#ended = true;
    this.#forget?.();
    for (const answer of this.#answers.values()) answer(null);
  }

  #ask(question: Question): Promise<unknown> {
    if (this.#ended) return Promise.resolve(null);
    const id = ++this.#next;
    // A thread that is stuck in user code must not hold up whoever looks at the others.
    const late = AbortSignal.timeout(2_000);
    return new Promise((resolve) => {
      const done = (value: unknown) => {
        this.#answers.delete(id);
        resolve(value);
      };
      this.#answers.set(id, done);
      late.addEventListener("abort", () => done(null));
      this.post({ ...question, id });
    });
  }

  #on(message: FromThread, listener: ThreadListener): void {
    if (message.kind === "facts") listener.events(factsOf(message.facts));
    else if (message.kind === "root") listener.root(message.signal);
    else if (message.kind === "hung")
      listener.hung(message.thread, message.generation, message.why);
    else if (message.kind === "snapshot") this.#answers.get(message.id)?.(message.view);
    else if (message.kind === "budgets") this.#answers.get(message.id)?.(message.budgets);
    else if (message.kind === "detail") this.#answers.get(message.id)?.(message.detail);
    else if (message.kind === "letters") this.#answers.get(message.id)?.(message.answer);
  }
}

function whyOf(error: unknown): string {
  const { code } = error as { code?: string };
  if (code === "ERR_WORKER_OUT_OF_MEMORY") return "out of memory: its heap has reached its limit";
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
