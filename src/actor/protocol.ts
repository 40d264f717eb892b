/**
 * Owns: the only clever types: what a behaviour's messages are, what asks answer, what a ref may be
 * sent. Does not own: any run-time checking beyond building the values.
 */
import { z } from "zod";
import type { AnyBehaviour, Behaviour } from "./actor.ts";
import { ActorError, shown } from "./errors.ts";
import { settings } from "./settings.ts";

/** A message with an answer: what {@link ask} makes. */
export interface Ask<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> {
  readonly kind: "ask";
  readonly input: I;
  readonly output: O;
}

/**
 * Declares a message that is answered.
 *
 * @example question: ask(z.object({…}), z.string())
 * @throws E_SPEC_STRATEGY for what is no schema
 */
export function ask<I extends z.ZodType, O extends z.ZodType>(input: I, output: O): Ask<I, O> {
  settings.schema(input, "the first argument", "ask()");
  settings.schema(output, "the second argument", "ask()");
  return { kind: "ask", input, output };
}

/** A behaviour's messages: a schema for a tell, {@link ask}(in, out) for an ask. */
export type Messages = { readonly [type: string]: z.ZodType | Ask };

export type InputOf<M> =
  M extends Ask<infer I, z.ZodType> ? z.infer<I> : M extends z.ZodType ? z.infer<M> : never;
export type OutputOf<M> = M extends Ask<z.ZodType, infer O> ? z.infer<O> : never;
export type AskKeys<M extends Messages> = {
  [K in keyof M & string]: M[K] extends Ask ? K : never;
}[keyof M & string];
export type TellKeys<M extends Messages> = {
  [K in keyof M & string]: M[K] extends Ask ? never : K;
}[keyof M & string];

/** What a child spec of this behaviour must give as args. */
export type ArgsOf<B extends AnyBehaviour> = z.infer<B["args"]>;
export type StateOf<B extends AnyBehaviour> = z.infer<B["state"]>;
export type MessagesOf<B extends AnyBehaviour> = B["messages"] extends Messages
  ? B["messages"]
  : never;

/** Phantom key: exists in types only, so that a ref stays plain data. */
declare const PROTOCOL: unique symbol;

/** The address of an actor, stable over its restarts. Plain data: send it, store it, print it. */
export interface Ref<M extends Messages = Messages> {
  readonly path: string;
  readonly behaviour: string;
  readonly [PROTOCOL]?: (messages: M) => M;
}

/** The address of a dynamic supervisor whose children run one behaviour. */
export interface DynamicRef<A = unknown, M extends Messages = Messages> {
  readonly path: string;
  readonly dynamic: string;
  readonly [PROTOCOL]?: (args: A, messages: M) => M;
}

/** Who a new child of a dynamic supervisor is. `args` may be left out where its behaviour takes none. */
export type NewChild<A> = {
  /** @default `#1`, `#2` … */
  id?: string;
} & (undefined extends A ? { args?: A } : { args: A });

/** Any ref, whatever it may be sent. */
export type AnyRef = { readonly path: string };

/**
 * What refs are made of. Plain data to everybody, also when frozen; besides, it remembers on this
 * thread whom it has reached, so that the next message needs no look-up. Copies begin without.
 */
export class Address {
  readonly path: string;
  readonly behaviour: string;
  #met: object | null = null;

  constructor(path: string, behaviour: string) {
    this.path = path;
    this.behaviour = behaviour;
  }

  /** Whom messages to this ref reached last, if it is one that remembers. */
  static met(ref: object): object | null {
    return #met in ref ? ref.#met : null;
  }

  static meet(ref: object, who: object): void {
    if (#met in ref) ref.#met = who;
  }
}

/** @throws E_SPEC_ID E_SPEC_CHILD */
function checkAddress(path: string, behaviour: AnyBehaviour, at: string): void {
  if (typeof path !== "string" || !path.startsWith("/")) {
    const fix = 'write it from the root on, as `coppice tree` shows it: "/desk/analyst"';
    throw new ActorError("E_SPEC_ID", `${shown(path)} is no path`, { at, fix });
  }
  // (Its name is all that is needed of it.)
  if (typeof behaviour?.name === "string") return;
  const fix = "pass what actor() made";
  throw new ActorError("E_SPEC_CHILD", "the second argument is no behaviour", { at, fix });
}

/**
 * The ref of an actor in the tree.
 *
 * @param path absolute, as `coppice tree` prints it: "/desk/analyst"
 * @example const analyst = ref("/desk/analyst", Analyst)
 * @throws E_SPEC_ID E_SPEC_CHILD
 */
export function ref<A extends z.ZodType, S extends z.ZodType, M extends Messages>(
  path: string,
  behaviour: Behaviour<A, S, M>,
): Ref<M> {
  checkAddress(path, behaviour, "ref()");
  return new Address(path, behaviour.name);
}

/**
 * The ref of a `dynamic()` supervisor: where {@link Context.start} starts children.
 *
 * @throws E_SPEC_ID E_SPEC_CHILD
 */
export function dynamicRef<A extends z.ZodType, S extends z.ZodType, M extends Messages>(
  path: string,
  behaviour: Behaviour<A, S, M>,
): DynamicRef<z.infer<A>, M> {
  checkAddress(path, behaviour, "dynamicRef()");
  return { path, dynamic: behaviour.name };
}

/** Schema of a {@link Ref} inside messages and states. */
export const refSchema: z.ZodType<AnyRef & { behaviour: string }> = z.object({
  path: z.string(),
  behaviour: z.string(),
});
