/**
 * Owns the order in which the files of one package are visited, and which entries are not files to
 * read. It opens nothing and follows no link.
 */
import { type Dirent, readdirSync, realpathSync } from "node:fs";
import { join, sep } from "node:path";
import type { Problem } from "./model.ts";
import { compareText, errorCode } from "./text.ts";

export type WalkStep =
  | { readonly kind: "file"; readonly file: string; readonly path: string }
  | { readonly kind: "problem"; readonly problem: Problem };

/**
 * The regular files below `root`, each folder's entries in order, without the root's node_modules:
 * those are packages of their own. A node_modules further down is part of this package.
 */
export function* walkPackage(root: string): Generator<WalkStep> {
  const real = realRoot(root);
  // A stack of folders instead of recursion: the depth is up to the package.
  const open: Iterator<Dirent>[] = [];
  const names: string[] = [];
  const enter = (folder: string): WalkStep | null => {
    try {
      open.push(sorted(readdirSync(folder, { withFileTypes: true })));
      return null;
    } catch (error) {
      const file = names.join("/") || ".";
      names.pop();
      const what = `folder cannot be read: ${errorCode(error)}`;
      return { kind: "problem", problem: { file, kind: "unreadable", what } };
    }
  };
  const failed = enter(root);
  if (failed !== null) yield failed;
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const next = top.next();
    if (next.done === true) {
      open.pop();
      names.pop();
      continue;
    }
    const entry = next.value;
    if (names.length === 0 && entry.name === "node_modules") continue;
    const file = [...names, entry.name].join("/");
    const path = join(root, ...names, entry.name);
    if (entry.isDirectory()) {
      names.push(entry.name);
      const problem = enter(path);
      if (problem !== null) yield problem;
    } else if (entry.isFile()) {
      yield { kind: "file", file, path };
    } else {
      const problem = oddity(real, join(real, ...names), file, entry);
      if (problem !== null) yield { kind: "problem", problem };
    }
  }
}

function sorted(entries: Dirent[]): Iterator<Dirent> {
  return entries.sort((a, b) => compareText(a.name, b.name))[Symbol.iterator]();
}

function realRoot(root: string): string {
  try {
    return realpathSync(root);
  } catch {
    return root; // Reading it will fail as well, and is reported.
  }
}

/** What is wrong with an entry which is neither a file nor a folder; null for a harmless link. */
function oddity(root: string, folder: string, file: string, entry: Dirent): Problem | null {
  if (!entry.isSymbolicLink()) {
    return { file, kind: "unreadable", what: "neither a file nor a folder: not read" };
  }
  const say = (what: string): Problem => ({
    file,
    kind: "link",
    what: `symbolic link not followed: ${what}`,
  });
  try {
    const target = realpathSync(join(folder, entry.name));
    if (`${folder}${sep}`.startsWith(`${target}${sep}`)) {
      return say("it leads to a folder which holds it");
    }
    return target.startsWith(`${root}${sep}`) ? null : say("it leads out of the package");
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") return say("it leads nowhere");
    return say(code === "ELOOP" ? "it leads in circles" : code);
  }
}
