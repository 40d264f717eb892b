/**
 * Owns: whether Firecracker is to run machines, and whether it can: it is asked for, never chosen by itself.
 * What was asked for and cannot be had is said; nothing else takes its place.
 */
import { accessSync, constants, existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type Outside, tryFirecracker } from "./firecracker-machine.ts";
import { type Image, imageHome } from "./image.ts";
import { jailUser } from "./jail.ts";
import type { KvmFault } from "./kvm.ts";

const SETTING = "COPPICE_FIRECRACKER";
const PROGRAM = "firecracker";

function onPath(name: string): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((each) => each !== "");
  return folders.map((each) => join(each, name)).find((each) => existsSync(each)) ?? null;
}

/** What `$COPPICE_FIRECRACKER` names: a path, or a program on the PATH; null: QEMU is to run machines. */
export function askedFirecracker(): string | null {
  const asked = process.env[SETTING];
  if (!asked) return null;
  return asked.includes("/") ? asked : (onPath(asked) ?? asked);
}

/** What is said about a Firecracker that is here and was not asked for. */
export function unasked(): string {
  const found = onPath(PROGRAM);
  return found === null ? "" : ` (${found} is not used: set ${SETTING}=${PROGRAM})`;
}

/** Why machines cannot be run by it, KVM aside; null: they can. */
export async function firecrackerFault(
  program: string,
  images: readonly Image[],
  outside?: Outside,
): Promise<KvmFault | null> {
  const unset = `or unset ${SETTING} to use QEMU`;
  try {
    accessSync(program, constants.X_OK);
  } catch {
    const why = `there is no program ${program}, which ${SETTING} names`;
    return { why, fix: `install Firecracker, ${unset}` };
  }
  const without = images.find(({ vmlinux }) => vmlinux === null);
  if (without !== undefined) {
    const why = `Firecracker needs an unpacked kernel, and the image of ${without.runtime} has none`;
    return { why, fix: `see what coppice image build says, ${unset}` };
  }
  try {
    await attempt(program, images[0] as Image, outside);
    return null;
  } catch (thrown) {
    const fix = `install a current Firecracker, ${unset}`;
    return { why: `${program} does not do: ${(thrown as Error).message}`, fix };
  }
}

/** It starts, says its version, and is ended: no machine is. */
async function attempt(program: string, image: Image, outside?: Outside): Promise<void> {
  const home = imageHome();
  await mkdir(home, { recursive: true });
  const folder = await mkdtemp(join(home, `probe-${process.pid}-`));
  try {
    await chmod(folder, 0o755);
    const template = join(folder, "template");
    const user = jailUser(process.getuid?.(), Math.random());
    await mkdir(template);
    // Without KVM's device: it is opened when a machine starts, and there may be none.
    const shape = { image, accelerator: "tcg", memoryMb: 128, vcpus: 1 } as const;
    await tryFirecracker(program, { shape, folder: template, user }, outside);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
