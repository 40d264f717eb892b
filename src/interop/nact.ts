/**
 * Owns: nact's functions `(state, message, ctx) => state` as behaviours of Coppice, so that a nact
 * system moves over one actor at a time. docs/NACT.md says what is equal and what differs.
 * Does not own: how the two worlds reach each other (nact-bridge.ts, nact-system.ts).
 */
import { ActorError, actor, ask, type Behaviour, type Context, type ExitReason } from "coppice";
import { type ActorPath, type Logger, Nobody, type Ref } from "nact";
import { z } from "zod";
import { COPPICE, newId, pathRef, questions, type Turn, turns } from "./nact-bridge.ts";
import { type Host, hostOf, nactPath } from "./nact-system.ts";

export { bridge } from "./nact-bridge.ts";
export { nactSystem } from "./nact-system.ts";

// biome-ignore lint/suspicious/noExplicitAny: nact's functions are mostly JavaScript
type Any = any;

/** What nact's functions get besides state and message; also their `this`. */
export interface NactContext {
  readonly self: Ref<Any>;
  readonly parent: Ref<Any>;
  readonly name: string;
  readonly path: ActorPath;
  /** Actors of nact's that this one has spawned in its thread. */
  readonly children: Map<string, Ref<Any>>;
  /** Who sent the message: what was given to `dispatch`, or whom a query's answer goes to. */
  readonly sender: Ref<Any>;
  readonly log: Logger;
  /** The verbs of Coppice, to move the function over line by line. */
  readonly coppice: Context;
}

const actions = {
  resume: Symbol("resume"),
  reset: Symbol("reset"),
  stop: Symbol("stop"),
  escalate: Symbol("escalate"),
} as const;

/** nact's function. `undefined` is a state like any other. */
export type NactFunction<S, M> = (
  this: NactContext,
  state: S,
  message: M,
  ctx: NactContext,
) => S | Promise<S>;

/** nact's properties of an actor, as far as they make sense here. */
export interface NactOptions<S, M> {
  initialState?: S;
  initialStateFunc?: (ctx: NactContext) => S;
  /** Ends the actor after so long without a message. @unit ms */
  shutdownAfter?: number;
  /**
   * `resume`: state and mailbox stay. `reset`: the first state again, the mailbox stays, children
   * of nact's are stopped. `stop`: a clean end, which a transient child is not restarted after.
   * `escalate`: the supervisor decides. @default escalate
   */
  onCrash?: (
    message: M,
    error: unknown,
    ctx: NactContext & typeof actions,
  ) => symbol | Promise<symbol>;
  afterStop?: (state: S, ctx: NactContext) => void | Promise<void>;
}

const anything = z.any().optional();
const messages = {
  /** What nact's `dispatch` sends. */
  dispatch: z.object({ message: anything, sender: anything }),
  /**
   * What nact's `query` asks: answered by the first dispatch to the asker's reference, which stands
   * in the message already, or is put into its field `as`; it is `ctx.sender` too.
   */
  query: ask(
    z.object({ message: anything, id: z.string().optional(), as: z.string().optional() }),
    z.any(),
  ),
  /** Somebody else answers a query of this actor. */
  settle: z.object({ id: z.union([z.string(), z.number()]), value: anything }),
  /** Nothing came for as long as `shutdownAfter`. */
  idle: z.null(),
};
const stateSchema = z.object({ value: anything });

/** A behaviour made by {@link fromNact}. */
export type NactBehaviour = Behaviour<z.ZodUndefined, typeof stateSchema, typeof messages>;

/** Whom nothing reaches: nact's Nobody as data, since senders travel. */
const nobody: Ref<Any> = { ...new Nobody() };

function logOf({ log }: Context): Logger {
  return {
    trace: (message) => log.debug(message),
    debug: (message) => log.debug(message),
    info: (message) => log.info(message),
    warn: (message) => log.warn(message),
    error: (message) => log.error(message),
    critical: (message) => log.error(message),
    event: (name, properties) => log.info(name, { properties }),
    metric: (name, values) => log.info(name, { values }),
    exception: (error) => log.error(error.message, { name: error.name }),
  };
}

function contextOf(ctx: Context, host: Host, sender: Ref<Any> = nobody): NactContext {
  const { reference: self, childReferences } = host;
  return {
    self,
    parent: pathRef(self.path.parts.slice(0, -1).join("/")),
    name: self.name,
    path: nactPath(self),
    children: new Map(childReferences),
    sender,
    log: logOf(ctx),
    coppice: ctx,
  };
}

/** Runs one of nact's functions on one message; what is sent meanwhile belongs to its slice. */
function run<S, M>(
  fn: NactFunction<S, M>,
  options: NactOptions<S, M>,
  state: S,
  message: M,
  ctx: Context<Any, Any>,
  sender?: Ref<Any>,
): { value: S } | undefined | Promise<{ value: S } | undefined> {
  const host = hostOf(ctx);
  const seen = contextOf(ctx, host, sender);
  const turn: Turn = { ctx, open: true, stopping: false };
  const done = <T>(result: T): T => {
    turn.open = false;
    if (turn.stopping) ctx.exit({ tag: "shutdown" });
    return result;
  };
  const decide = async (error: unknown) => {
    const choice = await options.onCrash?.(message, error, { ...seen, ...actions });
    if (choice === actions.resume) return undefined;
    if (choice === actions.stop) turn.stopping = true;
    else if (choice !== actions.reset) throw refusal(choice, error);
    host.stopChildren();
    return { value: firstState(options, seen) };
  };
  const fail = (error: unknown) => {
    if (options.onCrash === undefined) throw error;
    return turns.run(turn, decide, error).then(done);
  };
  let next: S | Promise<S>;
  try {
    next = turns.run(turn, () => fn.call(seen, state, message, seen));
  } catch (error) {
    return fail(error);
  }
  if (!(next instanceof Promise)) return done({ value: next });
  return next.then((value) => ({ value })).then(done, fail);
}

/** What a crash ends with when `onCrash` did not keep the actor: the supervisor decides on it. */
function refusal(choice: symbol | undefined, error: unknown): unknown {
  if (choice === actions.escalate) return error;
  const fact = `onCrash chose ${String(choice)}, which is for a supervisor to decide`;
  return new Error(fact, { cause: error });
}

function firstState<S, M>(options: NactOptions<S, M>, seen: NactContext): S {
  const { initialStateFunc, initialState } = options;
  return initialStateFunc ? initialStateFunc(seen) : (initialState as S);
}

/** A query waits for a dispatch to its reference, by this message or a later one, or by others. */
function open(
  { id, as, message }: { id?: string | undefined; as?: string | undefined; message?: unknown },
  ctx: Context<Any, Any>,
): { message: unknown; sender: Ref<Any> } {
  const own = id ?? newId(ctx);
  const { path, behaviour } = ctx.self;
  const owner = pathRef(path, behaviour, "nact");
  const sender = { type: "temp", system: { name: COPPICE }, id: own, owner };
  const deferred = ctx.defer();
  const { asked } = hostOf(ctx);
  asked.add(own);
  questions.set(own, (value) => {
    asked.delete(own);
    deferred.reply(value);
  });
  return { message: as === undefined ? message : { ...Object(message), [as]: sender }, sender };
}

/**
 * One of nact's functions as a behaviour. nact's `dispatch` and `query` reach it through its
 * {@link nactRef}; actors of Coppice send it `dispatch` and `query`.
 *
 * @throws E_SPEC_ID E_SPEC_RANGE for a bad name or shutdownAfter
 * @example const Counter = fromNact("counter", (state = 0, message) => state + message.by)
 * @example ctx.ask(ref("/desk/counter", Counter), "query", { message: { type: "read" }, as: "sender" })
 */
export function fromNact<S = Any, M = Any>(
  name: string,
  fn: NactFunction<S, M>,
  options: NactOptions<S, M> = {},
): NactBehaviour {
  const { shutdownAfter, afterStop } = options;
  if (shutdownAfter !== undefined && !(Number.isInteger(shutdownAfter) && shutdownAfter > 0)) {
    throw new ActorError("E_SPEC_RANGE", "shutdownAfter is no time span", {
      at: `behaviour ${name}`,
      fix: "use whole milliseconds, at least 1",
    });
  }
  const rest = (ctx: Context<Any, Any>) => {
    if (shutdownAfter !== undefined) ctx.after(shutdownAfter, "idle", null, { when: "idle" });
  };
  const handle = (value: S, message: unknown, ctx: Context<Any, Any>, sender?: Ref<Any>) => {
    rest(ctx);
    return run(fn, options, value, message as M, ctx, sender);
  };
  const last = (state: { value?: S }, _reason: ExitReason, ctx: Context<Any>) =>
    afterStop?.(state.value as S, contextOf(ctx, hostOf(ctx)));
  return actor(name, {
    state: stateSchema,
    messages,
    init(_args, ctx) {
      rest(ctx);
      return { value: firstState(options, contextOf(ctx, hostOf(ctx))) };
    },
    on: {
      dispatch: ({ value }, { message, sender }, ctx) => handle(value, message, ctx, sender),
      query({ value }, asked, ctx) {
        const { message, sender } = open(asked, ctx);
        return handle(value, message, ctx, sender);
      },
      settle(_state, { id, value }) {
        questions.get(id)?.(value);
        questions.delete(id);
      },
      idle: (_state, _message, ctx) => ctx.exit(),
    },
    ...(afterStop ? { terminate: last } : {}),
  });
}

/**
 * An actor of Coppice as nact's reference: for nact's `dispatch`, `query`, `stop`, and in messages.
 * One of nact's functions gets messages as they are. Any other behaviour gets the fields of
 * `{ type, … }` as its message `type`, and a query becomes an ask of it.
 */
export function nactRef(path: string, behaviour: Behaviour<Any, Any, Any>): Ref<Any> {
  const isNact = behaviour.messages === messages;
  return pathRef(path, behaviour.name, isNact ? "nact" : "typed");
}
