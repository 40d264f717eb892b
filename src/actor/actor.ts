/**
 * Owns: actor(), which makes a Behaviour: a named value with schemas and handlers, stateless and
 * shared by all threads. Does not own: running it (kernel/cell.ts).
 */
import { z } from "zod";
import type { Context } from "./context.ts";
import { ActorError, shown } from "./errors.ts";
import type { ExitReason } from "./exit.ts";
import { type Names, noSlips } from "./names.ts";
import type { Ask, InputOf, Messages, OutputOf } from "./protocol.ts";
import { settings } from "./settings.ts";

/** What `init` returns to say: do not run me, and that is no failure. */
export const IGNORE: unique symbol = Symbol.for("coppice.ignore");
export type Ignore = typeof IGNORE;

/** Told to a `down` handler: a watched incarnation has ended. */
export interface Down {
  readonly id: number;
  readonly path: string;
  readonly reason: ExitReason;
}

/** Told to an `exit` handler: a linked actor has ended. */
export interface LinkExit {
  readonly path: string;
  readonly reason: ExitReason;
}

type Next<S> = S | undefined | void;
type Result<S> = Next<S> | Promise<Next<S>>;

/** Everything of a behaviour but its name. */
export interface Definition<A extends z.ZodType, S extends z.ZodType, M extends Messages> {
  /** Schema of what a child spec must give. @default z.undefined() */
  args?: A;
  /** Schema of the state; checked when a state comes out of a store. */
  state: S;
  messages: M;
  /** Version of the state's schema. @default 1 */
  version?: number;
  /** `{ 2: (s1) => s2 }`: how a state stored by version n-1 becomes one of version n. */
  upgrade?: Readonly<Record<number, (old: never) => unknown>>;
  /** First state. @throws anything: the start fails with it */
  init(args: z.infer<A>, ctx: Context<M>): z.infer<S> | Ignore | Promise<z.infer<S> | Ignore>;
  /** One handler a message. Returns the next state; nothing = unchanged. */
  on: {
    [K in keyof M & string]: (
      state: z.infer<S>,
      message: InputOf<M[K]>,
      ctx: Context<M, OutputOf<M[K]>>,
    ) => Result<z.infer<S>>;
  };
  /** A watched incarnation ended. Without it the news is dropped with a warning. */
  down?(state: z.infer<S>, down: Down, ctx: Context<M>): Result<z.infer<S>>;
  /** A linked actor ended. With it this actor lives on (it traps exits, in OTP's words). */
  exit?(state: z.infer<S>, exit: LinkExit, ctx: Context<M>): Result<z.infer<S>>;
  /** Last words. With it a shutdown waits behind the queued mail, as in OTP. */
  terminate?(state: z.infer<S>, reason: ExitReason, ctx: Context<M>): unknown;
  /** Queue shutdowns and link exits behind mail. @default true with `terminate` or `exit` */
  trapExit?: boolean;
  /** What inspection shows instead of the state. */
  view?(state: z.infer<S>): unknown;
}

/** A behaviour: OTP's callback module as a value. Made by {@link actor}. */
export interface Behaviour<
  A extends z.ZodType = z.ZodType,
  S extends z.ZodType = z.ZodType,
  M extends Messages = Messages,
> extends Definition<A, S, M> {
  readonly kind: "behaviour";
  readonly name: string;
  readonly args: A;
  readonly version: number;
  readonly trapExit: boolean;
}

/** A behaviour of any types: what the kernel handles. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where the types are erased
export type AnyBehaviour = Behaviour<any, any, any>;

const NAME = /^[A-Za-z0-9_@#][A-Za-z0-9_@#.:+-]{0,127}$/;

/** Checks an id or a name: it must be fit for a path. @throws E_SPEC_ID */
export function checkId(id: unknown, what: string): string {
  if (typeof id === "string" && NAME.test(id)) return id;
  throw new ActorError("E_SPEC_ID", `${what} ${shown(id)} is not allowed`, {
    at: what,
    fix: "use 1–128 letters, digits or _ @ # . : + -, starting with a letter, digit, _ @ or #",
  });
}

const PARTS: Names<Definition<z.ZodType, z.ZodType, Messages>> = {
  args: true,
  state: true,
  messages: true,
  version: true,
  upgrade: true,
  init: true,
  on: true,
  down: true,
  exit: true,
  terminate: true,
  trapExit: true,
  view: true,
};

/** @throws E_MESSAGE_TYPE when handlers and messages do not match, E_SPEC_STRATEGY without any */
function checkHandlers(
  { messages, on }: Definition<z.ZodType, z.ZodType, Messages>,
  at: string,
): void {
  for (const [name, value] of Object.entries({ messages, on })) {
    if (typeof value === "object" && value !== null) continue;
    const fact = `${name}: ${shown(value)} is no object`;
    throw new ActorError("E_SPEC_STRATEGY", fact, { at, fix: `write ${name}: { … }` });
  }
  for (const type of Object.keys(messages)) {
    const own = Object.hasOwn(on, type);
    if (!own || typeof on[type] !== "function") {
      throw new ActorError("E_MESSAGE_TYPE", `message "${type}" has no handler`, {
        at,
        fix: `add on.${type}(state, message, ctx)`,
      });
    }
  }
  for (const type of Object.keys(on)) {
    if (!Object.hasOwn(messages, type)) {
      throw new ActorError("E_MESSAGE_TYPE", `handler "${type}" has no message`, {
        at,
        fix: `declare messages.${type} or remove the handler`,
      });
    }
  }
}

/** @throws E_SPEC_SETTING E_SPEC_STRATEGY E_SPEC_RANGE */
function checkParts(parts: Definition<z.ZodType, z.ZodType, Messages>, at: string): void {
  const { args, state, messages, version, upgrade, trapExit } = parts;
  settings.schema(state, "state", at);
  if (args !== undefined) settings.schema(args, "args", at);
  for (const [type, message] of Object.entries(messages)) {
    const isAsk = (message as Ask | null)?.kind === "ask";
    if (!isAsk) settings.schema(message, `messages.${type}`, at);
  }
  settings.functions(parts, ["down", "exit", "terminate", "view"], at, ["init"]);
  settings.functions(upgrade ?? {}, Object.keys(upgrade ?? {}), `${at}, upgrade`);
  settings.integer(version, 1, [1, 1e9], "version", at);
  settings.flag(trapExit, false, "trapExit", at);
}

/**
 * Declares a behaviour. Types of args, state and messages follow from the schemas.
 *
 * @throws E_SPEC_ID for a bad name; E_MESSAGE_TYPE when handlers and messages do not match;
 *   E_SPEC_SETTING E_SPEC_STRATEGY E_SPEC_RANGE for a part that is none
 */
export function actor<
  S extends z.ZodType,
  const M extends Messages,
  A extends z.ZodType = z.ZodUndefined,
>(name: string, definition: Definition<A, S, M>): Behaviour<A, S, M> {
  checkId(name, "behaviour name");
  const at = `behaviour ${name}`;
  const parts = noSlips(definition as never, PARTS, at);
  checkHandlers(parts, at);
  checkParts(parts, at);
  return Object.freeze({
    ...definition,
    kind: "behaviour" as const,
    name,
    args: definition.args ?? (z.undefined() as unknown as A),
    version: definition.version ?? 1,
    trapExit:
      definition.trapExit ?? (definition.terminate !== undefined || definition.exit !== undefined),
  });
}

/** Arguments against the behaviour's schema. @throws E_ARGS_SCHEMA */
export function checkArgs(behaviour: AnyBehaviour, args: unknown, at: string): unknown {
  const result = behaviour.args.safeParse(args);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new ActorError(
    "E_ARGS_SCHEMA",
    `args${issue?.path.length ? `.${issue.path.join(".")}` : ""}: ${issue?.message}`,
    { at, fix: `give what the args schema of behaviour ${behaviour.name} asks for` },
  );
}
