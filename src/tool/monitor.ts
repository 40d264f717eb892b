/**
 * Owns: the port of the programs that run machines: a monitor boots one, writes it down, and makes copies.
 * Does not own: which monitor runs (microvm.ts), what a template is for (template.ts), the monitors
 * themselves (qemu-machine.ts, firecracker-machine.ts).
 */
import type { MonitorName } from "../actor/outcome.ts";
import type { Jail } from "./jail.ts";
import type { Machine } from "./machine.ts";
import type { Shape } from "./qemu.ts";

/** Where a template lies, and of what. */
export interface Place {
  readonly shape: Shape;
  /** Of the template: its files are `ram` and `state`. */
  readonly folder: string;
  /** Who runs it; null: this process's own user. */
  readonly user: Jail["user"];
}

/** A program that runs machines. */
export interface Monitor {
  readonly name: MonitorName;
  /**
   * Starts a machine from its kernel, in a folder that is empty. Its guest is on its way.
   *
   * @throws Error nothing of it is left then
   */
  boot(place: Place): Promise<Machine>;
  /**
   * A copy of what was saved there, which runs, and whose guest can be spoken to.
   *
   * @param made told at once, so that who ends all machines knows this one
   * @throws Error the machine, if it was made, is still to be destroyed
   */
  copy(place: Place, made: (machine: Machine) => void): Promise<Machine>;
}
