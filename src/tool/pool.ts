/**
 * Owns: the node's threads for tools of the tier `pool`, on piscina: which call runs when, its
 * deadline, and what the loss of its thread means. Lives on the control thread, which no user code
 * holds up, and sees inputs and outputs as bytes.
 * Does not own: the inside of a thread (pool-main.ts), the way there (node/pool-link.ts).
 *
 * Invariants: P-1 at most `max` calls run at a time, and a thread that is being ended still counts:
 * native code ends late. P-2 a call ends once. P-3 what fails before any thread of a memory size
 * got ready is not tried again: it would fail for ever. piscina is never given more calls than
 * there are threads for, because it starts no thread for what waits behind one that it ended.
 */
import type { Worker } from "node:worker_threads";
import { Piscina } from "piscina";
import type { PoolEnd, PoolFault, PoolRequest, PoolSaid, PoolTask } from "./pool-messages.ts";

/** A thread without work ends after this. @unit ms */
const IDLE_MS = 10_000;
/** A thread must have imported the app by then. @unit ms */
const READY_MS = 30_000;

const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "./pool-main.ts" : "./pool-main.js",
  import.meta.url,
);

/** Threads of one memory size: V8 takes the limit when a thread starts. */
interface Group {
  readonly threads: Piscina;
  /** Some thread of it has imported the app. */
  ready: boolean;
  fault: PoolFault | null;
}

interface Call {
  readonly number: number;
  readonly request: PoolRequest;
  readonly end: (end: PoolEnd) => void;
  readonly abort: AbortController;
  timer: NodeJS.Timeout | undefined;
  thread: Worker | undefined;
  began: boolean;
  /** Set when its thread is being ended: resolves when it is gone. */
  gone: Promise<unknown> | undefined;
}

/** All threads of a node's pool. */
export class ToolPool {
  readonly #app: string;
  readonly #max: number;
  readonly #groups = new Map<number, Group>();
  readonly #waiting = new Set<Call>();
  /** Calls of each tool in `waiting`. */
  readonly #queued = new Map<string, number>();
  readonly #running = new Map<number, Call>();
  #busy = 0;
  #next = 0;

  /** @param max most calls at a time */
  constructor(app: string, max: number) {
    this.#app = app;
    this.#max = max;
  }

  /** Runs a tool; `end` is called once, unless the call is cancelled. @returns cancels the call */
  call(request: PoolRequest, end: (end: PoolEnd) => void): () => void {
    const call: Call = {
      number: ++this.#next,
      request,
      end,
      abort: new AbortController(),
      timer: undefined,
      thread: undefined,
      began: false,
      gone: undefined,
    };
    const { tool, maxQueue } = request;
    const queued = this.#queued.get(tool) ?? 0;
    if (this.#busy >= this.#max && queued >= maxQueue) {
      end({ fault: overloaded(tool, queued) });
      return () => {};
    }
    this.#waiting.add(call);
    this.#queued.set(tool, queued + 1);
    this.#pump();
    return () => {
      if (this.#leave(call)) return;
      if (this.#running.delete(call.number)) this.#endThread(call);
    };
  }

  /* ---- admission ---- */

  #pump(): void {
    for (const call of this.#waiting) {
      if (this.#busy >= this.#max) return;
      this.#leave(call);
      const group = this.#group(call.request.memoryBytes);
      if (group.fault === null) void this.#run(call, group);
      else call.end({ fault: group.fault });
    }
  }

  /** Takes a call out of the queue. @returns whether it was there */
  #leave(call: Call): boolean {
    const { tool } = call.request;
    if (!this.#waiting.delete(call)) return false;
    const left = (this.#queued.get(tool) ?? 0) - 1;
    if (left > 0) this.#queued.set(tool, left);
    else this.#queued.delete(tool);
    return true;
  }

  #group(memoryBytes: number): Group {
    const known = this.#groups.get(memoryBytes);
    if (known !== undefined) return known;
    const threads = new Piscina({
      filename: ENTRY.href,
      minThreads: 0,
      maxThreads: this.#max,
      idleTimeout: IDLE_MS,
      // A thread between two calls turns its event loop, so that what is left open there shows.
      atomics: "disabled",
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: memoryBytes / 1_048_576 },
    });
    const group: Group = { threads, ready: false, fault: null };
    threads.on("message", (said: PoolSaid) => this.#said(said, group));
    // A thread ended without a call: between two of them, or before it was ready for its first.
    threads.on("error", (error: unknown) => {
      if (group.ready) return;
      for (const call of this.#running.values()) {
        const own = call.request.memoryBytes === memoryBytes;
        if (own && call.thread === undefined) this.#stop(call, { fault: gone(call, error) }, group);
      }
    });
    this.#groups.set(memoryBytes, group);
    return group;
  }

  /* ---- one call ---- */

  async #run(call: Call, group: Group): Promise<void> {
    const { tool, key, input } = call.request;
    const task: PoolTask = { call: call.number, app: this.#app, tool, key, input };
    this.#busy++;
    this.#running.set(call.number, call);
    call.timer = setTimeout(() => this.#stop(call, { fault: unready(tool) }), READY_MS);
    try {
      const { signal } = call.abort;
      const transferList = [input.buffer as ArrayBuffer];
      this.#end(call, { answer: await group.threads.run(task, { signal, transferList }) });
    } catch (error) {
      // The end of a thread may overtake what it said before: a turn, and that has arrived too.
      await new Promise((resolve) => setImmediate(resolve));
      this.#end(call, { fault: gone(call, error) }, group);
      await call.gone;
    }
    clearTimeout(call.timer);
    this.#busy--;
    this.#pump();
  }

  /** Ends a call whose thread goes on, or is gone. */
  #end(call: Call, end: PoolEnd, group?: Group): void {
    if (!this.#running.delete(call.number)) return;
    if ("fault" in end && group?.ready === false) group.fault = end.fault;
    call.end(end);
  }

  /** Ends a call and its thread. */
  #stop(call: Call, end: PoolEnd, group?: Group): void {
    this.#end(call, end, group);
    this.#endThread(call);
  }

  #endThread(call: Call): void {
    const { thread } = call;
    call.gone = thread && new Promise((resolve) => thread.once("exit", resolve));
    call.abort.abort();
  }

  #said(said: PoolSaid, group: Group): void {
    const call = this.#running.get(said.call);
    if (call === undefined) return;
    const { tool, timeoutMs } = call.request;
    switch (said.kind) {
      case "taken":
        call.thread = group.threads.threads.find((each) => each.threadId === said.thread);
        return;
      case "began":
        group.ready = true;
        call.began = true;
        clearTimeout(call.timer);
        call.timer = setTimeout(
          () => this.#stop(call, { fault: late(tool, timeoutMs) }),
          timeoutMs,
        );
        return;
      case "spent":
        return this.#stop(call, { answer: said.answer });
      case "broken":
        return this.#stop(call, { fault: unloadable(said.why) }, group);
      case "unknown":
        return this.#stop(call, { fault: unknown(tool) });
    }
  }
}

/* ---- what can go wrong, in words ---- */

function overloaded(tool: string, queued: number): PoolFault {
  const message = `tool ${tool}: ${queued} calls wait for a thread of the pool already`;
  return { code: "overloaded", message, fix: "call it less often, or raise its maxQueue" };
}

function late(tool: string, ms: number): PoolFault {
  const message = `tool ${tool} was ended after its ${ms} ms`;
  return {
    code: "timeout",
    message,
    fix: "give the tool less to do, or its pool() a longer timeout",
  };
}

function gone({ request, began }: Call, error: unknown): PoolFault {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const mb = request.memoryBytes / 1_048_576;
  const full = code === "ERR_WORKER_OUT_OF_MEMORY";
  const why = full ? `out of memory (${mb} MiB)` : String(message);
  const when = began ? "" : " before it was ready";
  const fix = full ? "raise memoryMb of its pool()" : "mend what ended the thread";
  return {
    code: "E_TOOL_LOST",
    message: `tool ${request.tool} lost its thread${when}: ${why}`,
    fix,
  };
}

function unready(tool: string): PoolFault {
  const message = `tool ${tool}: its thread did not import the app in ${READY_MS} ms`;
  return { code: "E_TOOL_LOST", message, fix: "let the app module do less while it is imported" };
}

function unloadable(why: string): PoolFault {
  const message = `the app module cannot be imported in a thread of the pool: ${why}`;
  return {
    code: "E_APP_LOAD",
    message,
    fix: "let it do the same on every thread, then start again",
  };
}

function unknown(tool: string): PoolFault {
  const message = `no child of the app's tree is granted tool ${tool}`;
  const fix = "name it in tools: […] of a child of the tree: pool threads find it there";
  return { code: "E_SANDBOX_MISSING", message, fix };
}
