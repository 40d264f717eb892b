/**
 * Owns: the smallest hand-written actor: a mailbox, a run queue, turns of at most 100 messages, and
 * the event loop's turn every 8 ms. A ref is the actor itself. There is no supervision, no limit, no
 * inspection, no exit: this is the ceiling, what V8 gives. Does not own: the programs.
 */
import { MessageChannel } from "node:worker_threads";
import type { Ref, Runtime, Typed } from "../plain/program.ts";

/** Mail a turn may handle, as in Coppice. */
const TURN = 100;
const SLICE_MS = 8;
const CHUNK = 256;

interface Chunk<T> {
  readonly slots: (T | undefined)[];
  next: Chunk<T> | null;
}

/**
 * A queue of chunks: a million waiting messages are never copied, a short queue allocates once, and
 * one that was never used has nothing.
 */
class Queue<T> {
  #first: Chunk<T> | null = null;
  #last: Chunk<T> | null = null;
  #head = 0;
  #tail = 0;
  size = 0;

  push(value: T): void {
    let last = this.#last;
    if (last === null) last = this.#last = this.#first = { slots: [], next: null };
    else if (this.#tail === CHUNK) {
      last = last.next = this.#last = { slots: [], next: null };
      this.#tail = 0;
    }
    last.slots[this.#tail++] = value;
    this.size++;
  }

  shift(): T {
    const first = this.#first as Chunk<T>;
    const value = first.slots[this.#head] as T;
    first.slots[this.#head++] = undefined;
    if (--this.size === 0) this.#head = this.#tail = 0;
    else if (this.#head === CHUNK) {
      this.#first = first.next;
      this.#head = 0;
    }
    return value;
  }
}

type Receive = (message: Typed, self: Ref) => void;

class Actor {
  readonly mail = new Queue<Typed>();
  readonly receive: Receive;
  queued = false;

  constructor(receive: Receive) {
    this.receive = receive;
  }
}

const ready = new Queue<Actor>();
const { port1, port2 } = new MessageChannel();
port1.on("message", runTurns);
let awake = false;

function send(to: Actor, message: Typed): void {
  to.mail.push(message);
  if (to.queued) return;
  to.queued = true;
  ready.push(to);
  if (awake) return;
  awake = true;
  port2.postMessage(0);
}

function runTurns(): void {
  const began = performance.now();
  for (let turns = 1; ready.size > 0; turns++) {
    const actor = ready.shift();
    const { mail } = actor;
    for (let left = TURN; left > 0 && mail.size > 0; left--) actor.receive(mail.shift(), actor);
    if (mail.size > 0) ready.push(actor);
    else actor.queued = false;
    if (turns % 16 === 0 && performance.now() - began > SLICE_MS) break;
  }
  awake = ready.size > 0;
  if (awake) port2.postMessage(0);
}

export const runtime: Runtime = {
  spawn: (receive) => new Actor(receive as Receive),
  send: (to, message) => send(to as Actor, message),
  // Nobody knows an actor but those who hold it: it ends when they let go.
  stop: () => {},
};
