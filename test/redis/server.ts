// A real redis-server for the tests: the distribution's, unpacked into the cache and not installed,
// on loopback with a free port and a data folder of its own. Ended with the tests.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { Redis } from "ioredis";
import { unpackDebian } from "../../src/tool/debian.ts";

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly client: Redis;
  /** Ends the process. @default SIGTERM: it saves what it has */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** SIGSTOP and SIGCONT: it is there and says nothing. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
  /** Starts it again on the same port and folder. */
  again(): Promise<void>;
  /** Ends the process and removes its data. @param keep the data stays, to be looked at */
  end(keep?: boolean): Promise<void>;
}

interface Program {
  readonly command: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Why there is no server here, or null: said loudly, once per test file. */
export async function whyNoRedis(): Promise<string | null> {
  try {
    await program();
    return null;
  } catch (thrown) {
    const why = (thrown as Error).message;
    console.error(`\n!!! NO REDIS: the tests that need a redis-server are SKIPPED: ${why}\n`);
    return why;
  }
}

/** Looked for once: asking the distribution takes seconds on a busy machine. */
let found: Promise<Program> | null = null;
function program(): Promise<Program> {
  found ??= find();
  return found;
}

/** One on the PATH is taken as it is; else the distribution's. */
async function find(): Promise<Program> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const command = join(folder, "redis-server");
    if (folder !== "" && existsSync(command)) return { command, env: process.env };
  }
  const { root } = await unpackDebian(["redis-server"]);
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  const libraries = ["usr/lib", "lib"].map((each) => join(root, each, `${machine}-linux-gnu`));
  const env = { ...process.env, LD_LIBRARY_PATH: libraries.join(":") };
  return { command: join(root, "usr/bin/redis-server"), env };
}

/** @param more settings, over those of a server that keeps everything */
export async function startRedis(more: Record<string, string> = {}): Promise<RedisServer> {
  const { command, env } = await program();
  const folder = mkdtempSync(join(tmpdir(), "coppice-redis-"));
  const port = await freePort();
  const settings = { appendonly: "yes", appendfsync: "always", save: "", ...more };
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder];
  for (const [name, value] of Object.entries(settings)) args.push(`--${name}`, value);
  args.push("--logfile", join(folder, "log"));
  const client = new Redis(port, { lazyConnect: true, maxRetriesPerRequest: null });
  client.on("error", () => {});
  let process_: ChildProcess;
  const start = async () => {
    process_ = spawn(command, args, { env, stdio: "ignore" });
    const failed = new Promise<never>((_, reject) => {
      process_.once("error", reject);
      process_.once("exit", (status) => reject(new Error(`redis-server ended: ${status}`)));
    });
    failed.catch(() => {});
    await Promise.race([answering(client), failed]).catch((thrown: Error) => {
      const log = existsSync(join(folder, "log")) ? readFileSync(join(folder, "log"), "utf8") : "";
      throw new Error(`${thrown.message}\n${log}`);
    });
  };
  const kill = async (signal: NodeJS.Signals = "SIGTERM") => {
    if (process_.exitCode !== null || process_.signalCode !== null) return;
    const ended = new Promise((resolve) => process_.once("exit", resolve));
    process_.kill("SIGCONT");
    process_.kill(signal);
    await ended;
  };
  // Whatever ends the tests ends it too.
  process.once("exit", () => process_?.kill("SIGKILL"));
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    ...{ port, folder, client, kill },
    signal: (signal) => process_.kill(signal),
    again: start,
    async end(keep = false) {
      client.disconnect();
      await kill("SIGKILL");
      if (!keep) rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answering(client: Redis): Promise<void> {
  for (;;) {
    try {
      if (client.status === "wait" || client.status === "end") await client.connect();
      if ((await client.ping()) === "PONG") return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** A port of loopback nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
