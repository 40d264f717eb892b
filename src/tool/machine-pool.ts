/**
 * Owns: how many machines there are: templates by shape, copies in use, and copies that wait warm and
 * stopped. Restores are as many at a time as there are processors: more only queue.
 * Does not own: a template (template.ts).
 *
 * Invariants: M-1 a machine is given out once. M-2 at most `MACHINES_MAX` at a time. M-3 after
 * `close` there are none.
 */
import { rm } from "node:fs/promises";
import type { Machine } from "./machine.ts";
import type { Monitor } from "./monitor.ts";
import type { Shape } from "./qemu.ts";
import { Template } from "./template.ts";

/** Machines at a time, warm ones included. */
const MACHINES_MAX = 32;
const TEMPLATES_MAX = 8;
/** What a second turn would add cannot be measured, and it takes as long as the first. */
const WARM_TURNS = 1;
/**
 * Warming up a copy takes a processor from the call that has just begun: the pool is filled up behind it, or
 * beside one that takes longer than this. @unit ms
 */
const BEHIND_MS = 250;
/** Warm copies of a template that nobody asked for in this time are destroyed. @unit ms */
const IDLE_MS = 60_000;

interface Kind {
  readonly key: string;
  readonly shape: Shape;
  template: Promise<Template> | null;
  readonly warm: Machine[];
  /** Copies on their way to be warm. */
  coming: number;
  /** Waits until the pool is filled up. */
  behind: NodeJS.Timeout | null;
  used: number;
}

/** Lets so many in at a time, the others in their order. */
class Gate {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(free: number) {
    this.#free = free;
  }

  get free(): number {
    return this.#free;
  }

  async enter(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}

export class MachinePool {
  readonly #make: typeof Template.make;
  readonly #monitor: Monitor;
  readonly #folder: string;
  readonly #warmMax: number;
  readonly #kinds = new Map<string, Kind>();
  readonly #all = new Set<Machine>();
  readonly #places = new Gate(MACHINES_MAX);
  readonly #restores: Gate;
  readonly #work = new Set<Promise<unknown>>();
  readonly #looking = new Map<Kind, Promise<Template>>();
  readonly #sweeper: NodeJS.Timeout;
  #closed = false;

  /**
   * @param folder of the templates
   * @param cores restores at a time, and warm copies of a template
   * @param make where templates come from
   */
  constructor(monitor: Monitor, folder: string, cores: number, make = Template.make) {
    this.#make = make;
    this.#monitor = monitor;
    this.#folder = folder;
    this.#warmMax = Math.min(cores, 4);
    this.#restores = new Gate(cores);
    this.#sweeper = setInterval(() => this.#sweep(), IDLE_MS / 4);
    this.#sweeper.unref();
  }

  counts(): { machines: number; templates: number } {
    return { machines: this.#all.size, templates: this.#kinds.size };
  }

  /** A machine for one call; null when the signal fired before there was one. @throws Error */
  async claim(shape: Shape, signal: AbortSignal): Promise<Machine | null> {
    this.#checkOpen();
    const kind = this.#kind(shape);
    kind.used = Date.now();
    const warm = this.#takeWarm(kind);
    if (warm !== null) return this.#given(kind, warm);
    const coming = this.#copy(kind, 0);
    const dropped = new Promise<null>((resolve) => {
      if (signal.aborted) resolve(null);
      signal.addEventListener("abort", () => resolve(null), { once: true });
    });
    const machine = await Promise.race([coming, dropped]);
    if (machine !== null) return this.#given(kind, machine);
    // It may serve another call, if it comes at all.
    coming.then((late) => this.#keep(kind, late)).catch(() => {});
    return null;
  }

  /** When it is filled up. */
  async settled(): Promise<void> {
    this.#refillNow();
    while (this.#work.size > 0) await Promise.allSettled(this.#work);
  }

  /** Destroys a machine that was used. @returns when nothing of it is left */
  async release(machine: Machine): Promise<void> {
    try {
      await machine.destroy();
    } finally {
      if (this.#all.delete(machine)) this.#places.leave();
    }
  }

  /** As `release`, for a call whose answer need not wait for that. */
  discard(machine: Machine): void {
    this.#track(this.release(machine));
    this.#refillNow();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweeper);
    while (this.#work.size > 0 || this.#all.size > 0) {
      await Promise.all([...this.#all].map((each) => this.release(each)));
      await Promise.allSettled(this.#work);
    }
    this.#kinds.clear();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #kind(shape: Shape): Kind {
    const { image, memoryMb, vcpus } = shape;
    const key = `${image.key} ${memoryMb} ${vcpus}`;
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const kind: Kind = { key, shape, template: null, warm: [], coming: 0, behind: null, used: 0 };
    this.#kinds.set(key, kind);
    const oldest = [...this.#kinds.values()].sort((a, b) => a.used - b.used);
    for (const each of oldest) {
      if (this.#kinds.size <= TEMPLATES_MAX) break;
      if (each !== kind) this.#forget(each);
    }
    return kind;
  }

  /** Removes a template; machines copied from it go on. */
  #forget(kind: Kind): void {
    this.#kinds.delete(kind.key);
    for (const each of kind.warm.splice(0)) this.#track(this.release(each));
    kind.template?.then((template) => template.remove()).catch(() => {});
  }

  #takeWarm(kind: Kind): Machine | null {
    for (let next = kind.warm.shift(); next !== undefined; next = kind.warm.shift()) {
      if (next.alive) {
        next.go();
        return next;
      }
      this.#track(this.release(next));
    }
    return null;
  }

  async #template(kind: Kind): Promise<Template> {
    const template = kind.template && (await kind.template.catch(() => null));
    if (template?.intact()) return template;
    if (template) await template.remove(); // changed since it was written: by whom? not again
    const making = this.#make(this.#monitor, kind.shape, this.#folder);
    kind.template = making;
    return making;
  }

  #copy(kind: Kind, turns: number): Promise<Machine> {
    return this.#track(this.#copyNow(kind, turns));
  }

  async #copyNow(kind: Kind, turns: number): Promise<Machine> {
    await this.#places.enter();
    await this.#restores.enter();
    const made: Machine[] = [];
    try {
      const template = await this.#templateOnce(kind);
      this.#checkOpen();
      const machine = await template.copy(turns, (each) => {
        made.push(each);
        this.#all.add(each);
      });
      this.#checkOpen();
      return machine;
    } catch (thrown) {
      if (made.length === 0) this.#places.leave();
      for (const each of made) await this.release(each);
      throw thrown;
    } finally {
      this.#restores.leave();
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error("the sandboxes are closed");
  }

  /** One at a time looks whether there is a template, else two would be made. */
  #templateOnce(kind: Kind): Promise<Template> {
    const known = this.#looking.get(kind);
    if (known !== undefined) return known;
    const looking = this.#template(kind).finally(() => this.#looking.delete(kind));
    this.#looking.set(kind, looking);
    return looking;
  }

  #given(kind: Kind, machine: Machine): Machine {
    kind.behind ??= setTimeout(() => this.#refillNow(), BEHIND_MS).unref();
    return machine;
  }

  #refillNow(): void {
    for (const kind of this.#kinds.values()) {
      if (kind.behind === null) continue;
      clearTimeout(kind.behind);
      kind.behind = null;
      this.#refill(kind);
    }
  }

  #refill(kind: Kind): void {
    while (kind.warm.length + kind.coming < this.#warmMax && this.#places.free > this.#warmMax) {
      kind.coming++;
      const settled = () => {
        kind.coming--;
      };
      this.#copy(kind, WARM_TURNS)
        .then((machine) => this.#keep(kind, machine))
        .catch(() => {}) // the next call tries again, and tells
        .finally(settled);
    }
  }

  #keep(kind: Kind, machine: Machine): void {
    if (this.#closed || kind.warm.length >= this.#warmMax || !this.#kinds.has(kind.key)) {
      this.#track(this.release(machine));
      return;
    }
    machine.hold();
    kind.warm.push(machine);
  }

  #sweep(): void {
    for (const kind of this.#kinds.values()) {
      if (Date.now() - kind.used < IDLE_MS) continue;
      for (const each of kind.warm.splice(0)) this.#track(this.release(each));
    }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const settled = work.catch(() => {});
    this.#work.add(settled);
    settled.finally(() => this.#work.delete(settled));
    return work;
  }
}
