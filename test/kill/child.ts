/** Processes of a campaign of kills, from its side. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";

/** Longest wait for an answer, a start, an end: then something hangs. @unit ms */
export const PATIENCE_MS = 120_000;

/** It keeps nobody: what is waited for meanwhile does. */
export const sleep = (ms: number) =>
  new Promise<"late">((resolve) => void setTimeout(resolve, ms, "late").unref());

/** A child process with its messages. */
export class Child<M extends { kind: string }> {
  readonly process: ChildProcess;
  readonly exited: Promise<void>;
  over = false;

  constructor(file: string, args: readonly string[], env: Record<string, string>) {
    const execArgv = ["--conditions=coppice-source"];
    const path = join(import.meta.dirname, file);
    const options = { execArgv, env: { ...process.env, ...env } };
    this.process = fork(path, [...args], {
      ...options,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    // Who is killed does not read what is still sent to it.
    this.process.on("error", () => {});
    this.exited = new Promise((resolve) => {
      const end = () => {
        this.over = true;
        resolve();
      };
      this.process.once("exit", end);
      this.process.once("error", end);
    });
  }

  /** Told each message of a kind, until `on` answers true. */
  listen<K extends M["kind"]>(kind: K, on: (message: Extract<M, { kind: K }>) => boolean): void {
    const hear = (message: M) => {
      if (message.kind === kind && on(message as never)) this.process.off("message", hear);
    };
    this.process.on("message", hear);
    void this.exited.then(() => this.process.off("message", hear));
  }

  /** The next message that fits. @throws Error when it ends before, or takes too long */
  async next<K extends M["kind"]>(
    kind: K,
    fits: (message: Extract<M, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<M, { kind: K }>> {
    const found = new Promise<Extract<M, { kind: K }>>((resolve) => {
      this.listen(kind, (message) => {
        const isIt = fits(message);
        if (isIt) resolve(message);
        return isIt;
      });
    });
    const first = await Promise.race([found, this.exited, sleep(PATIENCE_MS)]);
    if (typeof first === "object") return first;
    throw new Error(first === "late" ? `no "${kind}" in time` : `it ended before "${kind}"`);
  }

  /** Says something and waits for the answer. @throws Error as {@link next} */
  ask<K extends M["kind"]>(what: unknown, kind: K): Promise<Extract<M, { kind: K }>> {
    const answer = this.next(kind);
    if (!this.over) this.process.send(what as object);
    return answer;
  }

  async kill(): Promise<void> {
    if (!this.over) this.process.kill("SIGKILL");
    await this.exited;
  }
}
