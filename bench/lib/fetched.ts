/**
 * Owns: the packages of peers that are fetched when they are first measured, into a folder of the
 * user's cache: the library depends on none of them, and no test fetches them.
 * Does not own: the servers that some need (servers.ts).
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Peer } from "./catalogue.ts";

/** Exact versions: figures of others would be other figures. */
const PACKAGES: Partial<Record<Peer, Readonly<Record<string, string>>>> = {
  bullmq: { bullmq: "6.7.0", ioredis: "6.0.0" },
  restate: { "@restatedev/restate-sdk": "1.17.2", "@restatedev/restate-server": "1.7.12" },
  dbos: { "@dbos-inc/dbos-sdk": "5.3.0", pg: "8.23.1" },
};

const CACHE = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
const folderOf = (peer: Peer) => join(CACHE, "coppice", "bench", peer);

/** Fetches what the peer needs and is not there yet; `only`: says no more than whether it is there. */
export function fetchPeer(peer: Peer, only: boolean): string | null {
  const packages = Object.entries(PACKAGES[peer] ?? {});
  const absent = packages.filter(([name, version]) => versionOf(peer, name) !== version);
  if (absent.length === 0) return null;
  const named = absent.map(([name, version]) => `${name}@${version}`);
  if (only) return `not fetched yet, and --quick fetches nothing: ${named.join(" ")}`;
  const folder = folderOf(peer);
  process.stderr.write(`bench: fetches ${named.join(" ")} from the registry into ${folder}\n`);
  mkdirSync(folder, { recursive: true });
  const manifest = join(folder, "package.json");
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true }\n');
  try {
    // Without the scripts of packages: what is fetched runs only as a peer.
    const flags = ["--save-exact", "--ignore-scripts", "--no-audit", "--no-fund"];
    execFileSync("npm", ["install", ...flags, ...named], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    return null;
  } catch (error) {
    const said = String((error as { stderr?: Buffer }).stderr ?? (error as Error).message);
    return `npm could not fetch ${named.join(" ")}: ${said.trim().split("\n").at(-1)}`;
  }
}

function versionOf(peer: Peer, name: string): string | null {
  try {
    const manifest = join(folderOf(peer), "node_modules", name, "package.json");
    return JSON.parse(readFileSync(manifest, "utf8")).version;
  } catch {
    return null; // not fetched
  }
}

/** Where a package of a peer lies. */
export const packageOf = (peer: Peer, name: string) => join(folderOf(peer), "node_modules", name);

/** A package of a peer, imported; its types are not known here. */
// biome-ignore lint/suspicious/noExplicitAny: it is no dependency, so there are no types
export async function imported(peer: Peer, name: string): Promise<any> {
  const { resolve } = createRequire(join(folderOf(peer), "package.json"));
  return import(pathToFileURL(resolve(name)).href);
}
