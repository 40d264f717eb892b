// npm run bench from outside: what is wrong with its arguments, a peer that is not there, Ctrl-C.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../tidy/source.ts";

const SCRIPT = ["--conditions=coppice-source", "bench/run.ts"];
const bench = (args: string[], env: NodeJS.ProcessEnv = process.env) =>
  spawnSync(process.execPath, [...SCRIPT, ...args], { cwd: root, env, encoding: "utf8" });

test("what is wrong with the arguments is said, with the remedy", () => {
  for (const [args, fact] of [
    [["pong"], 'no program "pong"; there are: pingpong'],
    [["--peers", "coppice,akka"], 'no peer "akka"; there are: coppice, raw'],
    [["--runs", "0"], "--runs 0"],
    [["--save", "../x"], '--save "../x"'],
    [["--fast"], "Unknown option '--fast'"],
  ] as const) {
    const { status, stderr, stdout } = bench([...args]);
    expect(stderr).toContain(fact);
    expect(stderr).toContain("Remedy: npm run bench -- --help");
    expect([status, stdout]).toEqual([2, ""]);
  }
});

test("one JSON line a measurement; a peer that is not installed is skipped and counted", () => {
  const env = { ...process.env, PATH: dirname(process.execPath) };
  const args = ["--json", "--quick", "--peers", "raw,beam1", "pingpong"];
  const { status, stdout, stderr } = bench(args, env);
  const lines = stdout.trimEnd().split("\n");
  const [raw, beam] = lines.map((line) => JSON.parse(line));
  expect(raw).toMatchObject({
    bench: "pingpong",
    peer: "raw",
    unit: "message",
    n: 20_000,
    runs: 1,
  });
  expect(raw.opsPerS).toBe(Math.round(raw.n / raw.seconds));
  expect(beam).toEqual({
    bench: "pingpong",
    peer: "beam1",
    skipped: "Erlang/OTP is not installed (erl, erlc)",
  });
  expect([lines.length, status]).toEqual([2, 0]);
  expect(stderr).toContain("1 measured, 1 skipped, 0 failed");
});

test("a peer that is fetched on demand is not fetched by --quick", () => {
  const cache = mkdtempSync(join(tmpdir(), "coppice-bench-test-"));
  try {
    const env = { ...process.env, XDG_CACHE_HOME: cache };
    const args = ["--json", "--quick", "--peers", "restate", "durable"];
    const { status, stdout, stderr } = bench(args, env);
    const { skipped } = JSON.parse(stdout);
    expect(skipped).toMatch(/^not fetched yet, .*: @restatedev\/restate-sdk@\S+ @restatedev/);
    expect([readdirSync(cache), status]).toEqual([[], 0]);
    expect(stderr).toContain("0 measured, 1 skipped, 0 failed");
  } finally {
    rmSync(cache, { recursive: true });
  }
});

test("nodes with sleepers answer with what is stored, after a kill too, and leave no data", () => {
  const folder = mkdtempSync(join(tmpdir(), "coppice-bench-test-"));
  try {
    const args = ["--json", "--quick", "passive", "recovery"];
    const { status, stdout, stderr } = bench(args, { ...process.env, TMPDIR: folder });
    const lines = stdout.trimEnd().split("\n");
    const found = Map.groupBy(lines, (line) => JSON.parse(line).bench);
    const [passive, recovery] = ["passive", "recovery"].map(
      (name) => found.get(name)?.join() ?? "",
    );
    const ms = expect.any(Number);
    expect(JSON.parse(passive || stderr)).toMatchObject({ n: 1_000, startMs10: ms, startMs: ms });
    expect(JSON.parse(passive || stderr)).toMatchObject({ bytesEach: ms, rssMb: ms });
    expect(JSON.parse(recovery || stderr)).toMatchObject({ n: 10, awayMs: ms });
    expect(stderr).toContain("2 measured, 0 skipped, 0 failed");
    expect(readdirSync(folder).filter((name) => name.includes("bench-data"))).toEqual([]);
    expect(status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a peer that ends while it is measured is a failure, and the exit code says so", () => {
  const folder = mkdtempSync(join(tmpdir(), "coppice-bench-test-"));
  try {
    writeFileSync(join(folder, "erlc"), "#!/bin/sh\n", { mode: 0o755 });
    writeFileSync(join(folder, "erl"), "#!/bin/sh\necho ready\nexit 3\n", { mode: 0o755 });
    const env = { ...process.env, PATH: [folder, process.env.PATH].join(delimiter) };
    const args = ["--json", "--quick", "--peers", "raw,beam1", "pingpong"];
    const { status, stdout, stderr } = bench(args, env);
    const lines = stdout.trimEnd().split("\n");
    const [raw, beam] = lines.map((line) => JSON.parse(line));
    expect(raw).toMatchObject({ peer: "raw", runs: 1 });
    const failed = "beam1 pingpong ended: exit code 3";
    expect(beam).toEqual({ bench: "pingpong", peer: "beam1", failed });
    expect(stderr).toContain("1 measured, 0 skipped, 1 failed");
    expect(status).toBe(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("Ctrl-C ends the peers too", async () => {
  const child = spawn(process.execPath, [...SCRIPT, "--peers", "raw", "pingpong", "big"], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  // Its pipes stay open as long as any process that holds them lives.
  const closed = new Promise((resolve) => child.once("close", resolve));
  const peers = () => childrenOf(child.pid ?? 0);
  await expect.poll(peers).not.toEqual([]);
  const running = peers();
  child.kill("SIGINT");
  expect(await closed).toBe(130);
  await expect.poll(() => running.filter(isAlive)).toEqual([]);
});

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" });
  return stdout.trim().split(/\s+/).filter(Boolean).map(Number);
}
