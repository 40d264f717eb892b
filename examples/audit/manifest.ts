/**
 * Owns what a package.json says about its package: name, version, licence, and the scripts which a
 * package manager runs when it installs the package. It gets the text and never touches a file.
 */
import { limits } from "./limits.ts";
import type { InstallScript } from "./model.ts";
import { cutText } from "./text.ts";

export interface Manifest {
  /** Null when package.json does not say. */
  readonly name: string | null;
  readonly version: string | null;
  readonly licence: string | null;
  readonly scripts: InstallScript[];
  /** npm builds a package with a binding.gyp by itself unless it is told not to. */
  readonly buildsByItself: boolean;
  readonly problems: string[];
}

// `prepare` and its kin are not run for a package which comes from a registry.
const installScripts = ["preinstall", "install", "postinstall"] as const;

type Json = Record<string, unknown>;

export function emptyManifest(problem: string): Manifest {
  return {
    name: null,
    version: null,
    licence: null,
    scripts: [],
    buildsByItself: true,
    problems: [problem],
  };
}

export function readManifest(text: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return emptyManifest(`not valid JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (!isObject(json)) return emptyManifest("not a JSON object");
  const problems: string[] = [];
  const name = stringOf(json, "name", limits.name, problems);
  const version = stringOf(json, "version", limits.version, problems);
  const licence = licenceOf(json);
  const scripts = scriptsOf(json, problems);
  return { name, version, licence, scripts, buildsByItself: json.gypfile !== false, problems };
}

/** What an installation runs, the build which a binding.gyp stands for included. */
export function scriptsAtInstall(manifest: Manifest, hasBindingGyp: boolean): InstallScript[] {
  const own = manifest.scripts.some(({ name }) => name === "preinstall" || name === "install");
  if (!hasBindingGyp || own || !manifest.buildsByItself) return manifest.scripts;
  const build = { name: "install", command: "node-gyp rebuild", implicit: true } as const;
  return [build, ...manifest.scripts];
}

function stringOf(json: Json, key: string, max: number, problems: string[]): string | null {
  const value = json[key];
  if (typeof value === "string" && value !== "") return cutText(value, max);
  problems.push(value === undefined ? `no ${key}` : `${key} is not a text`);
  return null;
}

function licenceOf(json: Json): string | null {
  const stated = json.license ?? json.licence ?? json.licenses;
  const parts = (Array.isArray(stated) ? stated : [stated]).flatMap((part: unknown) => {
    if (typeof part === "string") return part === "" ? [] : [part];
    return isObject(part) && typeof part.type === "string" ? [part.type] : [];
  });
  return parts.length === 0 ? null : cutText(parts.join(" OR "), limits.licence);
}

function scriptsOf(json: Json, problems: string[]): InstallScript[] {
  if (json.scripts === undefined) return [];
  if (!isObject(json.scripts)) {
    problems.push("scripts is not an object");
    return [];
  }
  const found: InstallScript[] = [];
  for (const name of installScripts) {
    const command = json.scripts[name];
    if (typeof command !== "string" || command === "") continue;
    found.push({ name, command: cutText(command, limits.script), implicit: false });
  }
  return found;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
