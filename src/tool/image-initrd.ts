/**
 * Owns: a guest's first file system: its first process, the drivers that the kernel has as modules, and
 * in which order they are loaded.
 * Does not own: what the first process does with them (guest/init.c).
 */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { cpio } from "./archive.ts";

/** By the list that names them; each may be a part of the kernel itself. */
const MODULES = {
  /** Always. */
  order: [
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_mmio",
    "drivers/char/virtio_console",
    "drivers/block/virtio_blk",
    "lib/libcrc32c",
    "fs/erofs/erofs",
  ],
  /** Where the channel to the host is no console: nobody else needs this kind of socket. */
  vsock: [
    "net/vmw_vsock/vsock",
    "net/vmw_vsock/vmw_vsock_virtio_transport_common",
    "net/vmw_vsock/vmw_vsock_virtio_transport",
  ],
} as const;

async function modulesOf(folder: string, paths: readonly string[]) {
  const found: { path: string; mode: number; bytes: Buffer }[] = [];
  for (const path of paths) {
    for (const end of [".ko", ".ko.xz", ".ko.zst"]) {
      const file = join(folder, path + end);
      if (!existsSync(file)) continue;
      found.push({ path: `modules/${basename(file)}`, mode: 0o644, bytes: await readFile(file) });
    }
  }
  return found;
}

/** @param root of the kernel's package @returns an archive as the kernel unpacks it */
export async function firstFileSystem(root: string, init: Buffer): Promise<Buffer> {
  const version = (await readdir(join(root, "lib/modules")))[0] ?? "";
  const folder = join(root, "lib/modules", version, "kernel");
  const files = [];
  for (const [list, paths] of Object.entries(MODULES)) {
    const modules = await modulesOf(folder, paths);
    const order = `${modules.map(({ path }) => basename(path)).join("\n")}\n`;
    files.push(...modules);
    files.push({ path: `modules/${list}`, mode: 0o644, bytes: Buffer.from(order) });
  }
  return cpio([
    ...["modules", "dev", "proc", "root"].map((path) => ({ path, mode: 0o755 })),
    ...files,
    { path: "init", mode: 0o755, bytes: init },
  ]);
}
