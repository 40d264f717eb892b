/**
 * Owns: one thread's line to the store: batches of encoded requests out, completions in. One batch is
 * under way at a time, so that batches grow by themselves while the store is busy; a second one only
 * when it is large already: then the store has something to do while its answers are dealt with.
 * Does not own: the engine (store/sqlite-writer.ts, memory-host below).
 */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Completion } from "../kernel/ports.ts";
import { BATCH_OPS, packAnswers, packOps, unpackAnswers, unpackKept } from "../store/batch.ts";
import { StoreClient } from "../store/committer.ts";
import { crashing, crashPoint } from "../store/crash-point.ts";
import { MemoryEngine } from "../store/memory.ts";
import type { Question } from "../store/redis-away.ts";
import type { Cluster } from "./cluster.ts";

/** A second batch goes out when so much waits. */
const SECOND_OPS = BATCH_OPS / 4;

type Reply = { answers?: Uint8Array; error?: { code: string; message: string; at?: string } };

/** A thread's committer over a MessagePort. */
export class StoreLink {
  readonly client: StoreClient;
  readonly #port: MessagePort;
  #inFlight = 0;

  /**
   * @param complete called with each completion, in order
   * @param after called when a batch of them has been delivered
   * @param failed called when the store could not execute a batch: the thread cannot go on
   * @param base added to the numbers of lives
   */
  constructor(
    port: MessagePort,
    wake: () => void,
    complete: (completion: Completion) => void,
    after: () => void,
    failed: (error: NonNullable<Reply["error"]>) => void,
    base: number,
  ) {
    this.client = new StoreClient(wake, base);
    this.#port = port;
    port.on("message", (reply: Reply) => {
      this.#inFlight--;
      if (reply.answers === undefined) return failed(reply.error as NonNullable<Reply["error"]>);
      crashPoint("batch:heard");
      const answers = unpackAnswers(reply.answers);
      if (crashing && answers.some(({ kind }) => kind === "forgotten")) crashPoint("forget:done");
      for (const completion of this.client.complete(answers)) complete(completion);
      this.flush();
      after();
      crashPoint("batch:released");
    });
  }

  /** To another node, beside the batches. */
  forward(to: number | string, envelope: Uint8Array, question: Question | null): void {
    this.#port.postMessage({ forward: to, envelope, question });
  }

  flush(): void {
    const { size, awaited } = this.client;
    if (this.#inFlight === 0 ? size === 0 : this.#inFlight > 1 || awaited < SECOND_OPS) return;
    this.#inFlight++;
    const batch = this.client.take();
    if (crashing && batch.some(({ kind }) => kind === "forget")) crashPoint("forget:asked");
    const ops = packOps(batch);
    crashPoint("batch:taken");
    this.#port.postMessage({ ops }, [ops.buffer]);
  }
}

/** What a node needs of a store, wherever its engine runs. */
export interface StoreHost {
  /** Number of this ownership: rises with every start on the same data. */
  readonly epoch: number;
  connect(client: number): MessagePort;
  disconnect(client: number): void;
  close(): Promise<void>;
  /** Resolves with the reason when the engine's thread has ended; absent where it has none. */
  readonly lost?: Promise<string>;
  /** Ends the engine's thread as a crash would. */
  readonly crash?: () => Promise<unknown>;
  /** A desk's line to the books that nodes share, where they do. */
  readonly books?: () => MessagePort;
  /** The other nodes, where there can be some. */
  readonly cluster?: Cluster;
}

/** The memory store behind the same line: its engine runs on the main thread. */
export function memoryHost(): StoreHost {
  const engine = new MemoryEngine(Date.now);
  const ports = new Map<number, MessagePort>();
  return {
    epoch: 1,
    connect(client) {
      const { port1, port2 } = new MessageChannel();
      ports.set(client, port1);
      port1.on("message", ({ ops }: { ops: Uint8Array }) => {
        port1.postMessage({ answers: packAnswers(engine.execute(unpackKept(ops))) });
      });
      port1.unref();
      return port2;
    },
    disconnect(client) {
      ports.get(client)?.close();
      ports.delete(client);
    },
    close: async () => {
      for (const port of ports.values()) port.close();
    },
  };
}
