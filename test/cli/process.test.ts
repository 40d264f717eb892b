// The command as a process: exit statuses, where errors go, no stacks, pipes, signals.

import { spawn } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import {
  cli,
  errorOf,
  FakeNode,
  inProcess,
  type Outcome,
  ownFolder,
  root,
  row,
  serve,
  supervisorRow,
} from "./stage.ts";

const own = ownFolder();

const STACK = /^\s+at .+:\d+/m;

const ERRORS: [args: string[], status: number, text: string, remedy: string][] = [
  [["tre"], 2, 'E_USAGE: there is no command "tre"', "did you mean tree?"],
  [["frobnicate"], 2, 'E_USAGE: there is no command "frobnicate"', "coppice --help lists"],
  [["--jsn"], 2, 'E_USAGE: there is no option before the command "--jsn"', "coppice --help"],
  [["tree", "--al"], 2, "E_USAGE: coppice tree has no option --al", "did you mean --all?"],
  [["tree", "/desk"], 2, 'E_USAGE: "/desk" is more than coppice tree takes', "tree --help"],
  [["show"], 2, "E_USAGE: coppice show needs PATH", "coppice show --help"],
  [["tree", "--data"], 2, "E_USAGE: --data needs a value", "write --data DIR"],
  [["tree", "--data", "--json=1"], 2, "E_USAGE: --data needs a value", "write --data DIR"],
  [["conformance"], 2, "E_USAGE: coppice conformance needs FILE…", "conformance --help"],
  [["conformance", "none.gz"], 2, "E_USAGE: there is no such file (at none.gz)", "give files"],
  [["run"], 2, "E_USAGE: coppice run needs APP", "coppice run --help"],
  [["run", "x.ts", "--threads", "-1"], 2, "E_USAGE: --threads needs a value", "--threads N"],
  [["run", "x.ts", "--threads=many"], 2, 'E_USAGE: --threads "many" is no whole number', "1"],
  [["run", "x.ts", "--log", "loud"], 2, 'E_USAGE: --log "loud" is not one', "warn, info"],
  [["run", "none.ts"], 1, "E_APP_FILE: ", "default export is made by app()"],
  [["tree"], 1, "E_NODE_ABSENT: no node of yours is running", "coppice run APP"],
  [["kill", "/desk"], 1, "E_NODE_ABSENT: ", "coppice run APP"],
  [["tree", "--data", "nowhere"], 1, "E_NODE_ABSENT: ", "coppice run APP --data nowhere"],
];

/** These are run as processes too; the others would fail alike. */
const IN_PROCESS = new Set(["tre", "conformance none.gz", "run none.ts", "tree"]);

test.each(ERRORS)("%j fails with %i: %s", async (args, expected, text, remedy) => {
  const check = ({ status, out, err }: Outcome) => {
    expect({ status, out }).toEqual({ status: expected, out: "" });
    expect(err.startsWith(`coppice: ${text}`)).toBe(true);
    expect(err.split("\n  remedy: ")[1]).toContain(remedy);
    expect(err).not.toMatch(STACK);
  };
  check(await cli(args));
  if (IN_PROCESS.has(args.join(" "))) check(await inProcess(args));
});

test("with --json an error is JSON on stderr, with --stack it has its stack", async () => {
  const plain = await inProcess(["tree", "--json"]);
  expect(plain.status).toBe(1);
  expect(errorOf(plain)).toEqual({
    code: "E_NODE_ABSENT",
    message: expect.stringContaining("no node"),
    fix: "start one: coppice run APP",
  });
  expect(errorOf(await inProcess(["tre", "--json"]))).toMatchObject({ code: "E_USAGE" });
  expect(errorOf(await inProcess(["tree", "--json", "--stack"]))).toHaveProperty("stack");
  expect((await inProcess(["tree", "--stack"])).err).toMatch(STACK);
  expect((await inProcess(["tree"], { env: { COPPICE_STACK: "1" } })).err).toMatch(STACK);
});

test("what was typed cannot steer the terminal that shows the error", async () => {
  const { err } = await inProcess(["\u001b[2J\u0007"]);
  expect(err).not.toContain("\u001b");
});

test("help and version", async () => {
  const { version } = await import("../../package.json", { with: { type: "json" } }).then(
    (module) => module.default,
  );
  expect(await inProcess(["--version"])).toEqual({ status: 0, out: `${version}\n`, err: "" });
  expect(JSON.parse((await inProcess(["--version", "--json"])).out)).toEqual({ version });
  const nothing = await inProcess([]);
  expect(nothing).toMatchObject({ status: 2, out: "" });
  expect((await inProcess(["--help"])).out).toBe(nothing.err);
});

describe("a reader that leaves", () => {
  test("is no error", async () => {
    const rows = Array.from({ length: 30_000 }, (_, index) => row(`/desk/w${index}`));
    await serve(new FakeNode([supervisorRow("/desk"), ...rows]));
    const main = join(root, "src", "cli", "main.ts");
    const script = `"${process.execPath}" "${main}" tree | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const shell = spawn("bash", ["-c", script], { stdio: ["ignore", "pipe", "pipe"] });
    const text = { out: "", err: "" };
    shell.stdout.on("data", (part) => {
      text.out += part;
    });
    shell.stderr.on("data", (part) => {
      text.err += part;
    });
    await new Promise((resolve) => shell.once("close", resolve));
    expect(text.err).toBe("");
    expect(text.out).toMatch(/^\/desk .*\n0\n$/);
  });
});

describe("run", () => {
  beforeEach(() => {
    mkdirSync(join(own.path, "node_modules"));
    symlinkSync(root, join(own.path, "node_modules", "coppice"));
    symlinkSync(join(root, "node_modules", "zod"), join(own.path, "node_modules", "zod"));
  });

  /** An app of one worker, which does something once after 50 ms. */
  const app = (once: string, flags = "{}", settings = "{}") => {
    writeFileSync(
      join(own.path, "app.ts"),
      `import { z } from "zod";
import { actor, app, child, memory, supervisor } from "coppice";
const Worker = actor("worker", {
  state: z.null(),
  messages: { once: z.object({}) },
  init: (_args, ctx) => { ctx.after("50ms", "once", {}); return null; },
  on: { once: (_state, _message, ctx) => { ${once} } },
});
setInterval(() => {}, 1_000);
const root = supervisor("desk", ${flags}, [child("w", Worker, ${settings})]);
export default app({ store: memory(), root });
`,
    );
  };
  const options = () => ({ cwd: own.path });
  const args = ["run", "app.ts", "--threads", "1"];

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends it in order with %i", async (signal, expected) => {
    app('ctx.log.warn("here I am");');
    const { status, out, err } = await inProcess(args, {
      ...options(),
      signalAt: [/listening on/, signal],
    });
    expect(status).toBe(expected);
    expect(out).toMatch(/^coppice: app\.ts is running in process \d+, data \(in memory\)\n/);
    expect(out).toMatch(/listening on \S+\.sock; see coppice tree; Ctrl-C stops it\n$/);
    expect(err).toContain("coppice: stopping in order; once more to stop at once\n");
  });

  test("a root that ends by itself, cleanly, is a success", async () => {
    const significant = '{ significant: true, restart: "transient" }';
    app("ctx.exit();", '{ autoShutdown: "any_significant" }', significant);
    expect(await inProcess(args, options())).toMatchObject({ status: 0, err: "" });
  });

  test("a root that gives up is a failure, and the log says why", async () => {
    app('throw new Error("boom");');
    const { status, err } = await inProcess(args, options());
    expect(status).toBe(1);
    expect(err).toContain("coppice: exited: the app has ended: more than 1 restarts in 5s, ");
    const lines = err.split("\n").filter((line) => line.startsWith("{"));
    const records = lines.map((line) => JSON.parse(line));
    expect(records).toContainEqual(
      expect.objectContaining({ level: "error", type: "restart_intensity", path: "/desk" }),
    );
    expect(records).toContainEqual(
      expect.objectContaining({ level: "warn", type: "child_terminated", path: "/desk/w" }),
    );
  });

  test("a second signal ends it at once", async () => {
    const hang = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);";
    app(hang, "{}", '{ shutdown: "infinity", sliceMs: 60_000 }');
    const main = join(root, "src", "cli", "main.ts");
    const child = spawn(process.execPath, ["--conditions=coppice-source", main, ...args], {
      cwd: own.path,
      stdio: ["ignore", "pipe", "ignore"],
    });
    child.stdout.once("data", () => {
      setTimeout(() => child.kill("SIGINT"), 300);
      setTimeout(() => child.kill("SIGINT"), 1_500);
    });
    const status = await new Promise((resolve) => child.once("exit", resolve));
    expect(status).toBe(130);
  });

  test("with --json it says where it listens in one line", async () => {
    app("return null;");
    const { out } = await inProcess([...args, "--json"], {
      ...options(),
      signalAt: [/\n/, "SIGTERM"],
    });
    const { started } = JSON.parse(out);
    expect(started).toMatchObject({ app: join(own.path, "app.ts"), data: null, cwd: own.path });
    expect(started.socket).toMatch(/\.sock$/);
  });

  test("an app that is none fails with its code, without a stack", async () => {
    writeFileSync(join(own.path, "app.ts"), "export default 1;");
    const { status, err } = await inProcess(args, options());
    expect(status).toBe(1);
    expect(err).toMatch(/^coppice: E_APP_DEFAULT: /);
    writeFileSync(join(own.path, "app.ts"), "throw new Error('not today')");
    const broken = await inProcess(args, options());
    expect(broken).toMatchObject({ status: 1, out: "" });
    expect(broken.err).toMatch(/^coppice: E_APP_LOAD: .*not today/);
    expect(broken.err).not.toMatch(STACK);
  });
});
