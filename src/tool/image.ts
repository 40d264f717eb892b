/**
 * Owns: which guest images this host has and where they lie: outside of any project, in a folder that
 * an unprivileged user can read, because that is who runs the sandboxes.
 * Does not own: building them (image-build.ts), listing and removing them (image-store.ts).
 * Invariants: an image is complete: its description is written last, by a rename. A description is named
 * by what host and guest must agree on, so that two versions of Coppice beside each other find each its own.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { ActorError } from "../actor/errors.ts";

/** Raised when the same packages and guest files are to give another image: what a root is made of. */
const RECIPE = 7;
/** Files of ours that a guest runs; the host talks to them. */
const GUEST = new URL("./guest/", import.meta.url);
export const guestFile = (name: GuestFile): string => new URL(name, GUEST).pathname;
export const GUEST_FILES = [
  ...(["init.c", "boot.h", "channel.h", "kernel-files.h", "network.h", "rehearsal.h"] as const),
  ...(["scratch.h", "shell.h", "witness.h", "relay.c", "warm.cjs", "warm.py"] as const),
] as const;
export type GuestFile = (typeof GUEST_FILES)[number];

/** Interpreters a guest may have; every guest has a shell. */
export const RUNTIMES = ["node", "python3", "sh"] as const;
export type Runtime = (typeof RUNTIMES)[number];

/** A root file system for guests, with what runs it. */
export interface Image {
  readonly runtime: Runtime;
  /** Of everything that went into it. */
  readonly key: string;
  /** The root as a folder, for the tiers that share the host's kernel. */
  readonly root: string;
  /** The root as a disk. */
  readonly disk: string;
  readonly kernel: string;
  /** The kernel as an ELF file, for Firecracker; null where it could not be unpacked. */
  readonly vmlinux: string | null;
  readonly initrd: string;
  /** A root for QEMU: the program, its libraries and firmware, and nothing else. */
  readonly vmm: string;
  /** gVisor; null where the distribution has none. */
  readonly gvisor: string | null;
  /** Folder with bubblewrap and its libraries. */
  readonly jail: string;
  /** Of the files above that a guest sees, in hex. */
  readonly sha256: { readonly disk: string; readonly kernel: string; readonly initrd: string };
  readonly packages: readonly string[];
}

/** A shell that needs no libraries: it runs on the host too. */
export const shellOf = (image: Image): string => join(image.root, "usr/bin/busybox");

/** Folder of all images: `$COPPICE_IMAGES`, root's `/var/cache/coppice`, or the user's cache. */
export function imageHome(): string {
  const chosen = process.env.COPPICE_IMAGES;
  if (chosen) return chosen;
  // Root's own cache is closed to the user that sandboxes run as.
  if (process.getuid?.() === 0) return "/var/cache/coppice";
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "coppice", "images");
}

let version: string | undefined;

/** What an image must have been built with to be of use to this version of Coppice. */
export function guestVersion(): string {
  if (version !== undefined) return version;
  const hash = createHash("sha256").update(`${RECIPE} `);
  for (const name of GUEST_FILES) hash.update(readFileSync(guestFile(name)));
  version = hash.digest("hex").slice(0, 12);
  return version;
}

/** Where an image of this version is described. */
export const descriptionOf = (runtime: Runtime): string =>
  join(imageHome(), `${runtime}.${guestVersion()}.json`);

/** @returns the image of this version, or null when none was built, or it is gone */
export function findImage(runtime: Runtime): Image | null {
  try {
    const image = JSON.parse(readFileSync(descriptionOf(runtime), "utf8")) as Image;
    return existsSync(image.disk) ? image : null;
  } catch {
    return null; // not built yet
  }
}

/** Names of descriptions, also of those that versions before this naming have written. */
export const DESCRIPTION = /^(node|python3|sh)(?:\.([0-9a-f]{12}))?\.json$/;

/** Why there is no image, and what to do. @param runtime undefined: none at all */
export function lacking(runtime?: Runtime): { why: string; fix: string } {
  let names: string[] = [];
  try {
    names = readdirSync(imageHome());
  } catch {
    // nothing was ever built
  }
  const other = names.some((name) => {
    const found = DESCRIPTION.exec(name);
    return found !== null && (runtime === undefined || found[1] === runtime);
  });
  const what = `guest image${runtime === undefined ? "" : ` with ${runtime}`}`;
  const why = other
    ? `the ${what} was built for another version of Coppice`
    : `there is no ${what}`;
  return { why, fix: `run: coppice image build${runtime === undefined ? "" : ` ${runtime}`}` };
}

/** Images that were built, the one with the most in it first. */
export const builtImages = (): Image[] => RUNTIMES.flatMap((each) => findImage(each) ?? []);

/** The image that has the program of a command: its interpreter, else a shell's. */
export function runtimeOf(command: string): Runtime {
  const name = basename(command);
  if (name === "node") return "node";
  return /^python3?$/.test(name) ? "python3" : "sh";
}

export function imageError(fact: string, fix: string, cause?: unknown): ActorError {
  return new ActorError("E_IMAGE", fact, { fix, cause });
}
