/**
 * Owns: one peer's process with one program loaded: start, one run at a time, end; and which peers
 * this machine has. Does not own: what the process does (peer-main.ts, beam/bench.erl).
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import type { Peer, Program } from "./catalogue.ts";
import { dataOf } from "./data.ts";
import { fetchPeer } from "./fetched.ts";
import { type Outcome, outcome } from "./outcome.ts";
import { type Server, serverOf } from "./servers.ts";

/** Longest start or run: over it the peer is ended and counts as failed. @unit ms */
const LIMIT_MS = 180_000;
const MAIN = join(import.meta.dirname, "peer-main.ts");
const ERLANG = join(import.meta.dirname, "..", "beam", "bench.erl");

let erlang: { folder: string } | { missing: string } | undefined;

/** Compiles the Erlang programs, once. */
function compiled(): { folder: string } | { missing: string } {
  if (erlang !== undefined) return erlang;
  const folder = mkdtempSync(join(tmpdir(), "coppice-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  try {
    execFileSync("erlc", ["+inline", "-o", folder, ERLANG], {
      stdio: ["ignore", "inherit", "pipe"],
    });
    erlang = { folder };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    erlang = { missing: "Erlang/OTP is not installed (erl, erlc)" };
  }
  return erlang;
}

const isBeam = (peer: Peer) => peer.startsWith("beam");

/** Why this machine cannot run the peer, or null; `quick`: it fetches nothing for it. */
export function missing(peer: Peer, quick: boolean): string | null {
  if (!isBeam(peer)) return fetchPeer(peer, quick);
  const found = compiled();
  return "missing" in found ? found.missing : null;
}

function command(peer: Peer, program: string): [string, string[]] {
  if (!isBeam(peer)) {
    const flags = ["--expose-gc", "--conditions=coppice-source"];
    return [process.execPath, [...flags, MAIN, peer, program]];
  }
  const found = compiled();
  if ("missing" in found) throw new Error(found.missing);
  const schedulers = peer === "beam2" ? "2:2" : "1:1";
  const flags = ["+S", schedulers, "+P", "2000000", "-noshell", "-pa", found.folder];
  return ["erl", [...flags, "-run", "bench", "main"]];
}

const running = new Set<ChildProcess>();

function dropData({ pid }: ChildProcess): void {
  if (pid !== undefined) rmSync(dataOf(pid), { recursive: true, force: true });
}

/** Ends every peer at once: for a Ctrl-C. */
export function killPeers(): void {
  for (const child of running) {
    child.kill("SIGKILL");
    dropData(child);
  }
}

export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #program: string;
  /** Its server, which ends with it. */
  readonly #server: Server | null;
  /** What the process says next, or how it ended. */
  #heard = Promise.withResolvers<string>();
  /** Set when it has ended: nobody is asked any more. */
  #over: Error | null = null;

  private constructor(peer: Peer, program: string, server: Server | null) {
    const [file, args] = command(peer, program);
    const env = { ...process.env, NODE_ENV: "production", ...server?.env };
    this.#name = `${peer} ${program}`;
    this.#program = peer.endsWith("-sup") ? `${program}-sup` : program;
    this.#server = server;
    this.#child = spawn(file, args, { env, stdio: ["pipe", "pipe", "inherit"] });
    running.add(this.#child);
    this.#child.once("error", (error) => this.#heard.reject(error));
    this.#child.once("close", (code, signal) => {
      running.delete(this.#child);
      dropData(this.#child);
      this.#over = new Error(`${this.#name} ended: ${signal ?? `exit code ${code}`}`);
      this.#heard.promise.catch(() => {}); // perhaps nobody is waiting just now
      this.#heard.reject(this.#over);
    });
    const lines = createInterface({ input: this.#child.stdout! });
    lines.on("line", (line) => this.#heard.resolve(line));
    this.#child.stdin?.on("error", () => {}); // its end is reported by "close"
  }

  /** @throws when the process does not come up */
  static async start(peer: Peer, program: Program): Promise<PeerProcess> {
    const server = (await serverOf(program, peer)?.()) ?? null;
    const made = new PeerProcess(peer, program.name, server);
    try {
      await made.#answer();
      return made;
    } catch (error) {
      await made.end();
      throw error;
    }
  }

  async run(n: number): Promise<Outcome> {
    const erlangs = this.#name.startsWith("beam") ? `${this.#program} ` : "";
    this.#child.stdin?.write(`${erlangs}${n}\n`);
    return outcome.parse(JSON.parse(await this.#answer()));
  }

  async #answer(): Promise<string> {
    if (this.#over !== null) throw this.#over;
    const limit = setTimeout(() => {
      this.#heard.reject(new Error(`${this.#name}: no answer for ${LIMIT_MS / 1_000} s`));
      this.#child.kill("SIGKILL");
    }, LIMIT_MS);
    try {
      const line = await this.#heard.promise;
      this.#heard = Promise.withResolvers();
      return line;
    } finally {
      clearTimeout(limit);
    }
  }

  /** Ends the process; what it holds goes with it. */
  async end(): Promise<void> {
    if (running.has(this.#child)) {
      const closed = new Promise((resolve) => this.#child.once("close", resolve));
      this.#child.kill("SIGKILL");
      await closed;
    }
    await this.#server?.end();
  }
}
