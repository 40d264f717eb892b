/**
 * Owns: templates: a machine that was booted once, its interpreter warm, and written down; and
 * copies of it, which share its memory until they write to it.
 * Does not own: what a copy is used for (guest-call.ts), how many there are (microvm.ts).
 *
 * QEMU opens the memory of a template for writing, so a copy that has taken over its QEMU could
 * change it: what was changed since it was written is never copied again.
 */
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  createWriteStream,
  openSync,
  readFileSync,
  statSync,
} from "node:fs";
import { mkdir, open, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { encodeSeed } from "./guest-call.ts";
import { type Jail, jailUser } from "./jail.ts";
import { kvmUser } from "./kvm.ts";
import { Machine } from "./machine.ts";
import { qemuJail, type Shape } from "./qemu.ts";

/** A guest that has not come up by then is started again, once. @unit ms */
const BOOT_MS = 60_000;
const SAVE_MS = 60_000;
/** A socket's path must fit into the kernel's record. */
const PATH_MAX = 100;
const SHARED = { capabilities: [{ capability: "x-ignore-shared", state: true }] };

/** Frequency of the time stamp counter, as the host's kernel measured it. @unit kHz */
function counterKhz(): number {
  const found = /bogomips\s*:\s*([\d.]+)/.exec(readFileSync("/proc/cpuinfo", "latin1"))?.[1];
  return Math.round(Number(found ?? 4_000) * 500);
}

export class Template {
  readonly shape: Shape;
  readonly #folder: string;
  readonly #user: Jail["user"];
  /** Of the files, when they were written. */
  readonly #written: string;

  private constructor(shape: Shape, folder: string, user: Jail["user"]) {
    this.shape = shape;
    this.#folder = folder;
    this.#user = user;
    this.#written = this.#times();
  }

  /** Boots and writes down. @throws Error with what QEMU or the guest said */
  static async make(shape: Shape, runFolder: string): Promise<Template> {
    const folder = join(runFolder, `template-${randomBytes(6).toString("hex")}`);
    const user =
      shape.accelerator === "kvm"
        ? kvmUser(Math.random())
        : jailUser(process.getuid?.(), Math.random());
    try {
      return await Template.#boot(shape, folder, user);
    } catch {
      // Booting a software processor beside others may fail; a second failure is told.
      return await Template.#boot(shape, folder, user);
    }
  }

  static async #boot(shape: Shape, folder: string, user: Jail["user"]): Promise<Template> {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const ram = await open(join(folder, "ram"), "w", 0o600);
    await ram.truncate(shape.memoryMb * 2 ** 20);
    await ram.close();
    own(folder, user);
    own(join(folder, "ram"), user);
    const machine = new Machine(qemuJail(shape, { boot: true, khz: counterKhz() }, folder, user));
    try {
      await machine.expect("Y", BOOT_MS);
      for (let turn = 0; turn < 2; turn++) {
        machine.send("W");
        await machine.expect("w", BOOT_MS);
      }
      await save(machine, folder, user);
    } catch (thrown) {
      await machine.destroy();
      await rm(folder, { recursive: true, force: true });
      throw thrown;
    }
    await machine.destroy();
    return new Template(shape, folder, user);
  }

  /** Were memory and state left alone since they were written? */
  intact(): boolean {
    try {
      return this.#times() === this.#written;
    } catch {
      return false; // removed by somebody
    }
  }

  /**
   * A running copy.
   *
   * @param turns of warming up: a software processor translates anew in every copy. None for a copy that
   *   is needed at once: its call does that on the way, and nothing beside it
   * @param made told at once
   * @throws Error when it is destroyed again
   */
  async copy(turns: number, made: (machine: Machine) => void = () => {}): Promise<Machine> {
    const state = openSync(join(this.#folder, "state"), "r");
    let machine: Machine;
    try {
      machine = new Machine(qemuJail(this.shape, { boot: false }, this.#folder, this.#user), state);
    } finally {
      closeSync(state);
    }
    made(machine);
    try {
      const { control } = machine;
      control.command("migrate-set-capabilities", SHARED).catch(() => {}); // so does the next
      await control.command("migrate-incoming", { uri: "fd:5" });
      if (turns > 0) machine.send("S", encodeSeed());
      for (let turn = 0; turn < turns; turn++) {
        machine.send("W");
        await machine.expect("w", BOOT_MS);
      }
      return machine;
    } catch (thrown) {
      await machine.destroy();
      throw thrown;
    }
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  #times(): string {
    const of = (name: string) => statSync(join(this.#folder, name), { bigint: true });
    const times = ["ram", "state"].map(of).map((each) => [each.mtimeNs, each.ctimeNs, each.ino]);
    return times.join(" ");
  }
}

function own(path: string, user: Jail["user"]): void {
  if (user !== null) chownSync(path, user.uid, user.gid);
}

/** Writes the state of a machine down; memory is in its file already. */
async function save(machine: Machine, folder: string, user: Jail["user"]): Promise<void> {
  const path = join(folder, "socket");
  if (path.length > PATH_MAX) throw new Error(`${folder} is too long a path: set COPPICE_IMAGES`);
  const { server, written } = await receive(path, join(folder, "state"));
  own(path, user);
  try {
    await machine.control.command("migrate-set-capabilities", SHARED);
    await machine.control.command("migrate", { uri: "unix:/run/template/socket" });
    const until = Date.now() + SAVE_MS;
    for (;;) {
      const { status } = (await machine.control.command("query-migrate")) as { status: string };
      if (status === "completed") break;
      if (status === "failed" || Date.now() > until)
        throw new Error(`its state was not saved: ${status}`);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    await machine.control.command("quit").catch(() => {}); // it may end before it answers
    await written;
  } finally {
    server.close();
    await rm(path, { force: true });
  }
  chmodSync(join(folder, "state"), 0o400);
}

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
