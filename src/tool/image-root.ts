/**
 * Owns: the root file system of a guest as a folder: which files of which packages, the users, the
 * links, and nothing that differs between two builds of the same.
 * Does not own: fetching packages, disks and kernels (image-build.ts).
 */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Runtime } from "./image.ts";

const LIBRARIES = "usr/lib/x86_64-linux-gnu";
/** Only a shell finds these in the scratch space; `/tmp` and `/scratch` are one. */
const FOLDERS = [
  "dev",
  "proc",
  "cg",
  "scratch",
  "etc",
  "root",
  "usr/bin",
  LIBRARIES,
  "usr/lib/coppice",
];
const LINKS = [
  ["bin", "usr/bin"],
  ["sbin", "usr/bin"],
  ["lib", "usr/lib"],
  ["lib64", "usr/lib64"],
  ["tmp", "scratch"],
  ["usr/sbin", "bin"],
] as const;
const FILES = {
  "etc/passwd": "root:x:0:0:root:/root:/bin/sh\ntool:x:1000:1000:tool:/scratch:/bin/sh\n",
  "etc/group": "root:x:0:\ntool:x:1000:\n",
  "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
  "etc/hostname": "sandbox\n",
  // The host's socket comes here, where hosts are granted.
  "usr/lib/coppice/door": "",
} as const;
/** Of Python, what no tool needs. */
const LEFT_OUT =
  /\/(test|tests|idlelib|tkinter|turtledemo|ensurepip|lib2to3|__pycache__|dist-packages)(\/|$)/;

/** Packages that a runtime's files come from; their dependencies are fetched too. */
export const GUEST_PACKAGES: Readonly<Record<Runtime, readonly string[]>> = {
  sh: ["busybox-static", "libc6"],
  node: ["busybox-static", "libc6", "libstdc++6", "libgcc-s1"],
  python3: ["busybox-static", "libc6", "python3-minimal", "libpython3-stdlib"],
};

/** Copies `from` (links as links, the target's folder made) if it is there. */
function copy(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, {
    recursive: true,
    force: true,
    verbatimSymlinks: true,
    filter: (source) => !LEFT_OUT.test(source.slice(from.length)),
  });
}

/** Shared libraries of both library folders of the packages, which are one folder here. */
function copyLibraries(packages: string, root: string): void {
  for (const folder of ["lib/x86_64-linux-gnu", LIBRARIES]) {
    const from = join(packages, folder);
    for (const name of existsSync(from) ? readdirSync(from) : []) {
      if (/\.so(\.|$)/.test(name)) copyLibrary(join(from, name), join(root, LIBRARIES, name));
    }
  }
  for (const folder of ["lib64", "usr/lib64"]) {
    const loader = join(packages, folder, "ld-linux-x86-64.so.2");
    if (!lstatSync(loader, { throwIfNoEntry: false })) continue;
    mkdirSync(join(root, "usr/lib64"), { recursive: true });
    symlinkSync(
      "../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
      join(root, "usr/lib64/ld-linux-x86-64.so.2"),
    );
    return;
  }
}

/** A link that points out of its folder is replaced by what it points to. */
function copyLibrary(from: string, to: string): void {
  const found = lstatSync(from);
  if (!found.isSymbolicLink()) return copy(from, to);
  const target = readlinkSync(from);
  if (!target.includes("/")) symlinkSync(target, to);
  else if (existsSync(resolve(dirname(from), target)))
    copyFileSync(resolve(dirname(from), target), to);
}

/** The program behind the shell; newer packages keep it below `usr`. */
export function busyboxOf(packages: string): string {
  const old = join(packages, "bin/busybox");
  return existsSync(old) ? old : join(packages, "usr/bin/busybox");
}

function addShell(packages: string, root: string, applets: readonly string[]): void {
  copy(busyboxOf(packages), join(root, "usr/bin/busybox"));
  for (const applet of applets) {
    if (applet !== "busybox") symlinkSync("busybox", join(root, "usr/bin", applet));
  }
}

function addPython(packages: string, root: string): void {
  const bin = join(packages, "usr/bin");
  for (const name of readdirSync(bin).filter((each) => /^python3(\.\d+)?$/.test(each))) {
    copy(join(bin, name), join(root, "usr/bin", name));
  }
  const lib = join(packages, "usr/lib");
  for (const name of readdirSync(lib).filter((each) => /^python3\.\d+$/.test(each))) {
    copy(join(lib, name), join(root, "usr/lib", name));
  }
}

/** The same modes whatever the umask of who builds. */
function settle(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) settle(path);
    else if (entry.isFile()) chmodSync(path, lstatSync(path).mode & 0o111 ? 0o755 : 0o644);
  }
}

/** What a root is made of. */
export interface RootParts {
  readonly runtime: Runtime;
  /** Folder of the unpacked packages. */
  readonly packages: string;
  /** Programs that the shell has built in. */
  readonly applets: readonly string[];
  /** The Node.js for guests: the one that runs Coppice. */
  readonly node: string;
  /** Files of ours that wait warm. */
  readonly warm: readonly string[];
  /** The way out of walls that are no machine's, as a program. */
  readonly relay: Buffer;
}

/** Makes the root in an empty folder. */
export function makeRoot(root: string, parts: RootParts): void {
  for (const folder of FOLDERS) mkdirSync(join(root, folder), { recursive: true });
  for (const [from, to] of LINKS) symlinkSync(to, join(root, from));
  for (const [path, text] of Object.entries(FILES)) writeFileSync(join(root, path), text);
  copyLibraries(parts.packages, root);
  addShell(parts.packages, root, parts.applets);
  if (parts.runtime === "node") copyFileSync(parts.node, join(root, "usr/bin/node"));
  if (parts.runtime === "python3") addPython(parts.packages, root);
  for (const file of parts.warm) {
    writeFileSync(join(root, "usr/lib/coppice", basename(file)), readFileSync(file));
  }
  writeFileSync(join(root, "usr/lib/coppice/relay"), parts.relay, { mode: 0o755 });
  settle(root);
}
