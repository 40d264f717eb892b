/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Owns: what the program that started a node can do with it: tell, ask, start, inspect, stop.
 * Does not own: threads and stores (node.ts).
 */
import { checkArgs } from "../actor/actor.ts";
import type { Sender } from "../actor/context.ts";
import { ActorError, shown } from "../actor/errors.ts";
import type { ExitReason } from "../actor/exit.ts";
import { onlyKnown } from "../actor/names.ts";
import type {
  AskKeys,
  DynamicRef,
  InputOf,
  Messages,
  NewChild,
  OutputOf,
  Ref,
  TellKeys,
} from "../actor/protocol.ts";
import { type Duration, milliseconds } from "../actor/units.ts";
import { errorOf, failed, startedRef } from "../kernel/answers.ts";
import { submit } from "../kernel/delivery.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Answer } from "../kernel/ports.ts";
import type { AdminRequest, AdminResult } from "../kernel/supervision.ts";
import type { Inspectable } from "../observe/view.ts";
import type { Names } from "./wire.ts";

/** A running node, seen from the program that started it. */
export interface System extends Omit<Sender, "tell" | "ask">, AsyncDisposable {
  /**
   * Sends a message that is not answered; what cannot be delivered becomes a dead letter. To a
   * durable actor it is stored before it is handled.
   *
   * @param options.id only for durable actors: the same id again, within 10 minutes, is the same
   *   message and is not delivered twice. @limit 1 … 200 characters
   * @param options.stored only for durable actors: resolves when the store has the message, or had it
   * @throws ActorError E_MESSAGE_TYPE E_MESSAGE_SCHEMA E_SPEC_ID; `stored` rejects with no_actor |
   *   overloaded | refused (the actor is not durable) | exited (its thread or the node was lost: send
   *   it again, with the same id)
   */
  tell<M extends Messages, K extends TellKeys<M>>(
    ref: Ref<M>,
    type: K,
    message: InputOf<M[K]>,
    options: { id?: string; stored: true },
  ): Promise<void>;
  tell<M extends Messages, K extends TellKeys<M>>(
    ref: Ref<M>,
    type: K,
    message: InputOf<M[K]>,
    options?: { id?: string },
  ): void;
  /**
   * Sends a message and waits for its answer: reply, exit of the callee, or timeout.
   *
   * @param options.timeout default 5 s, as in OTP
   * @param options.id only for durable actors: asked again with the same id, within 10 minutes, it is
   *   not handled again: it has the answer of the first time, or `duplicate` while there is none
   * @throws ActorError (rejects) timeout | exited | no_actor | overloaded | no_reply | duplicate |
   *   refused (an id for an actor that is not durable); throws E_MESSAGE_TYPE E_MESSAGE_SCHEMA
   */
  ask<M extends Messages, K extends AskKeys<M>>(
    ref: Ref<M>,
    type: K,
    message: InputOf<M[K]>,
    options?: { timeout?: Duration; id?: string },
  ): Promise<OutputOf<M[K]>>;
  /** Starts a child of a dynamic supervisor. @throws ActorError (rejects) refused | no_actor */
  start<A, M extends Messages>(supervisor: DynamicRef<A, M>, options: NewChild<A>): Promise<Ref<M>>;
  /** An administrative call to a supervisor (SEMANTICS 12, 13). */
  admin(path: string, request: AdminRequest): Promise<AdminResult>;
  /** An actor's state, in turn with its mail (OTP's sys:get_state). */
  getState(ref: { path: string }): Promise<unknown>;
  /** The live tree, and acting on it by path. */
  readonly inspect: Inspectable;
  /** Resolves with the reason when the root has ended, by itself or through {@link stop}. */
  readonly ended: Promise<ExitReason>;
  /** Ends a scheduler thread (1 … N), or the store's, as a crash would: for chaos and tests. */
  crashThread(thread: number | "store"): Promise<void>;
  /** Ends the tree in order, each child with its shutdown time, then threads and store. */
  stop(): Promise<void>;
}

/** Types are not enough here: what comes from outside is checked (DESIGN §5). */
function checked(names: Names, ref: Ref, type: string, message: unknown): unknown {
  const behaviour = names.behaviours.get(ref.behaviour);
  const declared = behaviour?.messages[type];
  if (behaviour === undefined || declared === undefined) {
    const known = Object.keys(behaviour?.messages ?? {}).join(", ");
    const fact = `${ref.behaviour} has no message "${type}"`;
    throw new ActorError("E_MESSAGE_TYPE", fact, {
      at: ref.path,
      fix: known === "" ? "use a behaviour of this app" : `send one of: ${known}`,
    });
  }
  const result = ("kind" in declared ? declared.input : declared).safeParse(message);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const place = issue?.path.length ? `.${issue.path.join(".")}` : "";
  throw new ActorError("E_MESSAGE_SCHEMA", `message ${type}${place}: ${issue?.message}`, {
    at: ref.path,
    fix: `send what behaviour ${ref.behaviour} declares`,
  });
}

const ID_MAX = 200;

/** The id of an outside message; "" = it has none. @throws E_SPEC_ID */
function checkedId(id: unknown, { path }: Ref): string {
  if (id === undefined) return "";
  if (typeof id === "string" && id.length > 0 && id.length <= ID_MAX) return id;
  const fix = `use 1–${ID_MAX} characters, the same ones when you send it again`;
  throw new ActorError("E_SPEC_ID", `message id ${shown(id)} is not allowed`, { at: path, fix });
}

const TELL = { id: true, stored: true } as const;
const ASK = { timeout: true, id: true } as const;
const START = { id: true, args: true } as const;

const settle =
  (resolve: (value: never) => void, reject: (error: Error) => void) => (answer: Answer) =>
    answer.ok ? resolve(answer.value as never) : reject(errorOf(answer));

/** The verb `tell`. @param gone the error when nobody is left */
function teller(kernel: Kernel, names: Names, gone: (path: string) => Error | null) {
  return (ref: Ref, type: string, message: unknown, options?: { id?: string; stored?: true }) => {
    const { id, stored } = onlyKnown(options, TELL, "system.tell()");
    const value = checked(names, ref, type, message);
    const name = checkedId(id, ref);
    if (stored === undefined && name === "") {
      return kernel.send(kernel.mail(ref.path, type, value, "", 0), null);
    }
    const mail = kernel.mail(ref.path, type, value, `~${kernel.thread}`, 0);
    if (!stored) return submit(kernel, mail, name, null);
    const error = gone(ref.path);
    if (error !== null) return Promise.reject(error);
    return new Promise<void>((resolve, reject) => {
      submit(
        kernel,
        mail,
        name,
        settle(() => resolve(), reject),
      );
    });
  };
}

/** The verbs of a {@link System} on the main thread's own kernel. */
export function verbsOf(kernel: Kernel, names: Names, over: () => ExitReason | null) {
  /** Nobody is left to answer: so it is said at once. */
  const gone = (path: string): Error | null => {
    const reason = over();
    return reason && errorOf(failed("exited", path, reason) as Extract<Answer, { ok: false }>);
  };
  const admin = (path: string, request: AdminRequest | "get_state", ms: number) =>
    new Promise<unknown>((resolve, reject) => {
      const error = gone(path);
      if (error !== null) return reject(error);
      kernel.call(path, request, ms, settle(resolve, reject));
    });
  return {
    tell: teller(kernel, names, gone),
    ask: (
      ref: Ref,
      type: string,
      message: unknown,
      options?: { timeout?: Duration; id?: string },
    ) => {
      const { id, timeout = 5_000 } = onlyKnown(options, ASK, "system.ask()");
      const name = checkedId(id, ref);
      const value = checked(names, ref, type, message);
      const ms = milliseconds(timeout, "ask timeout");
      return new Promise((resolve, reject) => {
        const error = gone(ref.path);
        if (error !== null) return reject(error);
        kernel.request(ref.path, type, value, ms, settle(resolve, reject), name);
      });
    },
    start: async (to: DynamicRef, given: NewChild<unknown>) => {
      const options = onlyKnown<NewChild<unknown>>(given, START, "system.start()");
      const behaviour = names.behaviours.get(to.dynamic);
      const args = behaviour ? checkArgs(behaviour, options.args, to.path) : options.args;
      const request: AdminRequest = { op: "start_child", id: options.id, args };
      const result = (await admin(to.path, request, Number.POSITIVE_INFINITY)) as AdminResult;
      return startedRef(to.path, to.dynamic, result);
    },
    admin: (path: string, request: AdminRequest) =>
      admin(path, request, Number.POSITIVE_INFINITY) as Promise<AdminResult>,
    // An actor's path leads to its own thread, a supervisor's call to the control thread.
    getState: (ref: { path: string }) => admin(ref.path, "get_state", 5_000),
  };
}
