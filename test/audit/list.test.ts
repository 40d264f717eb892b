// Which folders are packages: scopes, nesting, links, pnpm, and the errors for a wrong path.

import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listPackages } from "../../examples/audit/list.ts";
import { makeProject } from "./fixture.ts";

const json = "{}";

test("scoped and nested packages, in order, as paths with /", () => {
  const project = makeProject({
    "node_modules/b/package.json": json,
    "node_modules/b/node_modules/@s/inner/package.json": json,
    "node_modules/b/node_modules/a/package.json": json,
    "node_modules/@s/two/package.json": json,
    "node_modules/@s/one/package.json": json,
    "node_modules/a/package.json": json,
  });
  expect(listPackages(project)).toEqual([
    "node_modules/@s/one",
    "node_modules/@s/two",
    "node_modules/a",
    "node_modules/b",
    "node_modules/b/node_modules/@s/inner",
    "node_modules/b/node_modules/a",
  ]);
});

test("dot folders and loose files are no packages; folders without package.json are", () => {
  const project = makeProject({
    "node_modules/.bin/tool": "",
    "node_modules/.cache/x/package.json": json,
    "node_modules/.package-lock.json": json,
    "node_modules/loose.js": "",
    "node_modules/@s/.hidden/package.json": json,
    "node_modules/bare/index.js": "",
    "node_modules/broken/package.json": "{",
    "node_modules/shell/node_modules/inner/package.json": json,
  });
  mkdirSync(join(project, "node_modules/empty"));
  expect(listPackages(project)).toEqual([
    "node_modules/bare",
    "node_modules/broken",
    "node_modules/shell/node_modules/inner",
  ]);
});

test("a node_modules folder inside a package's own folders belongs to that package", () => {
  const project = makeProject({
    "node_modules/a/package.json": json,
    "node_modules/a/dist/node_modules/b/package.json": json,
  });
  expect(listPackages(project)).toEqual(["node_modules/a"]);
});

test("the folder may be a node_modules folder itself", () => {
  const project = makeProject({
    "node_modules/@s/a/package.json": json,
    "node_modules/b/package.json": json,
  });
  expect(listPackages(join(project, "node_modules"))).toEqual(["@s/a", "b"]);
});

test("links: inside once, by their real place; outside, dangling and circular not at all", () => {
  const outside = makeProject({ "far/package.json": json });
  const project = makeProject({
    "node_modules/real/package.json": json,
    "packages/own/package.json": json,
  });
  const modules = join(project, "node_modules");
  symlinkSync(join(outside, "far"), join(modules, "far"));
  symlinkSync("real", join(modules, "alias"));
  symlinkSync("../packages/own", join(modules, "own"));
  symlinkSync("nowhere", join(modules, "dangling"));
  symlinkSync("circle", join(modules, "circle"));
  symlinkSync(".", join(modules, "itself"));
  symlinkSync("..", join(modules, "project"));
  expect(listPackages(project)).toEqual(["node_modules/real", "packages/own"]);
});

test("pnpm's store: every package once, although links lead to it from everywhere", () => {
  const project = makeProject({
    "node_modules/.pnpm/a@1/node_modules/a/package.json": json,
    "node_modules/.pnpm/@s+b@2/node_modules/@s/b/package.json": json,
  });
  const modules = join(project, "node_modules");
  symlinkSync(".pnpm/a@1/node_modules/a", join(modules, "a"));
  mkdirSync(join(modules, ".pnpm/a@1/node_modules/@s"));
  symlinkSync("../../../@s+b@2/node_modules/@s/b", join(modules, ".pnpm/a@1/node_modules/@s/b"));
  expect(listPackages(project)).toEqual([
    "node_modules/.pnpm/@s+b@2/node_modules/@s/b",
    "node_modules/.pnpm/a@1/node_modules/a",
  ]);
});

test("an empty node_modules folder holds no packages", () => {
  const project = makeProject({ "node_modules/.package-lock.json": json });
  expect(listPackages(project)).toEqual([]);
});

test("wrong paths: the fact, the place, the remedy", () => {
  const project = makeProject({ "package.json": json, "src/node_modules": "a file" });
  expect(() => listPackages(join(project, "nope"))).toThrow(
    /^Cannot audit .*nope: there is no such folder\. Give the folder of a project\.$/,
  );
  expect(() => listPackages(join(project, "package.json"))).toThrow(
    /package\.json: it is not a folder\. Give/,
  );
  expect(() => listPackages(project)).toThrow(
    /it holds no node_modules folder\. Install its dependencies there first/,
  );
  expect(() => listPackages(join(project, "src"))).toThrow(/it holds no node_modules folder/);
});
