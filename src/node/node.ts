/**
 * Owns: one node: start an app (store, control thread, scheduler threads, root), replace threads
 * that are lost, stop in order. Runs on the main thread and does little there.
 * Does not own: the inside of a thread (thread-main.ts), what its user can do (system.ts).
 */
import type { App } from "../actor/app.ts";
import { ActorError } from "../actor/errors.ts";
import { type ExitReason, formatReason } from "../actor/exit.ts";
import type { KernelEvent } from "../kernel/events.ts";
import { CONTROL, Places } from "../kernel/placement.ts";
import type { Rebalancing } from "../kernel/rebalance.ts";
import { serveInspection } from "../observe/inspect.ts";
import { createLog } from "../observe/log.ts";
import type { Cluster } from "./cluster.ts";
import { createHost, type Host } from "./host.ts";
import { inspectable } from "./inspectable.ts";
import { cellsAfter, connect, lineEnds, toolLines, watch } from "./lines.ts";
import { appUrl, checkTiers, loadApp, startFailed } from "./load.ts";
import type { FromThread } from "./messages.ts";
import { rebalancing } from "./moving.ts";
import {
  checkedOptions,
  dataFolder,
  heapBytes,
  lookoutUs,
  type Preemption,
  preemption,
  type StartOptions,
  threadCount,
} from "./options.ts";
import { openStore } from "./store-host.ts";
import type { StoreHost } from "./store-link.ts";
import { type System, verbsOf } from "./system.ts";
import { Thread, type ThreadListener } from "./thread.ts";
import { namesOf } from "./wire.ts";

/**
 * Starts an app: resolves when its whole tree has started.
 *
 * @param app URL or path of a module whose default export is made by app()
 * @throws ActorError E_SPEC_SETTING E_SPEC_STRATEGY E_SPEC_RANGE E_APP_FILE E_APP_LOAD E_APP_DEFAULT
 *   E_SANDBOX_MISSING E_NODE_RUNNING E_STORE_CORRUPT E_START_FAILED; nothing runs on when it throws
 */
export async function start(app: URL | string, given?: StartOptions): Promise<System> {
  const options = checkedOptions(given);
  const threads = threadCount(options.threads);
  const url = appUrl(app);
  const loaded = await loadApp(url);
  await checkTiers(loaded);
  const folder = dataFolder(loaded, options);
  const node = new Node(loaded, url, threads, folder, options);
  return node.start();
}

/** The node itself; users hold its {@link System}. */
class Node implements ThreadListener {
  readonly app: App;
  readonly url: URL;
  readonly folder: string | null;
  readonly threads: Thread[] = [];
  readonly host: Host;
  readonly startedAt = new Date();
  readonly #count: number;
  readonly #places: Places;
  /** Number of threads besides the control thread; the main thread's number is one more. */
  readonly #total: number;
  readonly #options: StartOptions;
  readonly #preemption: Preemption;
  readonly #rebalancing: Rebalancing | null;
  readonly #heapBytes: number | null;
  readonly #lookoutUs: number;
  readonly #log: (event: KernelEvent) => void;
  readonly #ended = Promise.withResolvers<ExitReason>();
  /** Why, once nothing runs any more. */
  #over: ExitReason | null = null;
  readonly #started = Promise.withResolvers<void>();
  #store: StoreHost | null = null;
  #inspection: { close(): Promise<void> } | null = null;
  #stopping: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(app: App, url: URL, count: number, folder: string | null, options: StartOptions) {
    this.app = app;
    this.url = url;
    this.folder = folder;
    this.#count = count;
    this.#places = new Places(app.root, count);
    this.#total = count + this.#places.owned;
    this.#options = options;
    this.#preemption = preemption(options);
    this.#rebalancing = rebalancing(options.rebalance, count, app);
    this.#heapBytes = heapBytes(options);
    this.#lookoutUs = lookoutUs(options);
    this.#log = createLog(options.log ?? "warn");
    this.#started.promise.catch(() => {});
    this.host = createHost({
      thread: this.#total + 1,
      places: this.#places,
      names: namesOf(app),
      firstId: 0,
      lifeBase: 0,
      // No actor lives here: nothing is durable, nothing is kept.
      store: null,
      pool: null,
      sandbox: null,
      policy: null,
      desk: null,
      root: app.root,
      moving: null,
      // The loop belongs to the program that started us.
      lookoutUs: 0,
      freeze: false,
      sink: (fact, atMs) => this.events([{ atMs, thread: this.#total + 1, ...fact }]),
      onStoreFailure: () => {},
    });
  }

  async start(): Promise<System> {
    try {
      this.#store = await openStore(this.app, this.folder, this.#say);
      void this.#store.lost?.then((why) => this.#fall({ tag: "store_lost", why }));
      for (let thread = 0; thread <= this.#total; thread++) this.#spawn(thread, 0);
      await Promise.all(this.threads.map((each) => each.ready));
      this.threads[CONTROL]?.post({ kind: "root" });
      await this.#started.promise;
      const share = this.#store.cluster?.attend(this.host.kernel);
      const ended = await Promise.race([share?.then(() => null) ?? null, this.#ended.promise]);
      if (ended !== null) throw startFailed(this.app, ended);
    } catch (error) {
      await this.#close();
      throw error;
    }
    const inspect = inspectable(this);
    if (this.#options.inspect !== false) {
      const info = { app: this.url.pathname, data: this.folder };
      this.#inspection = await serveInspection(inspect, info);
    }
    const verbs = verbsOf(this.host.kernel, namesOf(this.app), () => this.#over);
    const stop = () => this.stop();
    const crashThread = (thread: number | "store") => this.crashThread(thread);
    const system = { ...verbs, inspect, ended: this.#ended.promise, crashThread, stop };
    return Object.assign(system, { [Symbol.asyncDispose]: stop }) as unknown as System;
  }

  /** Ends the tree, then everything under it. Safe to call more than once. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      const reason: ExitReason = { tag: "shutdown" };
      const to = `/${this.app.root.id}`;
      this.host.transport.send(CONTROL, { kind: "shutdown", to, life: 0, reason });
      await this.#ended.promise;
      await this.#close();
    })();
    return this.#stopping;
  }

  /** Ends a scheduler thread, or the store's, as a crash would: for chaos and tests. */
  async crashThread(thread: number | "store"): Promise<void> {
    await (thread === "store" ? this.#store?.crash?.() : this.threads[thread]?.crash());
  }

  get cluster(): Cluster | null {
    return this.#store?.cluster ?? null;
  }

  threadOf(path: string): number {
    return this.#places.threadOf(path);
  }

  /* ---- what threads say ---- */

  events(events: KernelEvent[]): void {
    for (const event of events) {
      this.#log(event);
      this.#options.onEvent?.(event);
    }
  }

  root(signal: Extract<FromThread, { kind: "root" }>["signal"]): void {
    if (signal.kind === "exited") {
      this.#ended.resolve(signal.reason);
      void this.stop();
    } else if ("error" in signal.outcome) {
      const { error: reason } = signal.outcome;
      this.#ended.resolve(reason);
      this.#started.reject(startFailed(this.app, reason));
    } else {
      this.#started.resolve();
    }
  }

  /** A thread hangs and nothing helps: it is as good as gone. */
  hung(number: number, generation: number, why: string): void {
    const thread = this.threads[number];
    if (thread?.data.generation === generation) thread.abandon(why, this);
  }

  /** A thread ended or was given up: its actors exit with thread_lost, a new one takes its place. */
  gone(thread: Thread, why: string): void {
    const { thread: number, generation } = thread.data;
    const { kernel, transport, pump } = this.host;
    kernel.emit({ type: "thread_lost", path: "", lost: number, why });
    if (number === CONTROL) {
      // Nobody is left to supervise: the node ends; durable actors come back with the next start.
      return this.#fall({ tag: "thread_lost", thread: CONTROL });
    }
    this.#store?.disconnect(number);
    for (const other of this.threads)
      if (other !== thread) other.post({ kind: "lost", thread: number });
    transport.disconnect(number);
    kernel.threadLost(number);
    pump.wake();
    this.#spawn(number, generation + 1, thread.untraced);
    // What fails while it starts is not tried again: it would fail for ever.
    this.threads[number]?.ready.catch(({ code, message }: ActorError) => {
      this.#fall({ tag: "bad_start", code, message });
    });
  }

  /* ---- inside ---- */

  /** The node ends: it cannot go on without what it has lost. */
  #fall(reason: ExitReason): void {
    if (this.#closing === null) this.#say("warn", `the node ends: ${formatReason(reason)}`);
    this.#ended.resolve(reason);
    this.#started.reject(new ActorError("exited", formatReason(reason), { reason }));
    void this.#close();
  }

  /** A line in the log, of the node itself. */
  readonly #say = (level: "info" | "warn", message: string, fields: unknown = null): void => {
    this.host.kernel.emit({ type: "log", path: "", level, message, fields });
  };

  /** Starts a thread and connects it with all others. */
  #spawn(thread: number, generation: number, traceAll = false): void {
    const store = this.#store as StoreHost;
    const freeze = process.env.NODE_ENV !== "production";
    const { href } = this.url;
    const losses = this.threads.map((each) => each.data.generation);
    const data = {
      thread,
      threads: this.#count,
      heapBytes: this.#places.heapOf(thread) ?? (thread === CONTROL ? null : this.#heapBytes),
      app: href,
      folder: this.folder,
      epoch: store.epoch,
      generation,
      heard: this.#options.onEvent ? ("all" as const) : (this.#options.log ?? "warn"),
      freeze,
      cells: cellsAfter(this.threads[thread]?.data.cells),
      preemption: this.#preemption,
      lookoutUs: this.#lookoutUs,
      moving: { rebalancing: this.#rebalancing, threads: this.#total, generation, losses },
      traceAll,
      among: store.cluster?.data ?? null,
    };
    const lines = toolLines();
    const books = thread === CONTROL ? (store.books?.() ?? null) : null;
    const ports = { store: store.connect(thread), books, ...lines.ports };
    const made = new Thread({ ...data, ...ports }, this);
    const control = thread === CONTROL ? made : this.threads[CONTROL];
    lines.connect(control);
    for (const other of this.threads) {
      if (other.data.thread === thread) continue;
      const [theirs, ours] = lineEnds();
      connect(other, thread, theirs);
      connect(made, other.data.thread, ours);
    }
    const [here, there] = lineEnds();
    this.host.transport.connect(thread, here);
    here.port.unref();
    connect(made, this.#total + 1, there);
    this.threads[thread] = made;
    if (thread !== CONTROL)
      made.ready.then(
        () => watch(made, this.threads[CONTROL]),
        () => {},
      );
  }

  #close(): Promise<void> {
    this.#closing ??= this.#doClose();
    return this.#closing;
  }

  async #doClose(): Promise<void> {
    await this.#inspection?.close();
    this.#inspection = null;
    await Promise.all(this.threads.map((each) => each.close()));
    await this.#store?.close();
    this.#store = null;
    this.host.transport.close();
    this.host.pump.stop();
    this.#ended.resolve({ tag: "shutdown" });
    this.#over = await this.#ended.promise;
    this.host.kernel.asks.lost(() => true, this.#over);
  }
}
