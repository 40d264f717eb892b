/**
 * Owns: making programs of unpacked packages run where nothing is installed: copies each with the
 * libraries it needs, found by the system's own loader, into a folder that holds nothing else.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { imageError } from "./image.ts";

const LIBRARIES = "usr/lib/x86_64-linux-gnu";
const FIRMWARE = ["bios-microvm.bin", "linuxboot_dma.bin", "kvmvapic.bin", "pvh.bin"];

const runFile = promisify(execFile);

/** Where the loader finds the libraries of unpacked packages. */
export const libraryPath = (root: string) =>
  [join(root, "lib/x86_64-linux-gnu"), join(root, LIBRARIES)].join(":");

/** Files a program loads, and the loader itself. */
async function needs(program: string, root: string): Promise<string[]> {
  const env = { PATH: "/usr/bin:/bin", LD_LIBRARY_PATH: libraryPath(root) };
  const { stdout } = await runFile("ldd", [program], { env });
  const missing = /^\s*(\S+) => not found/m.exec(stdout)?.[1];
  if (missing !== undefined) {
    throw imageError(
      `${basename(program)} needs ${missing}, which no package brought`,
      "report it",
    );
  }
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path as string);
}

/** bubblewrap with its libraries beside it. */
export async function gatherJail(packages: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const program = join(packages, "usr/bin/bwrap");
  await copyFile(program, join(to, "bwrap"));
  for (const file of await needs(program, packages)) {
    if (!basename(file).startsWith("ld-linux") && !basename(file).startsWith("libc.so")) {
      await copyFile(file, join(to, basename(file)));
    }
  }
}

/** A root for QEMU: the program, its libraries and firmware. */
export async function gatherVmm(packages: string, to: string): Promise<void> {
  const lib = join(to, LIBRARIES);
  for (const each of ["usr/bin", LIBRARIES, "lib64", "usr/share/qemu", "dev", "proc", "run"]) {
    await mkdir(join(to, each), { recursive: true });
  }
  const program = join(packages, "usr/bin/qemu-system-x86_64");
  await copyFile(program, join(to, "usr/bin/qemu-system-x86_64"));
  const modules = join(packages, LIBRARIES, "qemu");
  const accelerators = (await readdir(modules)).filter((each) => each.startsWith("accel-"));
  const files = new Set(await needs(program, packages));
  for (const name of accelerators) {
    const module = join(modules, name);
    await mkdir(join(lib, "qemu"), { recursive: true });
    await copyFile(module, join(lib, "qemu", name));
    for (const file of await needs(module, packages)) files.add(file);
  }
  for (const file of files) {
    const loader = basename(file).startsWith("ld-linux");
    await copyFile(file, loader ? join(to, "lib64", basename(file)) : join(lib, basename(file)));
  }
  for (const name of FIRMWARE) {
    for (const folder of ["usr/share/qemu", "usr/share/seabios"]) {
      const from = join(packages, folder, name);
      if (existsSync(from)) await cp(from, join(to, "usr/share/qemu", name), { dereference: true });
    }
  }
  // The loader's default folders on Debian.
  await mkdir(dirname(join(to, "etc/ld.so.conf")), { recursive: true });
  await writeFile(join(to, "etc/ld.so.conf"), "/usr/lib/x86_64-linux-gnu\n");
}
