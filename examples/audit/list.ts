/**
 * Owns which folders of a project are installed packages. It looks at names and links only; what is
 * inside a package, and whether it is a sound one, is for scan.ts to say.
 */
import { type Dirent, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, join, relative, resolve, sep } from "node:path";
import { compareText, errorCode } from "./text.ts";

interface Search {
  /** Real path of the project: links may lead anywhere in here, and nowhere else. */
  readonly project: string;
  /** Real path of its node_modules, which may itself be a link to somewhere else. */
  readonly modules: string;
  /** What `modules` is called in a package's path. */
  readonly prefix: string;
  readonly seen: Set<string>;
  readonly found: string[];
}

/**
 * Every package folder under the node_modules of `projectDir`, which may be a node_modules folder
 * itself: scoped, nested, and pnpm's; each once, as a path relative to `projectDir` with "/", in
 * order. Workspace links are followed inside the project only.
 */
export function listPackages(projectDir: string): string[] {
  const project = resolve(projectDir);
  if (!isFolder(project, `Cannot audit ${projectDir}`)) {
    throw new Error(
      `Cannot audit ${projectDir}: it is not a folder. Give the folder of a project.`,
    );
  }
  const isModules = basename(project) === "node_modules";
  const modules = isModules ? project : join(project, "node_modules");
  if (!isModules && !hasFolder(modules)) {
    throw new Error(
      `Cannot audit ${projectDir}: it holds no node_modules folder. ` +
        `Install its dependencies there first ("npm install"), or give the folder which has them.`,
    );
  }
  const search: Search = {
    project: realpathSync(project),
    modules: realpathSync(modules),
    prefix: isModules ? "" : "node_modules/",
    seen: new Set(),
    found: [],
  };
  searchModules(search, search.modules);
  return search.found.sort(compareText);
}

function isFolder(path: string, failure: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    const code = errorCode(error);
    const fact = code === "ENOENT" ? "there is no such folder" : `it cannot be opened (${code})`;
    throw new Error(`${failure}: ${fact}. Give the folder of a project.`, { cause: error });
  }
}

function hasFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function searchModules(search: Search, modules: string): void {
  for (const entry of entriesOf(modules)) {
    const path = join(modules, entry.name);
    if (entry.name === ".pnpm") searchStore(search, path);
    if (entry.name.startsWith(".")) continue;
    const folder = realFolder(search, path, entry);
    if (folder === null) continue;
    if (!entry.name.startsWith("@")) addPackage(search, folder);
    else searchScope(search, folder);
  }
}

function searchScope(search: Search, scope: string): void {
  for (const entry of entriesOf(scope)) {
    if (entry.name.startsWith(".")) continue;
    const folder = realFolder(search, join(scope, entry.name), entry);
    if (folder !== null) addPackage(search, folder);
  }
}

/** pnpm keeps the real packages in .pnpm/NAME@VERSION/node_modules; all else is links to there. */
function searchStore(search: Search, store: string): void {
  for (const entry of entriesOf(store)) {
    const modules = join(store, entry.name, "node_modules");
    if (entry.isDirectory() && hasFolder(modules)) searchModules(search, modules);
  }
}

function addPackage(search: Search, folder: string): void {
  if (search.seen.has(folder)) return;
  search.seen.add(folder);
  const entries = entriesOf(folder, null);
  // npm leaves folders behind which hold nothing but the packages nested in them. A folder which
  // cannot be read is listed: the scan will say so.
  if (entries?.some((entry) => entry.name !== "node_modules") ?? true) {
    search.found.push(pathOf(search, folder));
  }
  const nested = entries?.find((entry) => entry.name === "node_modules");
  if (nested?.isDirectory()) searchModules(search, join(folder, nested.name));
}

/** The folder behind an entry, or null: not a folder, or a link which must not be followed. */
function realFolder(search: Search, path: string, entry: Dirent): string | null {
  if (entry.isDirectory()) return path;
  if (!entry.isSymbolicLink()) return null;
  try {
    const target = realpathSync(path);
    if (!statSync(target).isDirectory()) return null;
    const inside = isInside(search.modules, target) || isInside(search.project, target);
    // A link up to a folder which holds the packages is no package, and would count them twice.
    const above = target === search.modules || isInside(target, search.modules);
    return inside && !above && basename(target) !== "node_modules" ? target : null;
  } catch {
    return null; // It leads nowhere or in circles: there is nothing to audit.
  }
}

function pathOf(search: Search, folder: string): string {
  const path = isInside(search.modules, folder)
    ? search.prefix + relative(search.modules, folder)
    : relative(search.project, folder);
  return sep === "/" ? path : path.replaceAll(sep, "/");
}

function isInside(parent: string, child: string): boolean {
  return child.startsWith(parent.endsWith(sep) ? parent : parent + sep);
}

function entriesOf(folder: string): Dirent[];
function entriesOf(folder: string, otherwise: null): Dirent[] | null;
function entriesOf(folder: string, otherwise: null | [] = []): Dirent[] | null {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return otherwise;
  }
}
