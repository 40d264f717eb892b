/**
 * Owns: how messages and answers pass between nact and Coppice, and between their threads.
 * Does not own: what nact finds behind a reference (nact-system.ts).
 *
 * Who speaks decides the way: a function that is being run speaks through its Context, so what it
 * sends belongs to its slice; anything else through the bridged node, on whichever thread that is.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { BroadcastChannel, isMainThread } from "node:worker_threads";
import { ActorError, type Context, type Messages, type Ref, type Sender } from "coppice";
import * as nact from "nact";

/** Name of the nact system that stands for Coppice's trees. */
export const COPPICE = "coppice";

/** What nact takes for a reference, as plain data: it may be sent, stored and compared. */
export interface PathRef {
  readonly type: "actor";
  readonly name: string;
  readonly system: { readonly name: string };
  readonly path: { readonly system: string; readonly parts: readonly string[] };
  /** Of an actor of Coppice: its behaviour, and whether that is one of nact's functions. */
  readonly behaviour?: string;
  readonly style?: "nact" | "typed";
}

/** Where one answer is awaited: by the asker of `owner`, or by a promise in some thread. */
export interface TempRef {
  readonly type: "temp";
  readonly system: { readonly name: string };
  readonly id: string | number;
  readonly owner?: PathRef;
}

/** A message of nact's function that is being handled. */
export interface Turn {
  readonly ctx: Context;
  /** Until the function is done: what it does later, it does from outside. */
  open: boolean;
  /** It has stopped itself. */
  stopping: boolean;
}

export const turns = new AsyncLocalStorage<Turn>();
/** What awaits an answer here, by the id of its {@link TempRef}. */
export const questions = new Map<string | number, (value: unknown) => void>();
/** nact systems of the main thread that have a stand-in here. */
export const standIns = new Set<string>();
/** The same for questions that nact's own actors below ours are asked: nact keeps these. */
export const nactQuestions = new Map<number, { resolve(value: unknown): void }>();
let speaker: Sender | null = null;
/** The node that is bridged in this thread. */
export const bridged = (): Sender | null => speaker;

/* ---- refs ---- */

export function pathRef(path: string, behaviour?: string, style?: "nact" | "typed"): PathRef {
  const parts = path.split("/").filter((each) => each !== "");
  const name = parts.at(-1) ?? COPPICE;
  const address = { system: { name: COPPICE }, path: { system: COPPICE, parts } };
  const kind = behaviour === undefined || style === undefined ? {} : { behaviour, style };
  return { type: "actor", name, ...address, ...kind };
}

export const pathOf = (ref: PathRef) => `/${ref.path.parts.join("/")}`;
const refOf = (ref: PathRef): Ref<Messages> => ({
  path: pathOf(ref),
  behaviour: ref.behaviour ?? "",
});

/** A message as its receiver declares it: a typed behaviour's name of it is its `type`. */
function mailOf(to: PathRef, message: unknown, sender: unknown): [string, unknown] {
  if (to.style !== "typed") return ["dispatch", { message, sender }];
  const { type, ...rest } = message as { type: string };
  return [type, rest];
}

/* ---- speaking ---- */

/** Between threads: to the node that is bridged, to the nact systems of the main thread, back. */
type Said =
  | { kind: "tell"; to: PathRef; type: string; message: unknown }
  | { kind: "nact"; to: unknown; message: unknown; sender: unknown }
  | { kind: "settle"; id: string | number; value: unknown };

const channel = new BroadcastChannel("coppice/interop/nact");
channel.unref();
channel.onmessage = (event) => hear((event as { data: Said }).data);
export const post = (said: Said) => channel.postMessage(said);

function hear(said: Said): void {
  try {
    if (said.kind === "settle") settleHere(said.id, said.value);
    else if (said.kind === "tell")
      void speaker?.tell(refOf(said.to), said.type, said.message as never);
    else if (!standIns.has((said.to as PathRef).system.name)) {
      (nact.dispatch as (...args: unknown[]) => void)(said.to, said.message, said.sender);
    }
  } catch (error) {
    // It was sent from another thread: nobody there waits for it, and none here is to blame.
    process.emitWarning(error as Error);
  }
}

function settleHere(id: string | number, value: unknown): boolean {
  const settle = questions.get(id) ?? nactQuestions.get(id as number)?.resolve;
  questions.delete(id);
  settle?.(value);
  return settle !== undefined;
}

const live = (): Context | null => {
  const turn = turns.getStore();
  return turn?.open ? turn.ctx : null;
};

function tell(to: PathRef, type: string, message: unknown): void {
  const sender = live() ?? speaker;
  if (sender !== null) return void sender.tell(refOf(to), type as never, message as never);
  if (!isMainThread) return post({ kind: "tell", to, type, message });
  throw new ActorError("no_actor", `no node is bridged, so nact cannot reach ${pathOf(to)}`, {
    fix: "call bridge(system) where the node was started",
  });
}

export const deliver = (to: PathRef, message: unknown, sender?: unknown) =>
  tell(to, ...mailOf(to, message, sender));

/** Gives an answer to whom it is owed. Only its owner's own turn can answer an ask. */
export function settle(to: TempRef, value: unknown): void {
  if (to.owner === undefined) {
    if (!settleHere(to.id, value)) post({ kind: "settle", id: to.id, value });
  } else if (live()?.self.path === pathOf(to.owner)) settleHere(to.id, value);
  else tell(to.owner, "settle", { id: to.id, value });
}

export const newId = (ctx: Context | null): string =>
  `${ctx?.self.path ?? ""}#${(ctx ?? Math).random()}`;

export type Question = unknown | ((temp: TempRef) => unknown);
const put = (question: Question, temp: TempRef) =>
  typeof question === "function" ? question(temp) : question;

/** An ask of Coppice: it ends with the answer, the end of the actor, or the timeout. */
export function query(to: PathRef, question: Question, timeout: number): Promise<unknown> {
  const ctx = live();
  const sender = ctx ?? speaker;
  if (sender === null) return queryOver(question, timeout, (...mail) => deliver(to, ...mail));
  const id = newId(ctx);
  const temp: TempRef = { type: "temp", system: { name: COPPICE }, id, owner: to };
  const message = put(question, temp);
  const [type, mail] =
    to.style === "typed" ? mailOf(to, message, temp) : ["query", { message, id }];
  return sender.ask(refOf(to), type as never, mail as never, { timeout });
}

/** A question that leaves this thread as a message: it ends with the answer or the timeout. */
export function queryOver(
  question: Question,
  timeout: number,
  send: (message: unknown, sender: TempRef) => void,
): Promise<unknown> {
  const temp: TempRef = { type: "temp", system: { name: COPPICE }, id: newId(live()) };
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      questions.delete(temp.id);
      reject(new ActorError("timeout", `no answer arrived in ${timeout} ms`));
    }, timeout);
    questions.set(temp.id, (value) => {
      clearTimeout(timer);
      resolve(value);
    });
    send(put(question, temp), temp);
  });
}

/**
 * Lets nact reach the actors of a running node: from this thread, where it was started, and from
 * every thread of the node. One node at a time; the bridge ends with `close` or `using`.
 *
 * @throws ActorError refused when another node is bridged
 */
export function bridge(system: Sender): Disposable & { close(): void } {
  if (speaker !== null) {
    throw new ActorError("refused", "another node is bridged already", {
      fix: "close that bridge first",
    });
  }
  speaker = system;
  const close = () => {
    if (speaker === system) speaker = null;
  };
  return { close, [Symbol.dispose]: close };
}
