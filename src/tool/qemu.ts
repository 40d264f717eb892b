/**
 * Owns: the command lines of QEMU: a small machine without buses, one disk, one channel, no network.
 * Pure. Descriptors: 3 the channel, 4 QEMU's control, 5 the state of a template.
 * Does not own: starting it (machine.ts).
 */
import { type Image, type Runtime, shellOf } from "./image.ts";
import type { Jail } from "./jail.ts";

/** What the processor of a guest is. */
export type Accelerator = "kvm" | "tcg";

/** What makes two machines the same. */
export interface Shape {
  readonly image: Image;
  readonly accelerator: Accelerator;
  /** Of the guest, with what its own system needs. @unit MiB */
  readonly memoryMb: number;
  readonly vcpus: number;
}

/** The guest's system beside the tool: kernel, first process, page tables. @unit MiB */
const SYSTEM_MB = 96;
/** A warm interpreter must fit, whatever the tool may use. @unit MiB */
const LEAST_MB = 128;
/** Translated code of a software processor, in QEMU. @unit MiB */
const TRANSLATED_MB = 64;
/**
 * A software processor without what costs it most: a string instruction byte by byte, which it does one at a
 * time; a fifth level of page tables; keys of pages.
 */
const SOFTWARE_CPU = "max,-erms,-la57,-pku";
/** Deprecated: it lets QEMU start nothing, gain no rights, change no limits. */
const OWN_FILTER = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/** Memory of the machine for a tool that may use `bytes`. */
export const machineMemory = (bytes: number): number =>
  Math.max(LEAST_MB, Math.ceil(bytes / 2 ** 20)) + SYSTEM_MB;

/** Of the kernel's command line, what is the same for every monitor. */
export const kernelWords = (runtime: Runtime): string[] => [
  ...["quiet", "panic=-1", "nowatchdog", "rcupdate.rcu_cpu_stall_suppress=1"],
  `warm=${runtime}`,
];

/**
 * @param khz of the time stamp counter: without it a software processor may hang in calibration. Nor is that
 *   counter watched: it jumps between template and copy, and the kernel would change its clock in each
 */
function kernelLine(shape: Shape, khz: number): string {
  const clock = `tsc_early_khz=${khz} lpj=${khz * 2} no_timer_check tsc=reliable`;
  // It does not speculate, and huge pages are none to it.
  const software = [clock, "mitigations=off", "transparent_hugepage=never"];
  // Nobody wrote rules for these: groups of sessions, an audit log, modules of mandatory access. The
  // kernel's ciphers are the distribution's: they need not be tried out in each boot.
  const unused = ["noautogroup", "audit=0", "lsm=capability", "cryptomgr.notests"];
  const words = ["reboot=t", "psi=0", ...unused, ...kernelWords(shape.image.runtime)];
  return [...(shape.accelerator === "tcg" ? software : []), ...words].join(" ");
}

/** How the machine begins: from its kernel, or as a copy of a template. */
export type Beginning = { readonly boot: true; readonly khz: number } | { readonly boot: false };

/** @returns the command inside of the jail */
export function qemuCommand(shape: Shape, beginning: Beginning): string[] {
  const { accelerator, memoryMb, vcpus, image } = shape;
  const tcg = accelerator === "tcg";
  const ram = `id=ram,size=${memoryMb}M,mem-path=/run/template/ram`;
  const kernel = ["-kernel", "/run/kernel", "-initrd", "/run/initrd"];
  return [
    ...["/usr/bin/qemu-system-x86_64", "-L", "/usr/share/qemu"],
    ...["-M", "microvm,isa-serial=off,memory-backend=ram"],
    ...[
      "-accel",
      tcg ? `tcg,tb-size=${TRANSLATED_MB}` : "kvm",
      "-cpu",
      tcg ? SOFTWARE_CPU : "host",
    ],
    ...["-m", `${memoryMb}`, "-smp", `${vcpus}`],
    ...["-object", `memory-backend-file,${ram},share=${beginning.boot ? "on" : "off"}`],
    ...["-nodefaults", "-no-user-config", "-nographic", "-no-reboot", "-sandbox", OWN_FILTER],
    ...["-device", "virtio-serial-device,max_ports=2", "-chardev", "socket,id=c0,fd=3"],
    ...["-device", "virtserialport,chardev=c0,name=agent,nr=1"],
    ...["-chardev", "socket,id=q0,fd=4", "-mon", "chardev=q0,mode=control"],
    ...["-drive", "if=none,id=d0,file=/run/disk,format=raw,readonly=on"],
    ...["-device", "virtio-blk-device,drive=d0"],
    ...(beginning.boot
      ? [...kernel, "-append", kernelLine({ ...shape, image }, beginning.khz)]
      : ["-incoming", "defer"]),
  ];
}

/** QEMU behind the host's walls. @param folder of the template */
export function qemuJail(
  shape: Shape,
  beginning: Beginning,
  folder: string,
  user: Jail["user"],
): Jail {
  const { image, accelerator } = shape;
  const devices = ["/dev/null", ...(accelerator === "kvm" ? ["/dev/kvm"] : [])];
  // A copy may open the template's memory, and nothing beside it.
  const template = beginning.boot
    ? ["--bind", folder, "/run/template"]
    : ["--dir", "/run/template", "--bind", `${folder}/ram`, "/run/template/ram"];
  const files = [
    ...["--size", "65536", "--tmpfs", "/run", ...template],
    ...["--ro-bind", image.disk, "/run/disk", "--ro-bind", image.kernel, "/run/kernel"],
    ...["--ro-bind", image.initrd, "/run/initrd"],
  ];
  const command = qemuCommand(shape, beginning);
  const limits = [`--fsize=${shape.memoryMb * 2 ** 20}`, "--nofile=256"];
  return {
    jail: image.jail,
    shell: shellOf(image),
    descriptors: beginning.boot ? 4 : 5,
    root: image.vmm,
    user,
    devices,
    bare: true,
    mounts: files,
    env: {},
    limits,
    command,
  };
}
