/**
 * Owns: one virtual machine from its start to its end: its monitor's process in its jail, the channel to
 * the guest, and that nothing of it is left. It must be started from a thread that lasts: the walls fall
 * with it.
 * Does not own: what is said over the channel (guest-call.ts), copies (template.ts), what is said to the
 * monitor (qemu-machine.ts).
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex, Readable } from "node:stream";
import { encodeFrame, type Frame, FrameError, FrameReader, type ToGuest } from "./frames.ts";
import type { Spawn } from "./jail.ts";
import { descendants, endTree, useOf } from "./processes.ts";

/** Of a monitor's complaints, what is kept. */
const COMPLAINT_MAX = 2_000;

/** The end of a machine: `hostile` when the guest broke the protocol. */
export interface MachineEnd {
  readonly kind: "gone" | "hostile";
  readonly why: string;
}

type Listener = (said: Frame | MachineEnd) => void;

export abstract class Machine {
  readonly #child: ChildProcess;
  readonly #reader = new FrameReader();
  readonly #closed: Promise<void>;
  #channel: Duplex | null = null;
  #listener: Listener | null = null;
  #kept: Frame[] = [];
  #end: MachineEnd | null = null;
  #complaint = "";
  #vmm = 0;

  /** @param beside what its process has as descriptors 3 and up: a socket to it, or an open one of ours */
  constructor({ file, args, env }: Spawn, beside: readonly ("pipe" | number)[]) {
    const stdio = ["ignore", "ignore", "pipe", ...beside];
    const child = spawn(file, args, { env, stdio: stdio as ("pipe" | "ignore" | number)[] });
    this.#child = child;
    this.#closed = new Promise((resolve) => {
      child.once("close", () => resolve());
      child.once("error", (error) => {
        this.finish({ kind: "gone", why: `${file} cannot be started: ${error.message}` });
        if (child.pid === undefined) resolve();
      });
    });
    (child.stdio[2] as Readable).on("data", (bytes: Buffer) => {
      this.#complaint = (this.#complaint + bytes.toString()).slice(-COMPLAINT_MAX);
    });
    child.once("exit", () =>
      setImmediate(() => this.finish({ kind: "gone", why: this.#obituary() })),
    );
  }

  /** Stops a machine that waits for a call, if that is of use. One that has ended is no error. */
  abstract hold(): void;
  /** Lets it go on. */
  abstract go(): void;
  /** Writes its state down; it is of no use afterwards. @throws Error what its monitor says */
  abstract save(): Promise<void>;

  /** The socket to its process. @param at from 3 */
  protected socket(at: number): Duplex {
    return this.#child.stdio[at] as Duplex;
  }

  /** The channel to the guest, once there is one. */
  protected attach(channel: Duplex): void {
    this.#channel = channel;
    channel.on("error", () => {}); // its end is told by the process's, or by its "close"
    channel.on("data", (bytes: Buffer) => this.#read(bytes));
  }

  /** Frames nobody has listened for are kept for who comes. One listener at a time. */
  listen(listener: Listener | null): void {
    this.#listener = listener;
    if (listener === null) return;
    for (const frame of this.#kept.splice(0)) listener(frame);
    if (this.#end !== null) listener(this.#end);
  }

  send(type: ToGuest, payload?: Uint8Array): boolean {
    return this.#channel?.write(encodeFrame(type, payload)) ?? false;
  }

  /** What is sent meanwhile goes at once: the guest is woken up for it once. */
  together(send: () => void): void {
    this.#channel?.cork();
    try {
      send();
    } finally {
      this.#channel?.uncork();
    }
  }

  /** The next frame, which must be of `type`. @throws Error when it is not, or none comes in time */
  async expect(type: string, deadlineMs: number): Promise<Frame> {
    const timer = { id: undefined as NodeJS.Timeout | undefined };
    try {
      return await new Promise<Frame>((resolve, reject) => {
        const late = () => reject(new Error(`the guest said nothing for ${deadlineMs} ms`));
        timer.id = setTimeout(late, deadlineMs);
        this.listen((said) => {
          if ("kind" in said) reject(new Error(said.why));
          else if (said.type === type) resolve(said);
          else reject(new FrameError(`a frame of type ${said.type} instead of ${type}`));
        });
      });
    } finally {
      clearTimeout(timer.id);
      this.listen(null);
    }
  }

  get alive(): boolean {
    return this.#end === null;
  }

  /** The monitor's own process. */
  get pid(): number {
    if (this.#vmm === 0 && this.#child.pid) this.#vmm = descendants(this.#child.pid).at(-1) ?? 0;
    return this.#vmm;
  }

  /** Processor time of the whole machine, as the host saw it. */
  cpuMs(): number {
    return useOf(this.pid).cpuMs;
  }

  /** Ends it. @returns when no process holds the channel any more */
  async destroy(): Promise<void> {
    await endTree(this.#child);
    await this.#closed;
    this.finish({ kind: "gone", why: this.#obituary() }); // "close" may come before what "exit" says
  }

  #read(bytes: Buffer): void {
    if (this.#end !== null) return;
    try {
      for (const frame of this.#reader.push(bytes)) {
        if (this.#listener === null) this.#kept.push(frame);
        else this.#listener(frame);
      }
      if (this.#kept.length > 16) throw new FrameError("frames that nobody asked for");
    } catch (thrown) {
      if (!(thrown instanceof FrameError)) throw thrown;
      this.finish({ kind: "hostile", why: thrown.message });
      void endTree(this.#child);
    }
  }

  /** Tells its end, once. */
  protected finish(end: MachineEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#listener?.(end);
  }

  /** What its process said that it should not have. */
  protected complaint(): string {
    return this.#complaint;
  }

  /** How it ended. */
  protected lastWords(): string {
    return this.#end?.why ?? "the machine goes on";
  }

  #obituary(): string {
    const { exitCode, signalCode } = this.#child;
    return `the machine ended (${signalCode ?? exitCode}): ${this.complaint().trim()}`;
  }
}
