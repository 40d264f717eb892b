/**
 * Owns: templates: a machine that was booted once, its interpreter warm, and written down; and
 * copies of it, which share its memory until they write to it.
 * Does not own: what a copy is used for (guest-call.ts), how many there are (machine-pool.ts), how a
 * machine is booted, written down and copied (monitor.ts).
 *
 * QEMU opens the memory of a template for writing, so a copy that has taken over its QEMU could
 * change it: what was changed since it was written is never copied again.
 */
import { randomBytes } from "node:crypto";
import { chownSync, statSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { encodeSeed } from "./guest-call.ts";
import { jailUser } from "./jail.ts";
import { kvmUser } from "./kvm.ts";
import type { Machine } from "./machine.ts";
import type { Monitor, Place } from "./monitor.ts";
import type { Shape } from "./qemu.ts";

/** A guest that has not come up by then, on a host however busy, is started again, once. @unit ms */
const BOOT_MS = 180_000;

export class Template {
  readonly #monitor: Monitor;
  readonly #place: Place;
  /** Of the files, when they were written. */
  readonly #written: string;

  private constructor(monitor: Monitor, place: Place) {
    this.#monitor = monitor;
    this.#place = place;
    this.#written = this.#times();
  }

  /** Boots and writes down. @throws Error with what the monitor or the guest said */
  static async make(monitor: Monitor, shape: Shape, runFolder: string): Promise<Template> {
    const folder = join(runFolder, `template-${randomBytes(6).toString("hex")}`);
    const user =
      shape.accelerator === "kvm"
        ? kvmUser(Math.random())
        : jailUser(process.getuid?.(), Math.random());
    const place = { shape, folder, user };
    try {
      return await Template.#boot(monitor, place);
    } catch {
      // Booting a software processor beside others may fail; a second failure is told.
      return await Template.#boot(monitor, place);
    }
  }

  static async #boot(monitor: Monitor, place: Place): Promise<Template> {
    const { folder, user } = place;
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (user !== null) chownSync(folder, user.uid, user.gid);
    let machine: Machine | null = null;
    try {
      machine = await monitor.boot(place);
      await machine.expect("Y", BOOT_MS);
      for (let turn = 0; turn < 2; turn++) {
        machine.send("W");
        await machine.expect("w", BOOT_MS);
      }
      await machine.save();
    } catch (thrown) {
      await machine?.destroy();
      await rm(folder, { recursive: true, force: true });
      throw thrown;
    }
    await machine.destroy();
    return new Template(monitor, place);
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
   * @param told the machine at once
   * @throws Error when it is destroyed again
   */
  async copy(turns: number, told: (machine: Machine) => void = () => {}): Promise<Machine> {
    const made: Machine[] = [];
    try {
      const machine = await this.#monitor.copy(this.#place, (each) => {
        made.push(each);
        told(each);
      });
      if (turns > 0) machine.send("S", encodeSeed());
      for (let turn = 0; turn < turns; turn++) {
        machine.send("W");
        await machine.expect("w", BOOT_MS);
      }
      return machine;
    } catch (thrown) {
      for (const each of made) await each.destroy();
      throw thrown;
    }
  }

  async remove(): Promise<void> {
    await rm(this.#place.folder, { recursive: true, force: true });
  }

  #times(): string {
    const of = (name: string) => statSync(join(this.#place.folder, name), { bigint: true });
    const times = ["ram", "state"].map(of).map((each) => [each.mtimeNs, each.ctimeNs, each.ino]);
    return times.join(" ");
  }
}
