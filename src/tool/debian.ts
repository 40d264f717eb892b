/**
 * Owns: programs of the Debian distribution without installing them: packages are downloaded with
 * apt, which checks their signatures, and unpacked into a folder of the user's cache.
 * Does not own: what is done with them (a Redis for the tests, a guest's image).
 * Invariant: a folder of the cache is complete: it gets its name when everything is in it.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { ActorError } from "../actor/errors.ts";

/** How {@link unpackDebian} gets its packages; everything has a default. */
export interface UnpackOptions {
  /** Folder to unpack into; it may hold other things. @default one of the cache, shared by all */
  readonly into?: string;
  /**
   * `none`: only the packages named. `missing`: and what they depend on and this system lacks, to
   * run them here. `all`: and everything they depend on, for a system of their own.
   * @default "missing"
   */
  readonly dependencies?: "none" | "missing" | "all";
  /** Told after each package. */
  readonly onProgress?: (progress: UnpackProgress) => void;
}

export interface UnpackProgress {
  readonly phase: "download" | "unpack";
  readonly done: number;
  readonly total: number;
  /** The package just done. */
  readonly name: string;
}

export interface UnpackedPackage {
  readonly name: string;
  readonly version: string;
  /** Of the package's file, in hex. */
  readonly sha256: string;
}

export interface Unpacked {
  /** The folder to look in: `usr/bin`, `usr/lib` … */
  readonly root: string;
  readonly packages: readonly UnpackedPackage[];
}

interface Wanted {
  readonly name: string;
  readonly version: string;
}

/** Packages in one call of apt: it takes long to start, and says nothing until it ends. */
const AT_ONCE = 8;
const OUTPUT_MAX = 64 * 2 ** 20;
const NAME = /^[a-z0-9][a-z0-9+.-]*$/;
/** Written last: what a folder of the cache holds. */
const NOTE = ".coppice-packages.json";

const runFile = promisify(execFile);

/**
 * Fetches packages of the distribution and unpacks them, without installing anything; what has been
 * fetched once comes from the cache (`$XDG_CACHE_HOME` or `~/.cache`, in `coppice/debian`). Scripts
 * of packages do not run.
 *
 * @throws ActorError E_PACKAGE when apt is absent, knows no such package or cannot reach its server
 */
export async function unpackDebian(
  names: readonly string[],
  options: UnpackOptions = {},
): Promise<Unpacked> {
  const wanted = await closure(names, options.dependencies ?? "missing");
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "coppice", "debian");
  await mkdir(cache, { recursive: true });
  if (options.into !== undefined) {
    const root = resolve(options.into);
    await mkdir(root, { recursive: true });
    return { root, packages: await fetchInto(root, wanted, cache, options) };
  }
  const root = join(cache, keyOf(wanted));
  const before = await packagesIn(root);
  if (before !== null) return { root, packages: before };
  const draft = await mkdtemp(join(cache, "draft-"));
  try {
    const packages = await fetchInto(draft, wanted, cache, options);
    await writeFile(join(draft, NOTE), JSON.stringify(packages));
    await rename(draft, root);
    return { root, packages };
  } catch (thrown) {
    // Somebody else may have been faster.
    const packages = await packagesIn(root);
    if (packages === null) throw thrown;
    return { root, packages };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function packagesIn(root: string): Promise<UnpackedPackage[] | null> {
  try {
    return JSON.parse(await readFile(join(root, NOTE), "utf8"));
  } catch {
    return null; // not fetched yet
  }
}

function keyOf(wanted: readonly Wanted[]): string {
  const list = wanted.map(({ name, version }) => `${name}=${version}`).sort();
  return createHash("sha256")
    .update(`${process.arch} ${list.join(" ")}`)
    .digest("hex")
    .slice(0, 24);
}

/** Names and versions of what is to be fetched: apt's own answer to "what would you install?". */
async function closure(
  names: readonly string[],
  dependencies: NonNullable<UnpackOptions["dependencies"]>,
): Promise<Wanted[]> {
  const odd = names.find((name) => !NAME.test(name));
  if (names.length === 0 || odd !== undefined) {
    throw packageError(
      `${JSON.stringify(odd ?? "")} is no name of a package`,
      "name Debian packages",
    );
  }
  // Without a list of what is installed everything is missing.
  const nothing = ["-o", "Dir::State::status=/dev/null"];
  const flags = ["-s", "-qq", "--no-install-recommends", "-o", "Debug::NoLocking=1"];
  if (dependencies === "missing") flags.push("--reinstall");
  else flags.push(...nothing);
  const said = await run("apt-get", ["install", ...flags, ...names]);
  const found = [...said.matchAll(/^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) /gm)].map(
    ([, name, version]) => ({ name: name as string, version: version as string }),
  );
  const wanted = dependencies === "none" ? found.filter(({ name }) => names.includes(name)) : found;
  const absent = names.find((name) => !wanted.some((each) => each.name === name));
  if (absent === undefined) return wanted;
  throw packageError(`apt would not fetch ${absent}`, "name the package that provides it");
}

/** @returns what is now in `root`, in the order of apt */
async function fetchInto(
  root: string,
  wanted: readonly Wanted[],
  cache: string,
  { onProgress }: UnpackOptions,
): Promise<UnpackedPackage[]> {
  const folder = await mkdtemp(join(cache, "debs-"));
  const total = wanted.length;
  try {
    for (let from = 0; from < total; from += AT_ONCE) {
      const some = wanted.slice(from, from + AT_ONCE);
      const list = some.map(({ name, version }) => `${name}=${version}`);
      // As root apt would become another user, who cannot write here.
      const asSelf = ["-o", "APT::Sandbox::User=root"];
      await run("apt-get", ["download", "-qq", ...asSelf, ...list], folder);
      for (const [index, { name }] of some.entries()) {
        onProgress?.({ phase: "download", done: from + index + 1, total, name });
      }
    }
    const files = await readdir(folder);
    const packages: UnpackedPackage[] = [];
    for (const { name, version } of wanted) {
      const bare = name.replace(/:.*/, "");
      const start = `${bare}_${version.replaceAll(":", "%3a")}_`;
      const file = files.find((each) => each.startsWith(start));
      if (file === undefined) throw packageError(`apt brought no file of ${name}`, "try again");
      const path = join(folder, file);
      await run("dpkg-deb", ["-x", path, root]);
      packages.push({ name, version, sha256: await sha256(path) });
      onProgress?.({ phase: "unpack", done: packages.length, total, name });
    }
    return packages;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** @returns what the command printed */
async function run(command: string, args: readonly string[], cwd?: string): Promise<string> {
  try {
    const env = { ...process.env, LC_ALL: "C" };
    const { stdout } = await runFile(command, args, { env, cwd, maxBuffer: OUTPUT_MAX });
    return stdout;
  } catch (thrown) {
    const { code, stderr } = thrown as { code?: unknown; stderr?: string };
    if (code === "ENOENT") {
      const fact = `${command} is absent: this system has no Debian packages`;
      throw packageError(fact, "install the program by hand, or use a Debian system", thrown);
    }
    const said = stderr?.match(/^E: .*/m)?.[0].slice(3) ?? String(thrown);
    const fix = /locate package/.test(said)
      ? "run `apt-get update`, or correct the name"
      : "look at the network, the disk and /etc/apt; `apt-get update` may help";
    throw packageError(`${command} failed: ${said}`, fix, thrown);
  }
}

function packageError(fact: string, fix: string, cause?: unknown): ActorError {
  return new ActorError("E_PACKAGE", fact, { fix, cause });
}
