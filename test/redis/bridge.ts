// A Redis store under the acceptance suite: an engine that answers at once, by waiting for a thread.

import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from "node:worker_threads";
import type { RedisSpec } from "../../src/actor/store.ts";
import type { Engine, StoreAnswer, StoreOp } from "../../src/store/store.ts";
import type { OpenStore } from "../tck/store.tck.ts";
import { mail } from "../tck/store-ops.ts";
import type { BridgeData, Request } from "./bridge-main.ts";

const WAIT_MS = 60_000;

class Bridge implements Engine {
  readonly #bell = new Int32Array(new SharedArrayBuffer(4));
  readonly #port: MessagePort;
  #rung = 0;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const flag = this.#bell.buffer as SharedArrayBuffer;
    const data: BridgeData = { flag, port: port2 };
    const execArgv = ["--conditions=coppice-source"];
    const url = new URL("./bridge-main.ts", import.meta.url);
    new Worker(url, { workerData: data, transferList: [port2], execArgv }).unref();
    port1.unref();
  }

  execute(ops: readonly StoreOp[]): StoreAnswer[] {
    return ops.length === 0 ? [] : (this.ask({ ops }) as StoreAnswer[]);
  }

  close(): void {
    this.ask("close");
  }

  ask(request: Request): unknown {
    this.#port.postMessage(request);
    return this.#heard();
  }

  #heard(): unknown {
    const state = Atomics.wait(this.#bell, 0, this.#rung, WAIT_MS);
    if (state === "timed-out") throw new Error("the store's thread says nothing");
    this.#rung++;
    const reply = receiveMessageOnPort(this.#port)?.message;
    if (reply.error !== undefined) throw new Error(reply.error);
    return reply.value;
  }
}

/** One thread for all stores of a test file, one after the other. */
const engine = new Bridge();

export async function openBridge(spec: RedisSpec): Promise<OpenStore> {
  engine.ask({ open: spec });
  return {
    engine,
    paths: () => engine.ask("paths") as string[],
    reopen: async () => {
      engine.close();
      return openBridge(spec);
    },
    close: async () => engine.close(),
    // A body that is no bytes: it is refused before anything is sent.
    poison: { kind: "enqueue", mail: mail("/a", 0, { body: {} as never }) },
  };
}
