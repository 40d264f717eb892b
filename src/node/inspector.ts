/**
 * Owns: ending the run of a worker thread from outside, and asking it where it stands, through
 * Node's inspector: from the control thread, by way of the main thread, whose workers they are.
 * Does not own: when that is allowed (watch.ts).
 *
 * The inspector's protocol is no stable part of Node, and may be forbidden: whoever uses this must
 * be able to do without. Its answers may be late or never come (ADR 0004).
 */
import { Session } from "node:inspector";

/** Name of what thread-main.ts offers to {@link Inspector.ask}, and who it is. */
export const HOOK = Symbol.for("coppice.thread");

/** What a thread offers, in its own global scope. */
export interface Hook {
  readonly threadId: number;
  /** Notes where the run stands, from inside of the interrupted code. */
  note(run: number): void;
}

const EXPRESSION = `globalThis[Symbol.for("coppice.thread")]`;
/** Longest wait for an answer while nothing runs that could hold it up. @unit ms */
const ANSWER_MS = 400;

/** null: the thread is gone. */
type Answer = { result?: { result?: { value?: unknown } } } | null;
interface Waiting {
  readonly session: string;
  readonly resolve: (answer: Answer) => void;
}
interface Target {
  readonly session: string;
  readonly url: string;
  /** 0 as long as it is not known. */
  threadId: number;
}

/** A line to all worker threads that were started from one file. */
export class Inspector {
  readonly #url: string;
  #session: Session;
  #targets = new Map<string, Target>();
  #waiting = new Map<number, Waiting>();
  #next = 0;

  /** @param url file of the workers. @throws Error when the inspector cannot be had */
  constructor(url: string) {
    this.#url = url;
    this.#session = this.#connect();
  }

  close(): void {
    this.#session.disconnect();
    for (const { resolve } of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
    this.#targets.clear();
  }

  /** Finds a thread that is up. @returns false when it could not be reached this time */
  async find(threadId: number): Promise<boolean> {
    if (this.#of(threadId) !== undefined) return true;
    await this.#enable();
    const found = new Promise<null>((resolve) => {
      for (const target of this.#targets.values()) {
        if (target.threadId !== 0) continue;
        // All at once: a thread that was given up, held by a native call, does not answer.
        void this.#identify(target).then(() => this.#of(threadId) && resolve(null));
      }
    });
    await within(found, ANSWER_MS);
    return this.#of(threadId) !== undefined;
  }

  async #identify(target: Target): Promise<void> {
    const params = { expression: `${EXPRESSION}?.threadId ?? 0` };
    const value = (await this.#send(target, "Runtime.evaluate", params))?.result?.result?.value;
    if (typeof value === "number") target.threadId = value;
  }

  /** Begins anew: answers that have not come by now never will. */
  renew(): void {
    this.close();
    this.#session = this.#connect();
  }

  /** Makes the thread note where it stands. Resolves when it has, which a native call holds up. */
  async ask(threadId: number, run: number): Promise<boolean> {
    const target = this.#of(threadId);
    if (target === undefined) return false;
    const params = { expression: `${EXPRESSION}.note(${run})`, silent: true };
    return (await this.#send(target, "Runtime.evaluate", params)) !== null;
  }

  /** Ends what runs there. Resolves when it has landed. */
  async end(threadId: number): Promise<boolean> {
    const target = this.#of(threadId);
    if (target === undefined) return false;
    // An error is no news of where the run is: only a result says that it has landed.
    return (await this.#send(target, "Runtime.terminateExecution", {}))?.result !== undefined;
  }

  #of(threadId: number): Target | undefined {
    for (const target of this.#targets.values()) if (target.threadId === threadId) return target;
    return undefined;
  }

  #connect(): Session {
    const session = new Session();
    session.connectToMainThread();
    session.on("NodeWorker.attachedToWorker", ({ params }) => {
      const { sessionId, workerInfo } = params;
      if (workerInfo.url !== this.#url) return session.post("NodeWorker.detach", { sessionId });
      this.#targets.set(sessionId, { session: sessionId, url: workerInfo.url, threadId: 0 });
    });
    session.on("NodeWorker.detachedFromWorker", ({ params }) => {
      this.#targets.delete(params.sessionId);
      for (const [id, { session, resolve }] of this.#waiting) {
        if (session !== params.sessionId) continue;
        this.#waiting.delete(id);
        resolve(null);
      }
    });
    session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
      const message = JSON.parse(params.message) as { id?: number };
      if (message.id === undefined) return;
      this.#waiting.get(message.id)?.resolve(message as Answer);
      this.#waiting.delete(message.id);
    });
    return session;
  }

  /** Attaches to the workers there are and to those to come. */
  async #enable(): Promise<void> {
    const enabled = new Promise<null>((resolve) => {
      const params = { waitForDebuggerOnStart: false };
      this.#session.post("NodeWorker.enable", params, () => resolve(null));
    });
    await within(enabled, ANSWER_MS);
  }

  #send(target: Target, method: string, params: object): Promise<Answer> {
    const id = ++this.#next;
    const message = JSON.stringify({ id, method, params });
    return new Promise((resolve) => {
      this.#waiting.set(id, { session: target.session, resolve });
      this.#session.post("NodeWorker.sendMessageToWorker", { sessionId: target.session, message });
    });
  }
}

function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), ms);
    promise.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
