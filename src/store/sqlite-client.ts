/**
 * Owns: the thread of a SQLite store, from outside: its start, its clients, its end.
 * Does not own: what happens inside (sqlite-writer.ts), nor what to do when it fails: whoever
 * starts it listens to `worker`.
 */
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { ActorError } from "../actor/errors.ts";
import { untilLost } from "./lost.ts";
import type { SqliteOptions } from "./sqlite-file.ts";
import type { FromWriter, ToWriter, WriterCounts, WriterData } from "./sqlite-writer.ts";

/** A running writer thread. */
export interface SqliteWriter {
  /** Number of this ownership: higher than that of any owner before. */
  readonly epoch: number;
  /**
   * A line for one client; ids are the caller's. It may go to another thread. Each
   * {@link ClientBatch} posted on it is answered by one {@link ClientReply}, in order.
   */
  connect(id: number): MessagePort;
  /** What the client has sent is still executed, then its line is closed. */
  disconnect(id: number): void;
  counts(): Promise<WriterCounts>;
  /** Executes what all clients have sent, gives the folder free and ends the thread. */
  close(): Promise<void>;
  readonly worker: Worker;
  /** Resolves with the reason when the thread has ended. */
  readonly lost: Promise<string>;
  /** Ends the thread as a crash would. */
  crash(): Promise<unknown>;
}

/** From source it is TypeScript, from dist JavaScript: the compiler renames imports only. */
const ENTRY = import.meta.url.endsWith(".ts") ? "./sqlite-writer.ts" : "./sqlite-writer.js";

/**
 * Opens the store of a folder on a thread of its own.
 *
 * @throws ActorError E_NODE_RUNNING E_STORE_CORRUPT E_STORE_VERSION E_STORE_IO
 */
export async function startSqliteWriter(
  folder: string,
  options: SqliteOptions,
): Promise<SqliteWriter> {
  const data: WriterData = { folder, options };
  const worker = new Worker(new URL(ENTRY, import.meta.url), {
    name: "coppice-store",
    workerData: data,
  });
  const epoch = await opened(worker);
  const lost = untilLost(worker);
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const tell = (message: ToWriter, ports: MessagePort[] = []) => worker.postMessage(message, ports);
  return {
    epoch,
    worker,
    lost,
    crash: () => worker.terminate(),
    connect(id) {
      const { port1, port2 } = new MessageChannel();
      tell({ kind: "connect", id, port: port1 }, [port1]);
      return port2;
    },
    disconnect: (id) => tell({ kind: "disconnect", id }),
    async counts() {
      tell({ kind: "counts" });
      const said = await next(worker, ({ kind }) => kind === "counts");
      return (said as FromWriter & { kind: "counts" }).counts;
    },
    close() {
      tell({ kind: "close" });
      return ended;
    },
  };
}

async function opened(worker: Worker): Promise<number> {
  const message = await next(worker, (said) => said.kind === "open" || said.kind === "failed");
  if (message.kind === "open") return message.epoch;
  const { code, message: fact, at, fix } = (message as FromWriter & { kind: "failed" }).error;
  throw new ActorError(code, fact, { ...(at && { at }), ...(fix && { fix }) });
}

/** The next thing the thread says that fits; its end is an error. */
function next(worker: Worker, fits: (said: FromWriter) => boolean): Promise<FromWriter> {
  return new Promise((resolve, reject) => {
    const ended = new Error("the store's thread has ended");
    if (worker.threadId < 0) return reject(ended);
    const settle = (how: () => void) => {
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      how();
    };
    const onMessage = (said: FromWriter) => {
      if (fits(said)) settle(() => resolve(said));
    };
    const onError = (error: unknown) => settle(() => reject(error));
    const onExit = () => settle(() => reject(ended));
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
  });
}
