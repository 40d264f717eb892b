/**
 * Owns: machines that Firecracker runs, from the start of its process until its folder is gone.
 * Does not own: what it is told (firecracker.ts), how (firecracker-api.ts), the channel (vsock.ts).
 */
import { randomBytes } from "node:crypto";
import { chownSync, closeSync, fstatSync, openSync, readSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  bootRequests,
  COPY_REQUESTS,
  firecrackerJail,
  GET_VERSION,
  SAVE_REQUESTS,
  versionFault,
} from "./firecracker.ts";
import { type ApiRequest, FirecrackerApi } from "./firecracker-api.ts";
import { type Jail, jailed, type Spawn } from "./jail.ts";
import { Machine } from "./machine.ts";
import type { Monitor, Place } from "./monitor.ts";
import { GUEST_PORT, reachGuest } from "./vsock.ts";

/** How long is waited, also on a host with much to do. @unit ms */
export interface Deadlines {
  /** For its process to listen. */
  readonly listenMs: number;
  /** For an answer: writing the memory of a large machine takes as long as the disk does. */
  readonly answerMs: number;
  /** For a guest that boots, or was copied. */
  readonly reachMs: number;
}
const DEADLINES: Deadlines = { listenMs: 10_000, answerMs: 60_000, reachMs: 60_000 };
/** Whose channel ends has mostly ended as a whole, and says why a moment later. @unit ms */
const LAST_MS = 2_000;
/** A socket's path must fit into the kernel's record. */
const PATH_MAX = 100;
/** Of its log, what is told. @unit bytes */
const LOG_TAIL = 1_000;

/** How a walled program is started: {@link jailed}, unless a test has something to say about it. */
export type Walls = (jail: Jail) => Spawn;

const pause = () => new Promise((resolve) => setTimeout(resolve, 2));

class FirecrackerMachine extends Machine {
  readonly #folder: string;
  readonly #api: FirecrackerApi;
  readonly #deadlines: Deadlines;

  constructor(spawn: Spawn, folder: string, deadlines: Deadlines) {
    super(spawn, []);
    this.#folder = folder;
    this.#deadlines = deadlines;
    this.#api = new FirecrackerApi(join(folder, "api"), deadlines.answerMs);
  }

  /** When it listens. @throws Error it ended, does not listen, or is of a version that will not do */
  async listening(): Promise<void> {
    const until = performance.now() + this.#deadlines.listenMs;
    for (;;) {
      try {
        const fault = versionFault(await this.#api.ask(GET_VERSION));
        if (fault === null) return;
        throw new Error(`Firecracker cannot be used: ${fault}`);
      } catch (thrown) {
        if (!this.alive) throw new Error(this.lastWords());
        const early = /ENOENT|ECONNREFUSED/.test((thrown as Error).message);
        if (!early || performance.now() > until) throw thrown;
        await pause();
      }
    }
  }

  /** In this order. @throws Error the first that was refused */
  async tell(requests: readonly ApiRequest[]): Promise<void> {
    for (const each of requests) {
      await this.#api.ask(each).catch(async (thrown: Error) => {
        const until =
          performance.now() + (/hang up|ECONN|EPIPE|closed/.test(thrown.message) ? LAST_MS : 0);
        while (this.alive && performance.now() < until) await pause();
        throw this.alive ? thrown : new Error(`${thrown.message}; ${this.lastWords()}`);
      });
    }
  }

  /** When the guest is there. */
  async reach(): Promise<void> {
    const deadlineMs = this.#deadlines.reachMs;
    const hopeless = () => (this.alive ? null : this.lastWords());
    const path = join(this.#folder, "vsock");
    const channel = await reachGuest(path, GUEST_PORT, { deadlineMs, hopeless });
    channel.once("close", () => setTimeout(() => this.#hungUp(), LAST_MS).unref());
    this.attach(channel);
    channel.resume();
  }

  #hungUp(): void {
    this.finish({ kind: "gone", why: "the guest has closed its channel" });
  }

  /**
   * Nothing: a guest that waits for a frame uses no processor, and Firecracker 1.16 forgets how to reach a
   * guest that was stopped and let go.
   */
  override hold(): void {}

  override go(): void {}

  override async save(): Promise<void> {
    await this.tell(SAVE_REQUESTS);
  }

  override async destroy(): Promise<void> {
    await super.destroy();
    await rm(this.#folder, { recursive: true, force: true });
  }

  protected override complaint(): string {
    return [super.complaint(), tailOf(join(this.#folder, "log"))].join(" ");
  }
}

function tailOf(path: string): string {
  try {
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      const tail = Buffer.alloc(Math.min(size, LOG_TAIL));
      readSync(file, tail, 0, tail.length, size - tail.length);
      return tail.toString();
    } finally {
      closeSync(file);
    }
  } catch {
    return ""; // its folder is gone: who destroyed it does not ask
  }
}

/** What may be replaced to see the driver work without a Firecracker. */
export interface Outside {
  readonly walls: Walls;
  readonly deadlines: Deadlines;
}
const HOST: Outside = { walls: jailed, deadlines: DEADLINES };

/** A Firecracker that has been told nothing yet. @throws Error nothing of it is left then */
async function start(
  program: string,
  place: Place,
  boot: boolean,
  { walls, deadlines }: Outside,
): Promise<FirecrackerMachine> {
  const folder = join(dirname(place.folder), `machine-${randomBytes(6).toString("hex")}`);
  if (folder.length > PATH_MAX - "/vsock".length)
    throw new Error(`${folder} is too long a path: set COPPICE_IMAGES`);
  await mkdir(folder, { mode: 0o700 });
  const log = join(folder, "log");
  await writeFile(log, "", { mode: 0o600 }); // before 1.14 it opens none that is not there
  if (place.user !== null) {
    for (const each of [folder, log]) chownSync(each, place.user.uid, place.user.gid);
  }
  const spawn = walls(firecrackerJail(program, place, folder, boot));
  return new FirecrackerMachine(spawn, folder, deadlines);
}

/** Machines of Firecracker. @param program its path */
export function firecracker(program: string, outside: Outside = HOST): Monitor {
  return {
    name: "firecracker",
    async boot(place) {
      const machine = await start(program, place, true, outside);
      try {
        await machine.listening();
        await machine.tell(bootRequests(place.shape));
        await machine.reach();
        return machine;
      } catch (thrown) {
        await machine.destroy();
        throw thrown;
      }
    },
    async copy(place, made) {
      const machine = await start(program, place, false, outside);
      made(machine);
      await machine.listening();
      await machine.tell(COPY_REQUESTS);
      await machine.reach();
      await machine.expect("Y", outside.deadlines.reachMs);
      return machine;
    },
  };
}

/** Does it start behind our walls, and is its version one that will do? @throws Error why not */
export async function tryFirecracker(
  program: string,
  place: Place,
  outside: Outside = HOST,
): Promise<void> {
  const machine = await start(program, place, true, outside);
  try {
    await machine.listening();
  } finally {
    await machine.destroy();
  }
}
