/**
 * Owns: the servers that programs and peers need: on loopback, on free ports, each with a data folder
 * of its own, ended with the process they are for. What is not there comes from the distribution,
 * unpacked and not installed. Does not own: packages from npm (fetched.ts).
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { arch, platform, tmpdir } from "node:os";
import { join } from "node:path";
import { unpackDebian } from "../../src/tool/debian.ts";
import { freePort, startRedis } from "../../test/redis/server.ts";
import type { Peer, Program } from "./catalogue.ts";
import { packageOf } from "./fetched.ts";

/** A running server, as its clients know it. */
export interface Server {
  readonly env: Readonly<Record<string, string>>;
  end(): Promise<void>;
}

const START_MS = 60_000;

/** The server of a program on a peer, or null when it needs none. */
export function serverOf(program: Program, peer: Peer): (() => Promise<Server>) | null {
  if (program.redis !== undefined) {
    const appendfsync = program.redis;
    return async () => {
      const { url, end } = await startRedis({ appendfsync });
      return { env: { BENCH_REDIS: url }, end };
    };
  }
  if (peer === "restate") return restate;
  return peer === "dbos" ? postgres : null;
}

/** As it comes: one node, its log flushed. */
async function restate(): Promise<Server> {
  const machine = `${platform()}-${arch()}`;
  const command = join(
    packageOf("restate", `@restatedev/restate-server-${machine}`),
    "bin/restate-server",
  );
  const [ingress, admin, node] = [await freePort(), await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), "coppice-bench-restate-"));
  const at = (port: number) => `127.0.0.1:${port}`;
  const env = {
    RESTATE_BASE_DIR: folder,
    RESTATE_BIND_ADDRESS: at(node),
    RESTATE_INGRESS__BIND_ADDRESS: at(ingress),
    RESTATE_ADMIN__BIND_ADDRESS: at(admin),
    RESTATE_DISABLE_TELEMETRY: "true",
    RESTATE_LOG_FILTER: "error",
  };
  const server = begin("restate-server", command, [], { ...process.env, ...env }, folder, {});
  await server.ready(ingress);
  await server.ready(admin);
  const urls = {
    BENCH_RESTATE: `http://${at(ingress)}`,
    BENCH_RESTATE_ADMIN: `http://${at(admin)}`,
  };
  return { env: urls, end: server.end };
}

/** As it comes: every commit flushed. It does not run as root. */
async function postgres(): Promise<Server> {
  const { bin, env } = await postgresPrograms();
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "coppice-bench-postgres-"));
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  if (nobody.uid !== undefined) chownSync(folder, nobody.uid, nobody.gid);
  const data = join(folder, "data");
  const flags = ["-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C"];
  execFileSync(join(bin, "initdb"), flags, { env, cwd: folder, stdio: "pipe", ...nobody });
  const args = ["-D", data, "-p", `${port}`, "-h", "127.0.0.1", "-k", folder];
  const server = begin("postgres", join(bin, "postgres"), args, env, folder, nobody);
  await server.ready(port);
  const url = `postgresql://bench@127.0.0.1:${port}/postgres`;
  return { env: { BENCH_POSTGRES: url }, end: server.end };
}

/** Those that are installed, else the distribution's. */
async function postgresPrograms(): Promise<{ bin: string; env: NodeJS.ProcessEnv }> {
  const within = (root: string) => {
    const versions = join(root, "usr/lib/postgresql");
    const newest = existsSync(versions) ? readdirSync(versions).sort().at(-1) : undefined;
    const bin = join(versions, newest ?? "none", "bin");
    return existsSync(join(bin, "initdb")) ? bin : null;
  };
  const installed = within("/");
  if (installed !== null) return { bin: installed, env: process.env };
  const { root } = await unpackDebian(["postgresql"]);
  const bin = within(root);
  if (bin === null) throw new Error(`the package postgresql brought no initdb into ${root}`);
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  const libraries = ["usr/lib", "lib"].map((each) => join(root, each, `${machine}-linux-gnu`));
  return { bin, env: { ...process.env, LD_LIBRARY_PATH: libraries.join(":") } };
}

function begin(
  name: string,
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  folder: string,
  as: { uid?: number; gid?: number },
) {
  const said: string[] = [];
  const child: ChildProcess = spawn(command, args, {
    ...{ env, cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
    ...as,
  });
  child.stdout?.on("data", (text) => said.push(String(text)));
  child.stderr?.on("data", (text) => said.push(String(text)));
  const over = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (error) => {
      said.push(error.message);
      resolve();
    });
  });
  let ended = false;
  void over.then(() => {
    ended = true;
  });
  const onExit = () => child.kill("SIGKILL");
  process.once("exit", onExit);
  return {
    /** Resolves when the port takes connections. */
    async ready(port: number): Promise<void> {
      for (const until = Date.now() + START_MS; !(await answers(port)); ) {
        if (ended || Date.now() > until) throw new Error(`${name} did not start: ${last(said)}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async end(): Promise<void> {
      child.kill("SIGKILL");
      await over;
      process.off("exit", onExit);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const last = (said: readonly string[]) => said.join("").trim().split("\n").at(-1) ?? "";

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const settle = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once("connect", () => settle(true)).once("error", () => settle(false));
  });
}
