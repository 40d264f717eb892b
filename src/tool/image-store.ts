/**
 * Owns: the folder of images as a whole: what lies there, who uses it, and removing what nobody needs.
 * Does not own: building (image-build.ts), which image a call gets (image.ts).
 * Invariant: what a living process uses is not removed. It says so by a mark that bears its number.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { DESCRIPTION, guestVersion, type Image, imageError, imageHome } from "./image.ts";
import { runs } from "./processes.ts";
import { sweepRuns } from "./run-folder.ts";

const IMAGE = /^(node|python3|sh)-[0-9a-f]{24}$/;
/** Unfinished work of a process. */
const UNFINISHED = /^(?:draft|probe)-(\d+)-/;
/** The host's KVM, as it was found after a start of the host. */
const VERDICT = /^kvm-([0-9a-f-]{36})-[0-9a-f]{24}\.json$/;

/** How the folder of an unfinished image begins. */
export const draftName = () => `draft-${process.pid}-`;

const folderOfUses = () => join(imageHome(), "uses");
const used = new Set<string>();

/** Says that this process uses an image. */
export function useFolder(name: string): { end(): void } {
  const mark = join(folderOfUses(), `${process.pid}-${name}`);
  try {
    mkdirSync(folderOfUses(), { recursive: true, mode: 0o755 });
    writeFileSync(mark, "");
  } catch {
    // Another user's folder: only he can remove it, and is not told of us.
  }
  return { end: () => rmSync(mark, { force: true }) };
}

/** The same for the rest of this process's life. */
export function useImage(image: Image): void {
  const name = basename(dirname(image.disk));
  if (used.has(name)) return;
  used.add(name);
  useFolder(name);
}

/** An image as it lies there. */
export interface StoredImage {
  readonly name: string;
  readonly runtime: string;
  /** On the disk. @unit bytes */
  readonly bytes: number;
  /** `other`: of another version of Coppice; `unnamed`: no version finds it any more. */
  readonly state: "ready" | "other" | "unnamed";
  /** Processes that use it. */
  readonly users: readonly number[];
  /** Files that describe it. */
  readonly descriptions: readonly string[];
}

function bytesOf(path: string): number {
  const { blocks } = lstatSync(path);
  let bytes = blocks * 512;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const each = join(path, entry.name);
    bytes += entry.isDirectory() ? bytesOf(each) : lstatSync(each).blocks * 512;
  }
  return bytes;
}

const names = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** Living processes by the image they use; marks of dead ones are removed. */
function users(): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const mark of names(folderOfUses())) {
    const pid = Number.parseInt(mark, 10);
    const name = mark.slice(mark.indexOf("-") + 1);
    if (runs(pid)) found.set(name, [...(found.get(name) ?? []), pid]);
    else rmSync(join(folderOfUses(), mark), { force: true });
  }
  return found;
}

/** The folder that a description names; null: it cannot be read. */
function namedBy(description: string): string | null {
  try {
    const { disk } = JSON.parse(readFileSync(join(imageHome(), description), "utf8")) as Image;
    return basename(dirname(disk));
  } catch {
    return null;
  }
}

/** All images, those of this version first. */
export function storedImages(): StoredImage[] {
  const home = imageHome();
  const all = names(home);
  const using = users();
  const described = new Map<string, string[]>();
  for (const each of all.filter((name) => DESCRIPTION.test(name))) {
    const name = namedBy(each) ?? "";
    described.set(name, [...(described.get(name) ?? []), each]);
  }
  const images = all
    .filter((name) => IMAGE.test(name))
    .map((name): StoredImage => {
      const descriptions = described.get(name) ?? [];
      const ours = descriptions.some((each) => DESCRIPTION.exec(each)?.[2] === guestVersion());
      const state = ours ? "ready" : descriptions.length > 0 ? "other" : "unnamed";
      const runtime = name.slice(0, name.indexOf("-"));
      const bytes = bytesOf(join(home, name));
      return { name, runtime, bytes, state, users: using.get(name) ?? [], descriptions };
    });
  const order = ["ready", "other", "unnamed"];
  return images.sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
}

/** First the descriptions, so that nobody finds what is half gone. */
function removeNow({ name, descriptions }: StoredImage): void {
  for (const each of [...descriptions, name]) {
    rmSync(join(imageHome(), each), { recursive: true, force: true });
  }
}

/**
 * Removes an image.
 *
 * @param name as it is listed, or of a runtime: all its images
 * @throws ActorError E_IMAGE there is none, or a process uses it; then nothing is removed
 */
export function removeImages(name: string): StoredImage[] {
  const found = storedImages().filter((each) => each.name === name || each.runtime === name);
  if (found.length === 0) throw imageError(`there is no image ${name}`, "see: coppice image list");
  for (const { name, users } of found) {
    if (users.length === 0) continue;
    const who = `process ${users.join(", ")}`;
    throw imageError(`the image ${name} is in use by ${who}`, "end it first; nothing was removed");
  }
  for (const each of found) removeNow(each);
  return found;
}

/** What was removed. */
export interface Pruned {
  readonly name: string;
  /** @unit bytes */
  readonly bytes: number;
}

/**
 * Removes images that no version finds any more, and what processes that are gone have left. What is in
 * use stays.
 *
 * @param others images of other versions too
 */
export function pruneImages(others: boolean): Pruned[] {
  const home = imageHome();
  const removed: Pruned[] = [];
  for (const image of storedImages()) {
    const needed = image.state === "ready" || (image.state === "other" && !others);
    if (needed || image.users.length > 0) continue;
    removeNow(image);
    removed.push(image);
  }
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  for (const name of names(home)) {
    const verdict = VERDICT.exec(name)?.[1];
    const pid = UNFINISHED.exec(name)?.[1];
    const left = pid !== undefined && !runs(Number(pid));
    const empty = DESCRIPTION.test(name) && !existsSync(join(home, namedBy(name) ?? "none"));
    if (!left && !empty && (verdict === undefined || verdict === boot)) continue;
    rmSync(join(home, name), { recursive: true, force: true });
    removed.push({ name, bytes: 0 });
  }
  for (const name of sweepRuns()) removed.push({ name: `run/${name}`, bytes: 0 });
  return removed;
}
