// Processes of node-main.ts, from the test's side.

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll } from "vitest";
import type { FirmCommand } from "./firm-main.ts";
import type { Command as BankCommand } from "./node-main.ts";
import { type RedisServer, startRedis } from "./server.ts";

type Command = BankCommand | FirmCommand;

/** An answer that was an error. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface NodeProcess {
  readonly pid: number;
  /** What the node's log said. */
  readonly said: readonly string[];
  /** @param timeout of what is asked, in ms @default 30 s */
  do(command: Command, timeout?: number): Promise<unknown>;
  /** Tries until it is answered; commands that may be repeated only. */
  insist(command: Command): Promise<unknown>;
  signal(signal: NodeJS.Signals): void;
  /** Ends it and waits. @default SIGKILL */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const each of running) each.kill("SIGKILL");
});

/** Ends all that a test has left. */
export async function killAll(): Promise<void> {
  await Promise.all([...running].map((child) => killed(child)));
}

async function killed(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGCONT");
  child.kill(signal);
  await ended;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts a node; rejects with its error when it does not get up. */
export async function startNode(
  env: Record<string, string>,
  program = "node-main.ts",
): Promise<NodeProcess> {
  const args = ["--conditions=coppice-source", join(import.meta.dirname, program)];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  running.add(child);
  const said: string[] = [];
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const up = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on("line", (text) => {
    const line = JSON.parse(text);
    if (line.up !== undefined) up.resolve();
    else if (line.failed !== undefined) up.reject(new Refused(line.failed, line.text));
    else if (line.event !== undefined) said.push(line.event);
    else if (line.ended !== undefined) said.push(`ended: ${JSON.stringify(line.ended)}`);
    else if (line.error !== undefined) {
      waiting.get(line.id)?.reject(new Refused(line.error, line.message));
    } else waiting.get(line.id)?.resolve(line.value);
  });
  child.stdin.on("error", () => {});
  child.once("exit", () => {
    running.delete(child);
    up.reject(new Error("the node ended"));
    for (const each of waiting.values()) each.reject(new Refused("gone", "the node ended"));
  });
  await up.promise;
  let ids = 0;
  const run = (command: Command, timeout = 30_000): Promise<unknown> => {
    const id = ++ids;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    child.stdin.write(`${JSON.stringify({ id, command, timeout })}\n`);
    return answer.promise.finally(() => waiting.delete(id));
  };
  return {
    pid: child.pid as number,
    said,
    do: run,
    async insist(command) {
      for (let tries = 1; ; tries++) {
        try {
          return await run(command, 3_000);
        } catch (thrown) {
          if (tries >= 100 || (thrown as Refused).code === "gone") throw thrown;
          await sleep(200);
        }
      }
    },
    signal: (signal) => child.kill(signal),
    kill: (signal) => killed(child, signal),
  };
}

/** A server for the tests of a file: it ends with the last of them, their nodes with each. */
export function serving(): { readonly server: RedisServer } {
  const stage = { server: null as unknown as RedisServer };
  beforeAll(async () => {
    stage.server = await startRedis();
  });
  afterEach(killAll, 60_000);
  afterAll(() => stage.server.end());
  return stage;
}
