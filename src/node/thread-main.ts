/**
 * Owns: a worker thread from inside: imports the app, builds a kernel, answers the main thread.
 * Thread 0 is the control thread: it starts the root. Does not own: its own replacement.
 */

import { parentPort, threadId, workerData } from "node:worker_threads";
import { accountsIn } from "../actor/accounts.ts";
import { type App, behavioursOf, visitSpecs } from "../actor/app.ts";
import type { Budget } from "../actor/books.ts";
import { ActorError, type ErrorCode } from "../actor/errors.ts";
import type { Fact } from "../kernel/events.ts";
import { RUN } from "../kernel/guard.ts";
import { childFacts, detail, snapshot } from "../kernel/inspect.ts";
import { CONTROL, Places } from "../kernel/placement.ts";
import { Rebalancer } from "../kernel/rebalance.ts";
import { isHeard } from "../observe/log.ts";
import { booksLine } from "./books-link.ts";
import { type DeskServer, deskLine, openDesk, type Refused, refusedOf } from "./desk-link.ts";
import { elsewhereOf, type NodeData } from "./elsewhere.ts";
import { FactsToSend } from "./facts.ts";
import { watchHeap } from "./heap.ts";
import { createHost, type Host } from "./host.ts";
import { HOOK, type Hook } from "./inspector.ts";
import { threadLetters } from "./letters.ts";
import { loadApp } from "./load.ts";
import type { FromThread, ThreadData, ThreadView, ToThread } from "./messages.ts";
import { installMeter } from "./meter.ts";
import { contain, trace } from "./mishaps.ts";
import { decides } from "./moving.ts";
import { poolCalls, poolServer } from "./pool-link.ts";
import { monotonicMs } from "./pump.ts";
import { sandboxCalls, sandboxServer } from "./sandbox-link.ts";
import { ownTid } from "./spent.ts";
import { warm } from "./warm.ts";
import { THREAD_ID, TID, Watcher } from "./watcher.ts";
import { whereItStands } from "./where.ts";
import { namesOf } from "./wire.ts";

const data = workerData as ThreadData;
const port = parentPort as NonNullable<typeof parentPort>;
const cells = new Int32Array(data.cells);
const tell = (message: FromThread) => port.postMessage(message);

/** Numbers of asks differ from those of former generations, whose mail may still be stored. */
const firstId = ((data.epoch * 64 + data.generation) % 8_192) * 2 ** 40;

/** Facts that leave the thread; the others (every message, every commit) stay where they are. */
const QUIET = new Set<Fact["type"]>(["starting", "handled", "committed"]);

/** On the control thread only: serves the calls of pool tools that come over a port. */
const servePool = poolServer(data.app, data.threads);

/** Likewise, the calls of tools that run in sandboxes. */
const sandboxes = sandboxServer(warn);

/** Likewise, what is one for all threads. */
let desk: DeskServer | null = null;

async function close(): Promise<void> {
  await Promise.all([sandboxes.close(), desk?.close()]);
  tell({ kind: "closed" });
}

/** What cannot be recorded must not be followed by more of it: the node ends. */
function unrecorded(cause: unknown): void {
  const fact = `decisions or quotas cannot be written: ${String(cause)}`;
  setImmediate(() => {
    throw new ActorError("E_STORE_IO", fact, { fix: "look at the disk", cause });
  });
}

const waiting = new FactsToSend(data.thread);
let imported = false;

function sink(fact: Fact, atMs: number): void {
  if (QUIET.has(fact.type)) return;
  if (data.heard !== "all" && !isHeard(fact, data.heard)) return;
  // One post per turn of the event loop, however many facts there are.
  if (waiting.add(fact, atMs)) setImmediate(tellFacts);
}

/** A line in the log, of the thread itself. */
function warn(message: string, fields: Readonly<Record<string, unknown>> | null = null): void {
  sink({ type: "log", path: "", level: "warn", message, fields }, monotonicMs());
}

function tellFacts(): void {
  const facts = waiting.take();
  if (facts !== null) tell({ kind: "facts", facts });
}

function view({ kernel }: Host): ThreadView {
  const { thread, nowMs, fencedCalls } = kernel;
  return {
    thread,
    nowMs,
    fencedCalls,
    turns: kernel.scheduler.turns,
    deadLetters: kernel.dead.total,
    processes: snapshot(kernel),
    ...childFacts(kernel),
  };
}

function startRoot(app: App, { kernel }: Host): void {
  const { root } = app;
  const life = kernel.nextLife();
  const to = `/${root.id}`;
  const parent = `~${CONTROL}`;
  kernel.deliver({ kind: "start", to, life, incarnation: 1, spec: root, args: undefined, parent });
}

/** The smallest limit of all handlers: how closely to watch. @unit ms */
function smallestSlice(app: App): number {
  let ms = Number.POSITIVE_INFINITY;
  visitSpecs(app.root, (spec) => {
    if (spec.kind === "actor") ms = Math.min(ms, spec.sliceMs);
  });
  return ms;
}

/** The control thread watches the others. */
function watching(app: App, { kernel }: Host): Watcher {
  return new Watcher({
    ...data.preemption,
    url: import.meta.url,
    sliceMs: smallestSlice(app),
    lost: (thread, generation, why) => tell({ kind: "hung", thread, generation, why }),
    warn: (message) => kernel.emit({ type: "log", path: "", level: "warn", message, fields: null }),
  });
}

/** A scheduler thread lets itself be watched, and keeps its users' mishaps to itself. */
function watched(app: App, host: Host): void {
  warm();
  cells[THREAD_ID] = threadId;
  cells[TID] = ownTid();
  const hook: Hook = {
    threadId,
    note: (run) => {
      if (cells[RUN] === run) host.pump.aborted = whereItStands();
    },
  };
  Object.defineProperty(globalThis, HOOK, { value: hook });
  const exit = process.exit.bind(process);
  const lost = (why: string, untraced: boolean) => {
    tellFacts();
    tell({ kind: "ending", why, untraced });
    return exit(1);
  };
  contain(host.kernel, lost);
  watchHeap(data.heapBytes, (why) => lost(why, false));
  trace(behavioursOf(app).values(), host.kernel, data.traceAll);
}

function answer(message: ToThread, app: App, host: Host, watcher: Watcher | null): void {
  switch (message.kind) {
    case "peer":
      return host.transport.connect(message.thread, message.end);
    case "lost":
      watcher?.remove(message.thread);
      host.transport.disconnect(message.thread);
      host.kernel.threadLost(message.thread);
      return host.pump.wake();
    case "root":
      return startRoot(app, host);
    case "watched":
      return void message.port.on("message", host.pump.now);
    case "watch": {
      const { thread, generation, endable } = message;
      return watcher?.add(thread, generation, new Int32Array(message.cells), endable, message.port);
    }
    case "pool":
      return servePool(message.port);
    case "sandbox":
      return sandboxes.serve(message.port);
    case "close":
      return void close();
    case "leave":
      watcher?.close();
      Atomics.store(message.gone, 0, 1);
      return void Atomics.notify(message.gone, 0);
    case "desk":
      return desk?.serve(message.port);
    case "snapshot":
      return tell({ kind: "snapshot", id: message.id, view: view(host) });
    case "letters": {
      const { id, asked } = message;
      return threadLetters(host, asked, (answer) => tell({ kind: "letters", id, answer }));
    }
    case "budgets": {
      const { id, raise } = message;
      const say = (budgets: Budget[] | { error: Refused }) =>
        tell({ kind: "budgets", id, budgets });
      const refused = (thrown: unknown) => say({ error: refusedOf(thrown) });
      return void (desk?.budgets(raise) ?? Promise.resolve([])).then(say, refused);
    }
    case "detail": {
      const found = detail(host.kernel, message.path);
      return tell({ kind: "detail", id: message.id, detail: found });
    }
  }
}

/** Scheduler threads run users' handlers: there the app's modules count their work. */
function meterOf(thread: number) {
  if (thread === CONTROL) return {};
  const onUnmetered = (module: string, why: string) => {
    // All threads import the same app: one of them says it.
    if (!imported && thread !== CONTROL + 1) return;
    const message = `${module} is not metered: ${why}`;
    warn(message, { module, why });
  };
  return { meter: installMeter({ onUnmetered }).meter };
}

async function main(): Promise<void> {
  const metered = meterOf(data.thread);
  const app = await loadApp(new URL(data.app));
  imported = true;
  const host = createHost({
    thread: data.thread,
    places: new Places(app.root, data.threads),
    names: namesOf(app),
    firstId,
    lifeBase: data.epoch * 2 ** 32,
    store: data.store,
    elsewhere: data.among
      ? (kernel, forward) =>
          elsewhereOf({ app, names: namesOf(app), data: data.among as NodeData, kernel, forward })
      : undefined,
    pool: poolCalls(data.pool),
    sandbox: sandboxCalls(data.sandbox),
    policy: app.policy,
    desk: deskLine(data.desk),
    root: app.root,
    moving: data.moving,
    lookoutUs: data.lookoutUs,
    freeze: data.freeze,
    ...metered,
    sink,
    cells,
    onRoot: (signal) => {
      // What led to it goes first: whoever hears of the end may stop listening.
      tellFacts();
      tell({ kind: "root", signal });
    },
    onStoreFailure: (error) => {
      // What this thread holds can no longer be kept: it ends, and its actors restart elsewhere.
      throw new ActorError(error.code as ErrorCode, `the store failed: ${error.message}`);
    },
  });
  if (data.thread === CONTROL)
    desk = openDesk({
      folder: data.folder,
      audited: app.policy !== null,
      accounts: accountsIn(app.root),
      common: data.books && booksLine(data.books),
      failed: unrecorded,
    });
  const rebalancing = decides(data.thread, data.moving);
  if (rebalancing !== null) new Rebalancer(host.kernel, rebalancing);
  const watcher = data.thread === CONTROL ? watching(app, host) : null;
  if (watcher === null) watched(app, host);
  port.on("message", (message: ToThread) => answer(message, app, host, watcher));
  tell({ kind: "ready" });
}

main().catch((thrown: unknown) => {
  const error = thrown instanceof ActorError ? thrown : null;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  tell({
    kind: "failed",
    error: error ? (error.toJSON() as never) : { code: "E_INTERNAL", message },
  });
});
