/**
 * Owns: what a Firecracker is told, and the walls around it: requests in their order, paths as it sees
 * them, which versions will do. Pure.
 * Does not own: telling it (firecracker-api.ts), its machines (firecracker-machine.ts).
 */
import type { ApiRequest } from "./firecracker-api.ts";
import { shellOf } from "./image.ts";
import type { Jail } from "./jail.ts";
import type { Place } from "./monitor.ts";
import { kernelWords, type Shape } from "./qemu.ts";

/**
 * From 1.8 on it describes its devices to the guest by ACPI, without which Debian's kernel does not find
 * them; from 1.10 on it tells the guest of a copy that its old connections are gone.
 */
const LEAST = [1, 10] as const;
/** The log of a machine that runs a tool; its end kills the machine. @unit bytes */
const LOG_MAX = 2 ** 20;

export const GET_VERSION: ApiRequest = { method: "GET", path: "/version" };

/** Why this version will not do; null: it will. @param said answer to {@link GET_VERSION} */
export function versionFault(said: unknown): string | null {
  const version = (said as { firecracker_version?: unknown } | null)?.firecracker_version;
  const parts = /^v?(\d+)\.(\d+)\./.exec(String(version));
  if (parts === null) return `it says that its version is ${JSON.stringify(version)}`;
  const [major, minor] = [Number(parts[1]), Number(parts[2])];
  if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) return null;
  return `its version ${version} is older than ${LEAST.join(".")}`;
}

const put = (path: string, body: object): ApiRequest => ({ method: "PUT", path, body });

/** A machine from its kernel. No serial line, no network, no clock of the host: one disk and one channel. */
export function bootRequests(shape: Shape): ApiRequest[] {
  const { memoryMb: mem_size_mib, vcpus: vcpu_count, image } = shape;
  const words = ["reboot=k", "8250.nr_uarts=0", "i8042.noaux", "channel=vsock"];
  const boot_args = [...words, ...kernelWords(image.runtime)].join(" ");
  const paths = { kernel_image_path: "/run/kernel", initrd_path: "/run/initrd" };
  const disk = { path_on_host: "/run/disk", is_root_device: false, is_read_only: true };
  return [
    put("/machine-config", { vcpu_count, mem_size_mib }),
    put("/boot-source", { ...paths, boot_args }),
    put("/drives/root", { drive_id: "root", ...disk }),
    put("/vsock", { guest_cid: 3, uds_path: "/run/machine/vsock" }),
    put("/actions", { action_type: "InstanceStart" }),
  ];
}

const STATE = { snapshot_path: "/run/template/state" };
const RAM = "/run/template/ram";

/** Writes the machine down; it goes no further. */
export const SAVE_REQUESTS: readonly ApiRequest[] = [
  { method: "PATCH", path: "/vm", body: { state: "Paused" } },
  put("/snapshot/create", { snapshot_type: "Full", ...STATE, mem_file_path: RAM }),
];

/** A copy of what was written down: memory is shared until it writes to it. */
export const COPY_REQUESTS: readonly ApiRequest[] = [
  put("/snapshot/load", {
    ...STATE,
    mem_backend: { backend_type: "File", backend_path: RAM },
    resume_vm: true,
  }),
];

/**
 * Firecracker behind the host's walls: the same as QEMU's, and not those of its own `jailer`, which must be
 * started by root, outlives who started it and leaves folders behind. Its own filter of system calls is on.
 *
 * @param program of the host
 * @param folder of this machine: its sockets and log
 * @param boot else a copy, which may read the template's files and change neither
 */
export function firecrackerJail(
  program: string,
  place: Place,
  folder: string,
  boot: boolean,
): Jail {
  const { shape, user } = place;
  const { image } = shape;
  const template = (name: string) => [
    ...["--ro-bind", `${place.folder}/${name}`, `/run/template/${name}`],
  ];
  const files = boot
    ? ["--bind", place.folder, "/run/template", "--ro-bind", `${image.vmlinux}`, "/run/kernel"]
    : ["--dir", "/run/template", ...template("ram"), ...template("state")];
  const log = ["--log-path", "/run/machine/log", "--level", "Warning"];
  return {
    ...{ jail: image.jail, shell: shellOf(image), descriptors: 2, root: image.vmm, user, env: {} },
    devices: shape.accelerator === "kvm" ? ["/dev/kvm"] : [],
    mounts: [
      ...["--size", "65536", "--tmpfs", "/run", "--bind", folder, "/run/machine", ...files],
      ...["--ro-bind", image.disk, "/run/disk", "--ro-bind", image.initrd, "/run/initrd"],
      ...["--ro-bind", program, "/run/firecracker"],
    ],
    limits: [`--fsize=${boot ? shape.memoryMb * 2 ** 20 : LOG_MAX}`, "--nofile=256"],
    command: ["/run/firecracker", "--id", "coppice", "--api-sock", "/run/machine/api", ...log],
  };
}
