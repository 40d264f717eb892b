/**
 * Owns: the thread of a Redis store, from outside: its start, its clients, its end, and what the
 * node hears from it.
 * Does not own: what happens inside (redis-main.ts).
 */
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { ActorError } from "../actor/errors.ts";
import type { RedisSpec } from "../actor/store.ts";
import { untilLost } from "./lost.ts";
import type { FromRedis, RedisData, ToRedis } from "./redis-main.ts";
import type { StoreNews } from "./redis-open.ts";

/** A running store thread. */
export interface RedisClient {
  /** Name of this node among the app's. */
  readonly node: string;
  readonly epoch: number;
  /** Partitions held at the start. */
  readonly held: readonly number[];
  /** What is weaker than it might seem, in words. */
  readonly weak: readonly string[];
  readonly worker: Worker;
  /** Resolves with the reason when the thread has ended. */
  readonly lost: Promise<string>;
  /** Ends the thread as a crash would. */
  crash(): Promise<unknown>;
  /** A line for one client: as that of a SQLite writer. */
  connect(id: number): MessagePort;
  disconnect(id: number): void;
  /** The desk's line to the books of quotas that nodes share. */
  books(): MessagePort;
  tell(message: Exclude<ToRedis, { kind: "connect" | "books" }>): void;
  /** Executes what all clients have sent, gives the leases back and ends the thread. */
  close(): Promise<void>;
}

/** From source it is TypeScript, from dist JavaScript: the compiler renames imports only. */
const ENTRY = import.meta.url.endsWith(".ts") ? "./redis-main.ts" : "./redis-main.js";

/**
 * Opens a Redis store on a thread of its own.
 *
 * @param dynamic paths of the app's dynamic supervisors: their children are spread over partitions
 * @throws ActorError E_NODE_RUNNING E_PEER_MISSING E_STORE_REACH E_STORE_SETTINGS E_STORE_VERSION
 */
export async function startRedis(
  spec: RedisSpec,
  dynamic: readonly string[],
  news: (what: StoreNews) => void,
): Promise<RedisClient> {
  const data: RedisData = { spec, dynamic };
  const worker = new Worker(new URL(ENTRY, import.meta.url), {
    name: "coppice-store",
    workerData: data,
  });
  const lost = untilLost(worker);
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const { epoch, node, held, weak } = await opened(worker, news);
  const tell = (message: ToRedis, ports: MessagePort[] = []) => worker.postMessage(message, ports);
  return {
    ...{ epoch, node, held, weak, worker },
    lost,
    crash: () => worker.terminate(),
    connect(id) {
      const { port1, port2 } = new MessageChannel();
      tell({ kind: "connect", id, port: port1 }, [port1]);
      return port2;
    },
    disconnect: (id) => tell({ kind: "disconnect", id }),
    books() {
      const { port1, port2 } = new MessageChannel();
      tell({ kind: "books", port: port1 }, [port1]);
      return port2;
    },
    tell: (message) => tell(message),
    close() {
      tell({ kind: "close" });
      return ended;
    },
  };
}

function opened(
  worker: Worker,
  news: (what: StoreNews) => void,
): Promise<Extract<FromRedis, { kind: "open" }>> {
  return new Promise((resolve, reject) => {
    worker.on("message", (said: FromRedis) => {
      if (said.kind === "news") news(said.news);
      else if (said.kind === "open") resolve(said);
      else if (said.kind === "failed") {
        const { code, message, at, fix } = said.error;
        reject(new ActorError(code, message, { ...(at && { at }), ...(fix && { fix }) }));
      }
    });
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("the store's thread has ended")));
  });
}
