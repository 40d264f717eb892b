/**
 * Owns: what comes to a thread for an actor that is in the store only: its supervisor is told that
 * somebody needs it, and what no store keeps waits here until it is back.
 * Does not own: starting it (waking.ts); mail, which waits in the store.
 */
import type { ExitReason } from "../actor/exit.ts";
import type { Cell } from "./cell.ts";
import { unreachable } from "./delivery.ts";
import type { Kernel } from "./kernel.ts";
import type { Envelope, Signal } from "./ports.ts";

/** What is served while it starts: the rest comes when it runs, as it would have otherwise. */
const EARLY: ReadonlySet<Envelope["kind"]> = new Set([
  "link",
  "unlink",
  "watch",
  "unwatch",
  "get_state",
]);

/** A thread's callers. */
export class Callers {
  readonly #kernel: Kernel;
  /** By path. Each sender waits for an answer or a death: there are not many of one. */
  readonly #waiting = new Map<string, Signal[]>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Takes what came for nobody, if there might be somebody in the store. */
  takes(envelope: Envelope): boolean {
    const { to } = envelope;
    if (!this.#kernel.options.hibernates?.(to)) return false;
    switch (envelope.kind) {
      case "mail":
        // Without a number the store must be asked whether it knows the receiver.
        return envelope.seq > 0 && this.#call(to);
      case "nudge":
        return this.#call(to);
      case "unlink":
      case "unwatch":
        return this.#waiting.has(to) && this.#keep(envelope);
      case "kill":
      case "shutdown":
        // (A supervisor means a certain life, and that one is gone.)
        return envelope.life === 0 && this.#keep(envelope);
      case "exit":
        return (!envelope.linked || this.#waiting.has(to)) && this.#keep(envelope);
      case "link":
      case "watch":
      case "get_state":
      case "suspend":
      case "resume":
        return this.#keep(envelope);
      default:
        return false;
    }
  }

  /** Its start begins. */
  begins(cell: Cell): void {
    if (this.#waiting.size === 0) return;
    const waiting = this.#waiting.get(cell.path);
    if (waiting === undefined) return;
    const later = waiting.filter(({ kind }) => !EARLY.has(kind));
    this.#waiting.delete(cell.path);
    if (later.length > 0) this.#waiting.set(cell.path, later);
    for (const each of waiting) if (EARLY.has(each.kind)) cell.receive(each);
  }

  /** From outside, for one that starts, while earlier signals wait for its start: behind them. */
  follows(signal: Signal): boolean {
    if (this.#waiting.size === 0 || EARLY.has(signal.kind)) return false;
    const waiting = this.#waiting.get(signal.to);
    // (A supervisor that ends the life it has begun does not wait for it.)
    if (waiting === undefined || ("life" in signal && signal.life !== 0)) return false;
    waiting.push(signal);
    return true;
  }

  /** Its start is over: it runs. */
  runs(cell: Cell): void {
    if (this.#waiting.size === 0) return;
    const waiting = this.#waiting.get(cell.path) ?? [];
    this.#waiting.delete(cell.path);
    for (const each of waiting) cell.receive(each);
  }

  /** Who is linked to it, or would be, is gone with a thread. */
  lose(gone: (path: string) => boolean, reason: ExitReason): void {
    for (const [to, waiting] of this.#waiting) {
      const links = waiting.filter(({ kind }) => kind === "link") as { from: string }[];
      for (const { from } of links) {
        if (gone(from)) waiting.push({ kind: "exit", to, from, reason, linked: true });
      }
    }
  }

  /** There is no such actor. */
  gone(path: string): void {
    const waiting = this.#waiting.get(path) ?? [];
    this.#waiting.delete(path);
    for (const each of waiting) unreachable(this.#kernel, each);
  }

  /** The same, said by whoever would have started it to the thread where it would run. */
  tellGone(to: string): void {
    const { moves, thread, options } = this.#kernel;
    const at = moves.threadOf(to, false);
    if (at === thread) this.gone(to);
    else options.transport.send(at, { kind: "nobody", to });
  }

  #keep(signal: Signal): true {
    const { to } = signal;
    const waiting = this.#waiting.get(to);
    if (waiting === undefined) this.#waiting.set(to, [signal]);
    else waiting.push(signal);
    return this.#call(to);
  }

  #call(path: string): true {
    const at = path.lastIndexOf("/");
    this.#kernel.send({ kind: "wake", to: path.slice(0, at), id: path.slice(at + 1) }, null);
    return true;
  }
}
