// The package as its users get it: built, packed, installed into an empty project, then imported,
// type-checked and called. Needs no network.

import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const temporary = mkdtempSync(join(tmpdir(), "coppice-pack-"));
const project = join(temporary, "project");
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly all: string;
}

/** A user's environment: none of what npm and vitest set for us, and this Node first on PATH. */
function environment(path = process.env.PATH ?? ""): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(NODE_|VITEST|TEST$|INIT_CWD$|npm_(lifecycle|package|command|execpath|node_execpath))/.test(
        name,
      ) && !/^npm_config_(local_prefix|loglevel)$/.test(name),
  );
  const ownFolders = join("node_modules", ".bin");
  const folders = path.split(delimiter).filter((folder) => !folder.endsWith(ownFolders));
  return { ...Object.fromEntries(kept), PATH: folders.join(delimiter) };
}

const nodeFirst = environment([dirname(process.execPath), process.env.PATH].join(delimiter));

function run(cwd: string, command: string, args: readonly string[], env = nodeFirst): Result {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: "utf8",
    timeout: 150_000,
  });
  return { code: status, stdout, all: `${stdout}${stderr}${error?.message ?? ""}` };
}

function must(result: Result, what: string): string {
  if (result.code !== 0) throw new Error(`${what} (exit code ${result.code})\n${result.all}`);
  return result.stdout;
}

function write(name: string, content: string): void {
  writeFileSync(join(project, name), content);
}

/**
 * Installs the tarball beside copies of what the lock file installed here, so that neither network
 * nor npm's cache is needed. A dependency that package.json forgets stays missing, and one whose
 * version does not fit makes npm ask the registry, which --offline refuses.
 */
function install(tarball: string): void {
  const flags = ["--offline", "--install-links", "--ignore-scripts", "--no-audit", "--no-fund"];
  const packages = runtimePackages().map((path) => join(root, path));
  const result = run(project, "npm", [
    "install",
    ...flags,
    "--loglevel=error",
    tarball,
    ...packages,
  ]);
  must(result, "npm cannot install the packed tarball with the locked dependencies");
}

/** Paths below the repository of all packages that a user of this one gets. */
function runtimePackages(): string[] {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const { peerDependencies = {} } = lock.packages[""];
  const peers = Object.keys(peerDependencies).map((name) => `node_modules/${name}`);
  return Object.entries<{ dev?: boolean }>(lock.packages)
    .filter(([path, entry]) => path !== "" && (!entry.dev || peers.includes(path)))
    .map(([path]) => path)
    .filter((path) => existsSync(join(root, path)));
}

beforeAll(() => {
  mkdirSync(project);
  write("package.json", JSON.stringify({ name: "empty", private: true, type: "module" }));
  // prepack builds, as it does for `npm publish`.
  must(run(root, "npm", ["pack", "--pack-destination", temporary]), "npm pack failed");
  const tarball = readdirSync(temporary).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new Error(`npm pack left no tarball in ${temporary}`);
  install(join(temporary, tarball));
}, 300_000);

afterAll(() => rmSync(temporary, { recursive: true, force: true }));

const installed = (...names: string[]) => join(project, "node_modules", "coppice", ...names);

test("the package holds the build and the command, and nothing of the workshop", () => {
  expect(readdirSync(installed()).sort()).toEqual(
    expect.arrayContaining(["bin", "dist", "package.json"]),
  );
  for (const name of ["src", "test", "scripts", "examples", "node_modules"]) {
    expect(existsSync(installed(name)), name).toBe(false);
  }
});

test("plain JavaScript imports it", () => {
  write(
    "use.mjs",
    `import { actor, app, supervisor } from "coppice";
console.log(typeof actor, typeof app, typeof supervisor);`,
  );
  expect(run(project, process.execPath, ["use.mjs"])).toMatchObject({
    code: 0,
    stdout: "function function function\n",
  });
});

test("every export of package.json resolves", () => {
  const trees = existsSync(installed("dist", "supervisors"))
    ? readdirSync(installed("dist", "supervisors")).filter((name) => name.endsWith(".js"))
    : [];
  const names = [
    "coppice",
    ...(existsSync(join(root, "src", "sim", "index.ts")) ? ["coppice/sim"] : []),
    ...(existsSync(join(root, "src", "interop", "nact.ts")) ? ["coppice/interop/nact"] : []),
    ...trees.map((name) => `coppice/supervisors/${name.slice(0, -3)}`),
  ];
  write("all.mjs", `${names.map((name) => `await import("${name}");`).join("\n")}\n`);
  expect(run(project, process.execPath, ["all.mjs"])).toMatchObject({ code: 0, all: "" });
});

describe("TypeScript", () => {
  const program = (args: string) => `import { actor, app, child, supervisor } from "coppice";
import { z } from "zod";

const Counter = actor("counter", {
  args: z.object({ step: z.number() }),
  state: z.object({ step: z.number(), total: z.number() }),
  messages: { add: z.object({ times: z.number() }) },
  init: ({ step }) => ({ step, total: 0 }),
  on: { add: (state, { times }) => ({ ...state, total: state.total + state.step * times }) },
});

export default app({
  root: supervisor("desk", { strategy: "one_for_one" }, [
    child("counter", Counter, { args: ${args} }),
  ]),
});
`;

  function check(args: string): Result {
    const compilerOptions = { strict: true, module: "nodenext", noEmit: true, types: [] };
    write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["app.ts"] }));
    write("app.ts", program(args));
    return run(project, process.execPath, [tsc, "-p", "."]);
  }

  test("an app type-checks under strict and nodenext, library files included", () => {
    expect(check("{ step: 2 }")).toMatchObject({ code: 0, all: "" });
  });

  test("a wrong argument does not", () => {
    expect(check('{ step: "two" }').all).toMatch(/app\.ts.*TS2322/);
  });
});

describe("the command", () => {
  test("npx coppice --version", () => {
    const result = run(project, "npx", ["--no-install", "coppice", "--version"]);
    expect(result).toMatchObject({ code: 0, stdout: expect.stringMatching(/\b0\.1\.0\b/) });
  });

  test("npx coppice --help names its commands", () => {
    const result = run(project, "npx", ["--no-install", "coppice", "--help"]);
    expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining("coppice") });
  });

  test("a command it does not know fails", () => {
    expect(run(project, "npx", ["--no-install", "coppice", "no-such-command"]).code).not.toBe(0);
  });

  const old = oldNode();
  test.skipIf(old === undefined)("on a Node before 24 it names the remedy", () => {
    const result = run(project, old ?? "", [installed("bin", "coppice.mjs"), "--version"]);
    expect(result.code).toBe(1);
    expect(result.all).toMatch(/needs 24 or newer\.\nRemedy: /);
  });
});

/** A Node before 24 on PATH, if this machine has one: fresh ones do. */
function oldNode(): string | undefined {
  const folders = (environment().PATH ?? "").split(delimiter);
  return folders
    .map((folder) => join(folder, "node"))
    .filter((candidate) => existsSync(candidate))
    .find((candidate) => {
      const { stdout } = spawnSync(candidate, ["--version"], { encoding: "utf8" });
      return /^v(1\d|2[0-3])\./.test(stdout ?? "");
    });
}
