/**
 * N interchangeable workers behind a router: whoever has work borrows a worker, asks it directly,
 * and gives it back. So at most N pieces of work run at a time, and nobody waits in a busy
 * worker's mailbox while another is free.
 *
 *     /…/pool            rest_for_one
 *     ├─ workers         one_for_one
 *     │  ├─ 1  …  N      your behaviour
 *     └─ router          checkout · checkin
 *
 * | who ends        | who restarts            | what is lost                                       |
 * |-----------------|-------------------------|----------------------------------------------------|
 * | a worker        | it alone                | the work it had: its asker is told `exited`        |
 * | a borrower      | (its own supervisor)    | nothing: its worker goes back to the pool, though  |
 * |                 |                         | busy until it is done with what it was asked       |
 * | the router      | it alone                | who has borrowed what: until those are done, their |
 * |                 |                         | workers may be lent twice; who waits: told `exited`|
 * | workers give up | workers, then router    | all work in flight; borrowers are told `exited`    |
 *
 * A worker that has ended is not lent before it is back. A durable borrower that crashes goes on
 * with the worker that its journal names, also if that one has been lent to somebody else since.
 */
import {
  ActorError,
  type ActorSettings,
  actor,
  ask,
  type Behaviour,
  type Context,
  child,
  type Messages,
  type Ref,
  ref,
  refSchema,
  type SupervisorFlags,
  type SupervisorSpec,
  supervisor,
} from "coppice";
import { z } from "zod";

type Lent = { path: string; behaviour: string };
/** Who has a worker, or waits for one; `cancel` ends the router's watch on him. */
type Borrower = {
  by: string;
  watch: number;
  cancel(): void;
  /** Will he say that he has it? */
  confirms: boolean;
  /** Set while there is a limit: to waiting, or to the confirmation. */
  timer: { cancel(): boolean } | null;
};
/** A borrower that waits: his ask is kept open with defer(). */
type Waiting = Borrower & { answer(worker: Lent): void };

/** The answer to whoever has waited too long. */
const NOBODY: Lent = { path: "", behaviour: "" };
/** How long after a worker's end the router looks for it; then twice as long, and so on. */
const LOOK_MS = 50;
const LOOK_MAX_MS = 5_000;
/** Time in which the news would come that a worker is still not there. */
const NEWS_MS = 50;
/** Time in which a borrower that confirms does so: he may be busy with something else. */
const TAKEN_MS = 30_000;

const state = z.object({
  workers: z.array(refSchema),
  free: z.array(z.string()),
  /** Worker's path → who has it. */
  lent: z.custom<ReadonlyMap<string, Borrower>>(),
  waiting: z.custom<readonly Waiting[]>(),
  /** Workers that have ended and were not seen again: how long until the next look. */
  away: z.custom<ReadonlyMap<string, number>>(),
  /** Number of a watch → the worker it is on. */
  watches: z.custom<ReadonlyMap<number, string>>(),
});

const messages = {
  /**
   * A free worker, now or when there is one. `by`: the borrower; its end gives the worker back.
   * `waitMs`: who has waited that long is answered a ref whose path is "". Without it, ask with a
   * timeout that never comes: the router cannot see that one is over. `confirms`: without `taken`
   * soon after, the worker is taken back. (Who ended on the way and is there again does not tell.)
   */
  checkout: ask(
    z.object({
      by: refSchema,
      waitMs: z.number().min(0).optional(),
      confirms: z.boolean().optional(),
    }),
    refSchema,
  ),
  taken: z.object({ by: refSchema, worker: refSchema }),
  /** The worker is free again. Ignored unless `by` is who has it: it may be lent on already. */
  checkin: z.object({ by: refSchema, worker: refSchema }),
  /** The router's own: a borrower's timer is over; look for a worker; it is there. */
  late: z.object({ watch: z.number() }),
  look: z.object({ path: z.string() }),
  back: z.object({ path: z.string(), watch: z.number() }),
};

type State = z.infer<typeof state>;
type Router = Pick<Context<typeof messages>, "after" | "watch">;

/** The router of a {@link pool}. {@link borrow} asks it, and gives back. */
export const PoolRouter = actor("pool-router", {
  args: z.object({ workers: z.array(refSchema) }),
  state,
  messages,
  init: ({ workers }, ctx) => ({
    workers,
    free: workers.map((each) => each.path),
    lent: new Map(),
    waiting: [],
    away: new Map(),
    watches: new Map(workers.map((each) => [ctx.watch(each).id, each.path])),
  }),
  on: {
    checkout: (now, { by, waitMs, confirms = false }, ctx) => {
      const borrower = { ...watched(by.path, ctx), confirms };
      const [path, ...free] = now.free;
      if (path !== undefined) {
        ctx.reply(workerAt(now, path));
        return lend({ ...now, free }, path, borrower, ctx);
      }
      const { watch } = borrower;
      const answer = ctx.defer().reply;
      const timer = waitMs === undefined ? null : ctx.after(waitMs, "late", { watch });
      return { ...now, waiting: [...now.waiting, { ...borrower, timer, answer }] };
    },
    taken: (now, { by, worker: { path } }, ctx) => {
      const loan = now.lent.get(path);
      if (loan?.by === by.path) {
        loan.timer?.cancel();
        return { ...now, lent: new Map(now.lent).set(path, { ...loan, timer: null }) };
      }
      // A durable borrower, in its next life, goes on with a worker that went back meanwhile.
      if (!now.free.includes(path)) return now;
      const free = now.free.filter((each) => each !== path);
      return lend({ ...now, free }, path, watched(by.path, ctx), ctx);
    },
    checkin: (now, { by, worker: { path } }, ctx) =>
      now.lent.get(path)?.by === by.path ? release(now, path, ctx) : now,
    late: (now, { watch }, ctx) => {
      for (const [path, loan] of now.lent) {
        if (loan.watch === watch && loan.timer !== null) return release(now, path, ctx);
      }
      return dismiss(now, watch);
    },
    look: (now, { path }, ctx) => {
      const { id: watch } = ctx.watch({ path });
      ctx.after(NEWS_MS, "back", { path, watch });
      return { ...now, watches: new Map(now.watches).set(watch, path) };
    },
    back: (now, { path, watch }, ctx) => {
      if (!now.watches.has(watch)) return now;
      const away = new Map(now.away);
      away.delete(path);
      return now.lent.has(path) ? { ...now, away } : offer({ ...now, away }, path, ctx);
    },
  },
  down: (now, { id }, ctx) => {
    const worker = now.watches.get(id);
    if (worker !== undefined) return lose(now, worker, id, ctx);
    for (const [path, { watch }] of now.lent) if (watch === id) return release(now, path, ctx);
    return dismiss(now, id);
  },
  view: ({ free, lent, waiting, away }) => ({
    free,
    lent: Object.fromEntries([...lent].map(([path, { by }]) => [path, by])),
    waiting: waiting.map(({ by }) => by),
    away: [...away.keys()],
  }),
});

const workerAt = (now: State, path: string): Lent =>
  now.workers.find((each) => each.path === path) ?? NOBODY;

function watched(by: string, ctx: Router): Borrower {
  const { id: watch, cancel } = ctx.watch({ path: by });
  return { by, watch, cancel, confirms: false, timer: null };
}

function lend(now: State, path: string, borrower: Borrower, ctx: Router): State {
  const { watch, confirms } = borrower;
  borrower.timer?.cancel();
  const timer = confirms ? ctx.after(TAKEN_MS, "late", { watch }) : null;
  return { ...now, lent: new Map(now.lent).set(path, { ...borrower, timer }) };
}

/** The worker is lent no more. */
function release(now: State, path: string, ctx: Router): State {
  const lent = new Map(now.lent);
  const loan = lent.get(path);
  loan?.cancel();
  loan?.timer?.cancel();
  lent.delete(path);
  return now.away.has(path) ? { ...now, lent } : offer({ ...now, lent }, path, ctx);
}

/** The worker goes to whoever has waited longest, else back into the pool. */
function offer(now: State, path: string, ctx: Router): State {
  const [next, ...waiting] = now.waiting;
  if (next === undefined) return { ...now, free: [...now.free, path] };
  next.answer(workerAt(now, path));
  return lend({ ...now, waiting }, path, next, ctx);
}

/** A borrower waits no more: it has ended, or has waited long enough. */
function dismiss(now: State, watch: number): State {
  const found = now.waiting.find((each) => each.watch === watch);
  found?.cancel();
  found?.timer?.cancel();
  found?.answer(NOBODY);
  return found ? { ...now, waiting: now.waiting.filter((each) => each !== found) } : now;
}

/** A worker has ended: it is not lent before it was seen again. */
function lose(now: State, worker: string, watch: number, ctx: Router): State {
  const delay = now.away.get(worker) ?? LOOK_MS;
  ctx.after(delay, "look", { path: worker });
  const watches = new Map(now.watches);
  watches.delete(watch);
  const away = new Map(now.away).set(worker, Math.min(2 * delay, LOOK_MAX_MS));
  return { ...now, watches, away, free: now.free.filter((path) => path !== worker) };
}

/** Settings of a {@link pool}. */
export interface PoolSettings extends Omit<SupervisorFlags, "strategy" | "autoShutdown"> {
  /** Number of workers. @limit 1 … 10_000 */
  size: number;
  /** Path under which the pool's supervisor stands: refs are absolute. @example "/audit" */
  under: string;
  /** Settings of each worker. */
  worker?: ActorSettings;
  /** Restarts of workers allowed in 10 s. @default 10 per worker */
  workerIntensity?: number;
}

/**
 * A pool of `size` workers that run `behaviour`, which takes no args.
 *
 * @example pool("scanners", { size: 4, under: "/audit" }, Scanner)
 * @throws E_SPEC_RANGE for a size outside of its limits
 */
export function pool<S extends z.ZodType, M extends Messages>(
  id: string,
  settings: PoolSettings,
  behaviour: Behaviour<z.ZodUndefined, S, M>,
): SupervisorSpec {
  const { size, under, worker = {}, workerIntensity, ...flags } = settings;
  if (!Number.isInteger(size) || size < 1 || size > 10_000) {
    const details = { at: `pool ${id}`, fix: "use a whole number from 1 to 10000" };
    throw new ActorError("E_SPEC_RANGE", `size: ${size} is outside its limits`, details);
  }
  const ids = Array.from({ length: size }, (_, at) => String(at + 1));
  const workers = ids.map((each) => ref(`${under}/${id}/workers/${each}`, behaviour));
  const spec = { intensity: workerIntensity ?? 10 * size, period: "10s" as const };
  const members = ids.map((each) => child(each, behaviour as never, worker));
  return supervisor(id, { ...flags, strategy: "rest_for_one" }, [
    supervisor("workers", spec, members),
    child("router", PoolRouter, { args: { workers } }),
  ]);
}

/** The router of the pool at this path. */
export const poolRouter = (path: string): Ref<(typeof PoolRouter)["messages"]> =>
  ref(`${path}/router`, PoolRouter);

/**
 * Does some work with a worker of the pool at this path, as soon as one is free; whatever comes of
 * it, the worker goes back.
 *
 * @param options.waitMs how long to wait for a free worker. @default for ever
 * @throws ActorError (rejects) timeout: none became free; exited: the pool; what `work` throws
 * @example await borrow(ctx, "/audit/scanners", Scanner, (one) => ctx.ask(one, "scan", job))
 */
export async function borrow<S extends z.ZodType, M extends Messages, T>(
  ctx: Pick<Context, "ask" | "tell"> & { readonly self: Lent },
  path: string,
  behaviour: Behaviour<z.ZodUndefined, S, M>,
  work: (worker: Ref<M>) => T | Promise<T>,
  { waitMs }: { waitMs?: number } = {},
): Promise<T> {
  const { path: by, behaviour: name } = ctx.self;
  const borrower = { path: by, behaviour: name };
  const wait = waitMs === undefined ? {} : { waitMs };
  const wanted = { by: borrower, confirms: true, ...wait };
  // The router answers in time, or ends: no timeout of the ask may come before that.
  const worker = await ctx.ask(poolRouter(path), "checkout", wanted, { timeout: "365d" });
  if (worker.path === NOBODY.path) {
    throw new ActorError("timeout", `no worker was free within ${waitMs}ms`, { at: path });
  }
  ctx.tell(poolRouter(path), "taken", { by: borrower, worker });
  try {
    return await work(ref(worker.path, behaviour));
  } finally {
    ctx.tell(poolRouter(path), "checkin", { by: borrower, worker });
  }
}
