/**
 * Owns: which guest images this host has and where they lie: outside of any project, in a folder that
 * an unprivileged user can read, because that is who runs the sandboxes.
 * Does not own: building them (image-build.ts).
 * Invariant: an image is complete: its description is written last, by a rename.
 */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { ActorError } from "../actor/errors.ts";

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

/** Folder of all images: `$COPPICE_IMAGES`, root's `/var/cache/coppice`, or the user's cache. */
export function imageHome(): string {
  const chosen = process.env.COPPICE_IMAGES;
  if (chosen) return chosen;
  // Root's own cache is closed to the user that sandboxes run as.
  if (process.getuid?.() === 0) return "/var/cache/coppice";
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "coppice", "images");
}

/** @returns the image, or null when none was built */
export function findImage(runtime: Runtime): Image | null {
  try {
    return JSON.parse(readFileSync(join(imageHome(), `${runtime}.json`), "utf8")) as Image;
  } catch {
    return null; // not built yet
  }
}

/** Images that were built, the one with the most in it first. */
export const builtImages = (): Image[] => RUNTIMES.flatMap((each) => findImage(each) ?? []);

/** The image that has the program of a command: its interpreter, else a shell's. */
export function runtimeOf(command: string): Runtime {
  const name = basename(command);
  if (name === "node") return "node";
  return /^python3?$/.test(name) ? "python3" : "sh";
}

/** What to do about a missing image. */
export const buildFix = (runtime?: Runtime) =>
  `run: coppice image build${runtime ? ` ${runtime}` : ""}`;

export function imageError(fact: string, fix: string, cause?: unknown): ActorError {
  return new ActorError("E_IMAGE", fact, { fix, cause });
}
