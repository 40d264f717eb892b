/**
 * Owns: machines that QEMU runs: the channel and its control are sockets it inherits; memory lies in a
 * file from the start, state is written down through a socket.
 * Does not own: QEMU's command lines (qemu.ts), its control's language (qmp.ts).
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  createWriteStream,
  openSync,
  readFileSync,
} from "node:fs";
import { open, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Jail, jailed } from "./jail.ts";
import { Machine } from "./machine.ts";
import type { Monitor, Place } from "./monitor.ts";
import { type Beginning, qemuJail } from "./qemu.ts";
import { Control } from "./qmp.ts";

const SAVE_MS = 60_000;
/** A socket's path must fit into the kernel's record. */
const PATH_MAX = 100;
const SHARED = { capabilities: [{ capability: "x-ignore-shared", state: true }] };

/** Frequency of the time stamp counter, as the host's kernel measured it. @unit kHz */
function counterKhz(): number {
  const found = /bogomips\s*:\s*([\d.]+)/.exec(readFileSync("/proc/cpuinfo", "latin1"))?.[1];
  return Math.round(Number(found ?? 4_000) * 500);
}

class QemuMachine extends Machine {
  readonly #control: Control;
  readonly #place: Place;

  /** @param state descriptor of a template's state, for a copy */
  constructor(place: Place, beginning: Beginning, state?: number) {
    const jail = qemuJail(place.shape, beginning, place.folder, place.user);
    super(jailed(jail), ["pipe", "pipe", ...(state === undefined ? [] : [state])]);
    this.#place = place;
    this.attach(this.socket(3));
    this.#control = new Control(this.socket(4));
  }

  /** Takes over what was saved, and runs. */
  async resume(): Promise<void> {
    this.#control.command("migrate-set-capabilities", SHARED).catch(() => {}); // so does the next
    await this.#control.command("migrate-incoming", { uri: "fd:5" });
  }

  override hold(): void {
    this.#control.command("stop").catch(() => {}); // a dead machine is not given out
  }

  override go(): void {
    this.#control.command("cont").catch(() => {}); // a dead machine says so itself
  }

  /** Memory is in its file already. */
  override async save(): Promise<void> {
    const { folder, user } = this.#place;
    const path = join(folder, "socket");
    if (path.length > PATH_MAX) throw new Error(`${folder} is too long a path: set COPPICE_IMAGES`);
    const { server, written } = await receive(path, join(folder, "state"));
    own(path, user);
    try {
      await this.#migrate();
      await this.#control.command("quit").catch(() => {}); // it may end before it answers
      await written;
    } finally {
      server.close();
      await rm(path, { force: true });
    }
    chmodSync(join(folder, "state"), 0o400);
  }

  async #migrate(): Promise<void> {
    await this.#control.command("migrate-set-capabilities", SHARED);
    await this.#control.command("migrate", { uri: "unix:/run/template/socket" });
    const until = Date.now() + SAVE_MS;
    for (;;) {
      const { status } = (await this.#control.command("query-migrate")) as { status: string };
      if (status === "completed") return;
      if (status === "failed" || Date.now() > until)
        throw new Error(`its state was not saved: ${status}`);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  }
}

function own(path: string, user: Jail["user"]): void {
  if (user !== null) chownSync(path, user.uid, user.gid);
}

/** Machines of QEMU. */
export const qemu: Monitor = {
  name: "qemu",
  async boot(place) {
    const file = join(place.folder, "ram");
    const ram = await open(file, "w", 0o600);
    await ram.truncate(place.shape.memoryMb * 2 ** 20);
    await ram.close();
    own(file, place.user);
    return new QemuMachine(place, { boot: true, khz: counterKhz() });
  },
  async copy(place, made) {
    const state = openSync(join(place.folder, "state"), "r");
    let machine: QemuMachine;
    try {
      machine = new QemuMachine(place, { boot: false }, state);
    } finally {
      closeSync(state);
    }
    made(machine);
    await machine.resume();
    return machine;
  },
};

/** Receives one connection's bytes into a file. */
async function receive(
  path: string,
  file: string,
): Promise<{ server: Server; written: Promise<void> }> {
  let done = () => {};
  let failed = (_why: unknown) => {};
  const written = new Promise<void>((resolve, reject) => {
    done = resolve;
    failed = reject;
  });
  written.catch(() => {}); // awaited when the state is complete
  const server = createServer((socket) => {
    pipeline(socket, createWriteStream(file, { mode: 0o600 })).then(done, failed);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return { server, written };
}
