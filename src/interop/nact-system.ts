/**
 * Owns: what nact finds behind a reference: a nact system called "coppice" in which each path is an
 * actor, so that nact's own dispatch, query, spawn and stop reach Coppice's actors; and, on other
 * threads than the main one, stand-ins for the nact systems that live there.
 * Does not own: the ways there (nact-bridge.ts), nact's functions as behaviours (nact.ts).
 */
import { isMainThread } from "node:worker_threads";
import { ActorError, type Context } from "coppice";
import * as nact from "nact";
import {
  bridged,
  COPPICE,
  deliver,
  nactQuestions,
  type PathRef,
  pathOf,
  pathRef,
  post,
  type Question,
  query,
  queryOver,
  questions,
  settle,
  standIns,
  type TempRef,
  turns,
} from "./nact-bridge.ts";

/** The insides of nact that this file uses; its types hide them. */
interface NactActor {
  readonly children: Map<string, NactActor>;
  stop(): void;
}
interface NactSystem {
  readonly path: { constructor: new (parts: readonly string[], system: string) => object };
  tempReferences: Map<number, { resolve(value: unknown): void }>;
  find(ref: unknown): unknown;
}

const hosts = new Map<string, Host>();

/** An actor of Coppice, for nact: on whichever thread it is. */
function elsewhere(ref: PathRef) {
  return {
    dispatch: (message: unknown, sender: unknown) => deliver(ref, message, sender),
    query: (question: Question, timeout: number) => query(ref, question, timeout),
    stop: () => stop(ref),
    assertNotStopped() {
      throw new Error(`${pathOf(ref)} is not run by nact's function here: spawn(ctx.self, …) only`);
    },
  };
}

function stop(ref: PathRef): void {
  const turn = turns.getStore();
  const path = pathOf(ref);
  if (turn?.open && turn.ctx.self.path === path) {
    turn.stopping = true;
    return;
  }
  const acting = bridged() as {
    inspect?: { act(verb: "stop", path: string): Promise<void> };
  } | null;
  if (acting?.inspect) {
    return void acting.inspect
      .act("stop", path)
      .catch((error: Error) => process.emitWarning(error));
  }
  throw new ActorError("refused", `an actor of nact cannot stop ${path} from here`, {
    fix: "send it a message on which it stops itself, or stop it through its supervisor",
  });
}

/** A running incarnation of one of nact's functions: parent of nact's actors in its thread. */
export class Host {
  readonly children = new Map<string, NactActor>();
  readonly childReferences = new Map<string, nact.Ref<unknown>>();
  /** Ids of the queries that this incarnation has yet to answer. */
  readonly asked = new Set<string>();
  readonly reference: PathRef;
  readonly name: string;
  readonly path: object;
  readonly system: NactSystem = system;
  stopped = false;

  constructor(reference: PathRef) {
    this.reference = reference;
    this.name = reference.name;
    this.path = nactPath(reference);
    const { dispatch, query, stop } = elsewhere(reference);
    Object.assign(this, { dispatch, query, stop });
  }

  assertNotStopped(): true {
    if (this.stopped) throw new Error(`${pathOf(this.reference)} has stopped`);
    return true;
  }

  childSpawned(child: NactActor & { name: string; reference: nact.Ref<unknown> }): void {
    this.children.set(child.name, child);
    this.childReferences.set(child.name, child.reference);
  }

  childStopped(child: { name: string }): void {
    this.children.delete(child.name);
    this.childReferences.delete(child.name);
  }

  /** A child of nact's escalates: Coppice's supervisors do not know it, so it is stopped. */
  handleFault(_message: unknown, _sender: unknown, error: unknown, child: { name: string }): void {
    process.emitWarning(error instanceof Error ? error : String(error));
    this.children.get(child.name)?.stop();
  }

  stopChildren(): void {
    for (const child of [...this.children.values()]) child.stop();
  }
}

/** The host of the incarnation that a context belongs to; gone, with its children, when that ends. */
export function hostOf(ctx: Context): Host {
  const { path, behaviour } = ctx.self;
  const known = hosts.get(path);
  if (known !== undefined) return known;
  const host = new Host(pathRef(path, behaviour, "nact"));
  hosts.set(path, host);
  ctx.signal.addEventListener("abort", () => {
    host.stopped = true;
    host.stopChildren();
    for (const id of host.asked) questions.delete(id);
    hosts.delete(path);
  });
  return host;
}

/** A path as nact's functions know it. */
export function nactPath({ path }: PathRef): nact.ActorPath {
  return new system.path.constructor(path.parts, path.system) as nact.ActorPath;
}

/** An actor of nact's below an actor of Coppice, in this thread. */
function childAt(parts: readonly string[]): NactActor | undefined {
  for (let length = parts.length - 1; length > 0; length--) {
    const host = hosts.get(`/${parts.slice(0, length).join("/")}`);
    if (host === undefined) continue;
    let found: { children: Map<string, NactActor> } | undefined = host;
    for (const name of parts.slice(length)) found = found?.children.get(name);
    if (found !== undefined) return found as NactActor;
  }
  return undefined;
}

function find(ref: PathRef | TempRef | NactActor): unknown {
  // A stopping actor of nact's names its children by themselves; in nact's own systems it finds none.
  if ("stop" in ref) return ref;
  if (ref.type === "temp") return { dispatch: (value: unknown) => settle(ref, value) };
  if (ref.type !== "actor") return undefined;
  return hosts.get(pathOf(ref)) ?? childAt(ref.path.parts) ?? elsewhere(ref);
}

type Start = (name: { name: string }, plugin: (system: NactSystem) => void) => void;

const system = ((): NactSystem => {
  let made: NactSystem | undefined;
  (nact.start as unknown as Start)({ name: COPPICE }, (system) => {
    system.find = find as (ref: unknown) => unknown;
    system.tempReferences = nactQuestions;
    made = system;
  });
  return made as NactSystem;
})();

/**
 * A nact system of the main thread, seen from any thread.
 *
 * @returns its actors' references by path: "parent/child"
 * @example const shop = nactSystem("shop"); dispatch(shop("orders"), { type: "paid" })
 */
export function nactSystem(name: string): (path: string) => nact.Ref<unknown> {
  if (!isMainThread && !standIns.has(name)) {
    standIns.add(name);
    (nact.start as unknown as Start)({ name }, (standIn) => {
      standIn.find = (to) => ({
        dispatch: (message: unknown, sender: unknown) =>
          post({ kind: "nact", to, message, sender }),
        query: (question: Question, timeout: number) =>
          queryOver(question, timeout, (message, sender) =>
            post({ kind: "nact", to, message, sender }),
          ),
        stop() {
          throw new ActorError("refused", `nact's ${name} is stopped on the main thread only`);
        },
      });
    });
  }
  return (path) => {
    const { path: inner, ...ref } = pathRef(path);
    return { ...ref, system: { name }, path: { ...inner, system: name } };
  };
}
