// Projects in a temporary folder, made for one test and gone after it.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

/** Paths relative to the project, with what is in them. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

export function makeProject(files: Files): string {
  const project = mkdtempSync(join(tmpdir(), "coppice-audit-"));
  onTestFinished(() => rmSync(project, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    const full = join(project, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
  }
  return project;
}

/** One package at node_modules/pkg; its package.json is sound unless `files` has another. */
export function makePackage(files: Files, manifest: object = {}): string {
  const json = { name: "pkg", version: "1.2.3", license: "MIT", ...manifest };
  const all = { "package.json": JSON.stringify(json), ...files };
  return makeProject(
    Object.fromEntries(
      Object.entries(all).map(([path, content]) => [`node_modules/pkg/${path}`, content]),
    ),
  );
}

export const pkg = "node_modules/pkg";
