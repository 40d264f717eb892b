/**
 * Owns: building guest images from the distribution's packages: the guest's first process, the first
 * file system, the root, and folders with QEMU and bubblewrap that run where nothing is installed.
 * The same packages, Node.js and sources give the same bytes.
 * Does not own: what a root is made of (image-root.ts), where images lie (image.ts).
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { type Unpacked, type UnpackProgress, unpackDebian } from "./debian.ts";
import { gatherJail, gatherVmm, libraryPath } from "./gather.ts";
import {
  descriptionOf,
  findImage,
  type GuestFile,
  guestFile,
  guestVersion,
  type Image,
  imageError,
  imageHome,
  type Runtime,
} from "./image.ts";
import { firstFileSystem } from "./image-initrd.ts";
import { busyboxOf, GUEST_PACKAGES, makeRoot } from "./image-root.ts";
import { draftName, pruneImages, useFolder } from "./image-store.ts";
import { kernelOf } from "./vmlinux.ts";

const HOST_PACKAGES = [
  "tcc",
  "libtcc-dev",
  "musl-dev",
  "erofs-utils",
  "bubblewrap",
  "qemu-system-x86",
];
const KERNEL = "linux-image-cloud-amd64";
const UUID = "6f0e3f0a-8f5d-4f0e-9a53-c0ffee000001";

const runFile = promisify(execFile);

/** How a build comes along. */
export interface BuildOptions {
  /** Told about each step, and about each package. */
  readonly onProgress?: (step: string, progress?: UnpackProgress) => void;
}

/**
 * Builds the image of a runtime, or finds the one that was built of the same.
 *
 * @throws ActorError E_PACKAGE (packages cannot be had), E_IMAGE
 */
export async function buildImage(runtime: Runtime, options: BuildOptions = {}): Promise<Image> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    const fact = `guest images are for Linux on x64; this is ${process.platform} on ${process.arch}`;
    throw imageError(fact, "run sandboxed tools on such a host");
  }
  const say = options.onProgress ?? (() => {});
  const fetch = (
    what: string,
    names: readonly string[],
    dependencies: "none" | "missing" | "all",
  ) => {
    say(what);
    return unpackDebian(names, { dependencies, onProgress: (progress) => say(what, progress) });
  };
  const host = await fetch("programs that build and run it", HOST_PACKAGES, "missing");
  const guest = await fetch("the guest's programs", GUEST_PACKAGES[runtime], "all");
  const kernel = await fetch("the guest's kernel", [await concreteKernel()], "none");
  const gvisor = await fetch("gVisor", ["runsc"], "none").catch(() => null); // optional: said below
  if (gvisor === null) say("this distribution has no gVisor: no tier userkernel");
  const parts = { runtime, host, guest, kernel, gvisor };
  const key = await keyOf(parts);
  const known = findImage(runtime);
  if (known?.key === key) return known;
  const home = imageHome();
  await mkdir(home, { recursive: true, mode: 0o755 });
  const draft = await mkdtemp(join(home, draftName()));
  const used = useFolder(`${runtime}-${key}`); // until it is described, nothing else names it
  try {
    return await make(draft, { ...parts, key }, say);
  } finally {
    used.end();
    await rm(draft, { recursive: true, force: true });
    for (const { name } of pruneImages(false)) say(`removed ${name}: nothing uses it`);
  }
}

interface Parts {
  readonly runtime: Runtime;
  readonly host: Unpacked;
  readonly guest: Unpacked;
  readonly kernel: Unpacked;
  readonly gvisor: Unpacked | null;
}

async function make(
  draft: string,
  parts: Parts & { key: string },
  say: (step: string) => void,
): Promise<Image> {
  const { runtime, host, guest, kernel, gvisor, key } = parts;
  const final = join(imageHome(), `${runtime}-${key}`);
  say("programs of the host");
  await gatherJail(host.root, join(draft, "jail"));
  await gatherVmm(host.root, join(draft, "vmm"));
  if (gvisor !== null) await copyFile(join(gvisor.root, "usr/bin/runsc"), join(draft, "runsc"));
  say("the guest's first process");
  const init = await compile(host.root, draft, "init.c");
  const relay = await compile(host.root, draft, "relay.c");
  say("the guest's root");
  const root = join(draft, "root");
  await mkdir(root);
  const { stdout } = await runFile(busyboxOf(guest.root), ["--list"]);
  const applets = stdout.split("\n").filter((each) => each !== "");
  const warm = (["warm.cjs", "warm.py"] as const).map(guestFile);
  makeRoot(root, { runtime, packages: guest.root, applets, node: process.execPath, warm, relay });
  if (runtime === "python3") await compilePython(draft);
  say("the guest's disk and first file system");
  await writeFile(join(draft, "initrd"), await firstFileSystem(kernel.root, init));
  const packed = await readFile(await kernelFile(kernel.root));
  await writeFile(join(draft, "kernel"), packed);
  const vmlinux = unpackKernel(packed, say);
  if (vmlinux !== null) await writeFile(join(draft, "vmlinux"), vmlinux);
  const flags = ["--quiet", "-T0", `-U${UUID}`, "--all-root", "-x-1", join(draft, "disk"), root];
  await runHost(host.root, join(host.root, "usr/bin/mkfs.erofs"), flags);
  const at = (name: string) => join(final, name);
  const sha = async (name: string) => sha256(join(draft, name));
  const packages = [host, guest, kernel, gvisor].flatMap((each) => each?.packages ?? []);
  const image: Image = {
    ...{ runtime, key, root: at("root"), disk: at("disk"), kernel: at("kernel") },
    vmlinux: vmlinux && at("vmlinux"),
    gvisor: gvisor && at("runsc"),
    ...{ initrd: at("initrd"), vmm: at("vmm"), jail: at("jail") },
    sha256: { disk: await sha("disk"), kernel: await sha("kernel"), initrd: await sha("initrd") },
    packages: packages.map(({ name, version }) => `${name}=${version}`),
  };
  await runFile("chmod", ["755", draft]);
  const other = findImage(runtime);
  if (other?.key === key) return other; // somebody else was faster
  await rm(final, { recursive: true, force: true });
  await rename(draft, final);
  await writeFile(`${final}.json`, JSON.stringify(image, null, 2));
  await rename(`${final}.json`, descriptionOf(runtime));
  return image;
}

/** The kernel that the distribution's name for "the newest" stands for. */
async function concreteKernel(): Promise<string> {
  const { stdout } = await runFile("apt-cache", ["depends", KERNEL]).catch((cause: unknown) => {
    throw imageError("apt-cache cannot be run", "build images on a Debian system", cause);
  });
  const name = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
  if (name !== undefined) return name;
  throw imageError(`apt knows no package ${KERNEL}`, "run `apt-get update`");
}

async function keyOf({ runtime, host, guest, kernel, gvisor }: Parts): Promise<string> {
  const hash = createHash("sha256").update(`${guestVersion()} ${runtime} `);
  for (const unpacked of [host, guest, kernel, gvisor]) {
    for (const each of unpacked?.packages ?? [])
      hash.update(`${each.name} ${each.version} ${each.sha256} `);
  }
  if (runtime === "node") hash.update(await sha256(process.execPath));
  return hash.digest("hex").slice(0, 24);
}

async function runHost(root: string, program: string, args: readonly string[]): Promise<void> {
  const env = { LD_LIBRARY_PATH: libraryPath(root), SOURCE_DATE_EPOCH: "0", PATH: "/usr/bin:/bin" };
  try {
    await runFile(program, args, { env, maxBuffer: 2 ** 26 });
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim().slice(-500) || String(cause);
    throw imageError(`${basename(program)} failed: ${said}`, "look at the disk; report it", cause);
  }
}

/** A small compiler and C library suffice, so that no large ones must be fetched. */
async function compile(root: string, folder: string, name: GuestFile): Promise<Buffer> {
  const musl = join(root, "usr/lib/x86_64-linux-musl");
  const tcc = join(root, "usr/lib/x86_64-linux-gnu/tcc");
  const include = [join(root, "usr/include/x86_64-linux-musl"), join(tcc, "include")];
  const before = ["crt1.o", "crti.o"].map((each) => join(musl, each));
  const after = [join(musl, "libc.a"), join(tcc, "libtcc1.a"), join(musl, "crtn.o")];
  const source = guestFile(name);
  const out = join(folder, "program");
  const flags = [
    "-B",
    tcc,
    "-static",
    "-nostdinc",
    "-nostdlib",
    ...include.map((each) => `-I${each}`),
  ];
  await runHost(root, join(root, "usr/bin/tcc"), [
    ...flags,
    ...before,
    source,
    ...after,
    "-o",
    out,
  ]);
  const program = await readFile(out);
  await rm(out);
  return program;
}

/** Compiled once here: the guest's root is read-only, and its processor slow. */
async function compilePython(draft: string): Promise<void> {
  const jail = join(draft, "jail");
  const walls = [
    "--unshare-all",
    "--clearenv",
    "--bind",
    join(draft, "root"),
    "/",
    "--proc",
    "/proc",
  ];
  const env = ["--setenv", "PYTHONHASHSEED", "0", "--setenv", "SOURCE_DATE_EPOCH", "0"];
  // -B: what it imports itself it would write down with times, and then take for compiled.
  const compile = ["python3", "-B", "-m", "compileall", "-f", "-q"];
  compile.push("--invalidation-mode", "unchecked-hash");
  const args = [
    ...walls,
    ...env,
    "--",
    "/usr/bin/python3",
    ...compile.slice(1),
    "/usr/lib/python3",
  ];
  const lib = (await readdir(join(draft, "root/usr/lib"))).find((each) =>
    /^python3\.\d+$/.test(each),
  );
  args[args.length - 1] = `/usr/lib/${lib}`;
  const options = { env: { LD_LIBRARY_PATH: jail }, maxBuffer: 2 ** 26 };
  await runFile(join(jail, "bwrap"), args, options).catch((cause: unknown) => {
    const fix = "allow user namespaces: sysctl kernel.unprivileged_userns_clone=1";
    throw imageError(`Python of the image cannot run here: ${cause}`, fix, cause);
  });
}

/** Firecracker's alone: an image without it serves all other tiers. */
function unpackKernel(packed: Buffer, say: (step: string) => void): Buffer | null {
  try {
    return kernelOf(packed);
  } catch (thrown) {
    say(`the kernel cannot be unpacked, so there is no Firecracker: ${(thrown as Error).message}`);
    return null;
  }
}

async function kernelFile(root: string): Promise<string> {
  const name = (await readdir(join(root, "boot"))).find((each) => each.startsWith("vmlinuz-"));
  if (name === undefined) throw imageError("the kernel's package has no kernel", "report it");
  return join(root, "boot", name);
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
