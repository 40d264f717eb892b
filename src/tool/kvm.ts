/**
 * Owns: whether this host's KVM can run a guest. The device node proves nothing: there are hosts whose
 * KVM runs special guests only, others at a thousandth of the speed. So a small program is run with a
 * deadline, once in the host's life and for each QEMU; the verdict is kept.
 */

import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Image, imageHome, shellOf } from "./image.ts";
import { type Jail, jailed, jailUser } from "./jail.ts";
import { endTree } from "./processes.ts";

const DEVICE = "/dev/kvm";
/** The program needs 10 ms on a healthy KVM, 60 ms on a software processor, else for ever. @unit ms */
const DEADLINE_MS = 2_000;
const ROM_BYTES = 65_536;
const TURNS = 20_000_000;
/** QEMU's exit status when the program wrote 0x31 to its port. */
const RAN = 99;

/** Null: it can. */
export interface KvmFault {
  readonly why: string;
  readonly fix: string;
}

/** Counts down in a loop, says that it is through, and stops. Starts where a processor starts. */
export function probeRom(): Buffer {
  const rom = Buffer.alloc(ROM_BYTES, 0xf4);
  const count = Buffer.alloc(4);
  count.writeUInt32LE(TURNS);
  const code = [
    Buffer.from([0xfa, 0x66, 0xb9]), // no interrupts; ecx = …
    count,
    Buffer.from([0x66, 0x49, 0x75, 0xfc]), // ecx -= 1; again unless 0
    Buffer.from([0xb0, 0x31, 0xba, 0xf4, 0x00, 0xee]), // write 0x31 to port 0xf4
    Buffer.from([0xf4, 0xeb, 0xfd]), // halt, for ever
  ];
  Buffer.concat(code).copy(rom);
  Buffer.from([0xe9, 0x0d, 0x00]).copy(rom, ROM_BYTES - 16); // first instruction: to the start
  return rom;
}

/** The user that may open the device; a group that may is joined. */
export function kvmUser(random: number): Jail["user"] {
  const user = jailUser(process.getuid?.(), random);
  if (user === null || !existsSync(DEVICE)) return user;
  const { gid, mode } = statSync(DEVICE);
  return mode & 0o020 && gid !== 0 ? { ...user, gid } : user;
}

/** @param accelerator `tcg` shows that the program itself runs */
export async function runProbe(
  image: Image,
  accelerator: "kvm" | "tcg",
  deadlineMs = DEADLINE_MS,
): Promise<KvmFault | null> {
  const home = imageHome();
  await mkdir(home, { recursive: true });
  const folder = await mkdtemp(join(home, `probe-${process.pid}-`));
  try {
    await writeFile(join(folder, "rom"), probeRom(), { mode: 0o644 });
    await chmod(folder, 0o755);
    const devices = accelerator === "kvm" ? [DEVICE] : [];
    const machine = ["-M", "microvm,isa-serial=off", "-accel", accelerator, "-m", "16"];
    const plain = ["-nodefaults", "-no-user-config", "-nographic", "-bios", "/run/rom"];
    const command = ["/usr/bin/qemu-system-x86_64", "-L", "/usr/share/qemu", ...machine, ...plain];
    command.push("-cpu", accelerator === "kvm" ? "host" : "max");
    command.push("-device", "isa-debug-exit,iobase=0xf4,iosize=4");
    const mounts = ["--tmpfs", "/run", "--ro-bind", join(folder, "rom"), "/run/rom"];
    // As this process: the program is ours. Who may open the device is asked apart.
    const user = null;
    const { jail, vmm: root } = image;
    const shell = { shell: shellOf(image), descriptors: 2 };
    const walls = { jail, ...shell, root, user, devices, mounts, env: {}, limits: [], command };
    return await watch(walls, deadlineMs);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function watch(jail: Jail, deadlineMs: number): Promise<KvmFault | null> {
  const { file, args, env } = jailed(jail);
  const fix = "use a host whose KVM is whole, or accept software machines: microvm-tcg";
  return new Promise((resolve) => {
    let said = "";
    const child = spawn(file, args, { env, stdio: ["ignore", "ignore", "pipe"] });
    const timer = setTimeout(() => {
      void endTree(child);
      const why = `${DEVICE} ran a small program for more than ${deadlineMs} ms without an end`;
      resolve({ why, fix });
    }, deadlineMs);
    child.stderr.on("data", (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(0, 500);
    });
    child.once("error", (error) => {
      clearTimeout(timer);
      resolve({ why: `${file} cannot be started: ${error.message}`, fix: "install util-linux" });
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      const why = `${DEVICE} did not run a small program (${signal ?? code}): ${said.trim()}`;
      resolve(code === RAN ? null : { why, fix });
    });
  });
}

/** Root's sandboxes run as another user, who must be able to open the device. */
function deviceFault(): KvmFault | null {
  if (process.getuid?.() !== 0) return null;
  const { gid, mode } = statSync(DEVICE);
  if ((mode & 0o006) === 0o006 || ((mode & 0o060) === 0o060 && gid !== 0)) return null;
  const fix = `give it to a group: chgrp kvm ${DEVICE} && chmod 660 ${DEVICE}`;
  return { why: `${DEVICE} is open to root alone, and sandboxes run as another user`, fix };
}

/** Why there is no KVM for guests here, or null. @param image whose QEMU is used */
export async function kvmFault(image: Image): Promise<KvmFault | null> {
  if (!existsSync(DEVICE)) {
    const fix = "use a host with hardware virtual machines, or accept software ones: microvm-tcg";
    return { why: `there is no ${DEVICE}`, fix };
  }
  try {
    accessSync(DEVICE, constants.R_OK | constants.W_OK);
  } catch {
    return { why: `${DEVICE} may not be opened`, fix: "add this user to the group kvm" };
  }
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  const file = join(imageHome(), `kvm-${boot}-${image.key}.json`);
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    // not asked since this host was started
  }
  const fault = (await runProbe(image, "kvm")) ?? deviceFault();
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, JSON.stringify(fault));
  await rename(draft, file);
  return fault;
}
