/**
 * Owns: a kernel with its pump, transport and line to the store: what the main thread, the control
 * thread and the scheduler threads have in common.
 * Does not own: workers (thread.ts, thread-main.ts), the node as a whole (node.ts).
 */
import type { MessagePort } from "node:worker_threads";
import { accountsOf, isTimed } from "../actor/accounts.ts";
import { isDurable, mayHibernate } from "../actor/app.ts";
import type { Policy } from "../actor/policy.ts";
import type { SupervisorSpec } from "../actor/spec.ts";
import { undeliverable } from "../kernel/delivery.ts";
import { Kernel } from "../kernel/kernel.ts";
import { CONTROL, type Places } from "../kernel/placement.ts";
import type { Committer, Elsewhere, KernelOptions, Meter } from "../kernel/ports.ts";
import { refuse } from "../kernel/refusal.ts";
import type { Tools } from "../kernel/tools.ts";
import { calendarOf } from "../store/calendar.ts";
import type { StoreClient } from "../store/committer.ts";
import { crashing, crashPoint } from "../store/crash-point.ts";
import { brokerOf, type PoolCall, type SandboxCall } from "../tool/broker.ts";
import type { DeskLine } from "./desk-link.ts";
import type { Forward } from "./elsewhere.ts";
import { Lookout } from "./lookout.ts";
import { type MovingData, movingOf } from "./moving.ts";
import { monotonicMs, Pump } from "./pump.ts";
import { StoreLink } from "./store-link.ts";
import { PortTransport } from "./transport.ts";
import type { Names } from "./wire.ts";

export interface HostOptions {
  readonly thread: number;
  readonly places: Places;
  readonly names: Names;
  /** Higher for each life of this thread: numbers of asks begin there. */
  readonly firstId: number;
  /** Added to the numbers of lives for the store, which compares them over all starts. */
  readonly lifeBase: number;
  readonly store: MessagePort | null;
  /** The line to the pool; null where no actor lives. */
  readonly pool: PoolCall | null;
  /** The line to the sandboxes; null likewise. */
  readonly sandbox: SandboxCall | null;
  /** Decides about tool calls, and where that is recorded. */
  readonly policy: Policy | null;
  readonly desk: DeskLine | null;
  readonly root: SupervisorSpec;
  /** What moving actors takes; null where no actor lives. */
  readonly moving: MovingData | null;
  /** Longest look out for mail of other threads; 0 = none. @unit µs */
  readonly lookoutUs: number;
  readonly freeze: boolean;
  readonly sink: NonNullable<KernelOptions["sink"]>;
  /** Other nodes, made with the kernel they are for. */
  readonly elsewhere?: ((kernel: () => Kernel, forward: Forward) => Elsewhere) | undefined;
  readonly onRoot?: KernelOptions["onRoot"];
  /** Memory shared with whoever watches this thread. */
  readonly cells?: Int32Array;
  readonly meter?: Meter | undefined;
  /** The store could not execute: nothing on this thread can be kept any more. */
  readonly onStoreFailure: (error: { code: string; message: string }) => void;
}

/** Keeps nothing: for the main thread, where no actor lives. */
const NO_STORE: Committer = {
  load: () => {},
  commit: () => {},
  enqueue: () => {},
  number: () => {},
  list: () => {},
  page: () => {},
  due: () => {},
  sizeOf: () => 0,
  forget: () => {},
  flush: () => true,
};

/**
 * Runs ticks and promise callbacks until none is left, as Node does after each callback. Not
 * documented, there since Node 0.x, and looked for here: without it handlers go on between turns.
 */
const drain = (process as { _tickCallback?: () => void })._tickCallback;

/** Waits in real time, until the signal fires. */
const wait = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });

/** No actor lives there: nobody calls. */
const NO_DESK: DeskLine = {
  audit: () => {},
  enter: (_entry, done) => done({ say: "no", why: "there is no desk", overloaded: false }),
  live: () => {},
  withdraw: () => {},
  settle: () => {},
};

function toolsOf({ pool, sandbox, policy, desk, root }: HostOptions): Tools {
  return brokerOf({
    pool,
    sandbox,
    policy,
    wait,
    now: monotonicMs,
    random: Math.random,
    desk: desk ?? NO_DESK,
    audit: policy === null ? undefined : desk?.audit,
    accounts: (path, own) => accountsOf(root, path, own),
    timed: desk !== null && isTimed(root),
  });
}

/** Tools whose calls pass crash points, if one is armed. */
function mortal(tools: Tools): Tools {
  if (!crashing) return tools;
  return {
    ...tools,
    async call(...given) {
      crashPoint("tool:called");
      const output = await tools.call(...given);
      crashPoint("tool:done");
      return output;
    },
  };
}

/** What the tree says of the actors that the store keeps; without a store there are none. */
function keptOf({ store, root }: HostOptions): Pick<KernelOptions, "durable" | "hibernates"> {
  if (store === null) return {};
  return {
    durable: (path) => isDurable(root, path),
    hibernates: (path) => mayHibernate(root, path),
  };
}

/** A running kernel. */
export interface Host {
  readonly kernel: Kernel;
  readonly transport: PortTransport;
  readonly pump: Pump;
  /** Its end of the store, null where no actor lives. */
  readonly store: StoreClient | null;
}

/** What not every thread has, or not every Node. */
const partsOf = ({ onRoot, cells, meter }: HostOptions) => ({
  ...(onRoot ? { onRoot } : {}),
  ...(cells ? { cells } : {}),
  ...(meter ? { meter } : {}),
  ...(drain ? { drain } : {}),
});

const lookoutOf = ({ lookoutUs }: HostOptions, mail: () => boolean) =>
  new Lookout({ limitMs: lookoutUs / 1_000, mail, now: () => performance.now() });

/** Builds a kernel and what drives it. */
export function createHost(options: HostOptions): Host {
  const { thread, places, names } = options;
  let link: StoreLink | null = null;
  const lookout = lookoutOf(options, () => transport.awaited());
  const pump = new Pump(() => {
    transport.flush();
    link?.flush();
  }, lookout);
  const transport = new PortTransport({
    names,
    deliver: (envelope) => kernel.deliver(envelope),
    before: () => {
      pump.enter();
      kernel.nowMs = Math.max(kernel.nowMs, monotonicMs());
    },
    after: pump.now,
    wake: pump.wake,
    stir: lookout.stir,
    room: (thread) => kernel.lines.room(thread),
    refuse: (envelope, error) => refuse(kernel, envelope, error),
    overflow: (mail) => undeliverable(kernel, mail, "mailbox_full", null),
  });
  if (options.store !== null) {
    link = new StoreLink(
      options.store,
      pump.wake,
      (completion) => {
        pump.enter();
        kernel.complete(completion);
      },
      pump.now,
      options.onStoreFailure,
      options.lifeBase,
    );
  }
  const forward: Forward = (to, envelope, question) => link?.forward(to, envelope, question);
  const kernel: Kernel = new Kernel({
    thread,
    control: CONTROL,
    route: (path, supervisor) => places.threadOf(path, supervisor),
    transport,
    committer: link?.client ?? NO_STORE,
    // (Read anew each time: it may be set while we run.)
    calendar: calendarOf((nowMs) => Date.now() - monotonicMs() + nowMs),
    tools: mortal(toolsOf(options)),
    ...keptOf(options),
    random: Math.random,
    nowMs: monotonicMs(),
    clock: monotonicMs,
    firstId: options.firstId,
    sink: options.sink,
    freeze: options.freeze,
    ...(options.elsewhere ? { elsewhere: options.elsewhere(() => kernel, forward) } : {}),
    ...partsOf(options),
    ...(options.moving?.rebalancing ? { moving: movingOf(options.moving, places, lookout) } : {}),
    wake: pump.wake,
  });
  pump.attach(kernel);
  return { kernel, transport, pump, store: (link as StoreLink | null)?.client ?? null };
}
