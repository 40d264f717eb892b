/**
 * Owns: the thread of a SQLite store, from inside: takes batches from its clients' ports and
 * commits them in groups. A worker's entry: {@link startSqliteWriter} starts it.
 * Does not own: the rules of the store (sqlite.ts).
 * Invariants: answers go out after their transaction, per port in the order of the batches; a batch
 * that cannot be executed takes no other client's along, but all that its own has sent behind it.
 *
 * Group commit: what has arrived from all ports while the last transaction was under way is the
 * next transaction. No timer: an idle writer commits at once, a busy one in groups that grow.
 * (Polling the ports with receiveMessageOnPort would do without the event loop, but on a port whose
 * other side has just ended it crashes Node 24.)
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { ActorError } from "../actor/errors.ts";
import { BATCH_BYTES, BATCH_OPS, bytesOf, packAnswers, unpackOps } from "./batch.ts";
import { crashPoint } from "./crash-point.ts";
import { openSqlite, type SqliteEngine } from "./sqlite.ts";
import { storeFault } from "./sqlite-fault.ts";
import type { SqliteOptions } from "./sqlite-file.ts";
import type { StoreOp } from "./store.ts";

export interface WriterData {
  readonly folder: string;
  readonly options: SqliteOptions;
}

export type ToWriter =
  | { readonly kind: "connect"; readonly id: number; readonly port: MessagePort }
  /** What the client has sent is still executed. */
  | { readonly kind: "disconnect"; readonly id: number }
  | { readonly kind: "counts" }
  | { readonly kind: "close" };

export type FromWriter =
  | { readonly kind: "open"; readonly epoch: number }
  | { readonly kind: "failed"; readonly error: WriterError }
  | { readonly kind: "counts"; readonly counts: WriterCounts }
  | { readonly kind: "closed" };

/** What a client sends over its port, and what it gets for each, in order: see batch.ts. */
export type ClientBatch = { readonly ops: Uint8Array };
export type ClientReply = { readonly answers: Uint8Array } | { readonly error: WriterError };

export type WriterError = ReturnType<ActorError["toJSON"]>;

/** Since the start. */
export interface WriterCounts {
  transactions: number;
  batches: number;
  ops: number;
  /** Batches answered with an error. */
  failed: number;
}

interface Arrived {
  readonly port: MessagePort;
  readonly ops: readonly StoreOp[];
  readonly bytes: number;
}

const parent = parentPort as MessagePort;
const { folder, options } = workerData as WriterData;

const clients = new Map<number, MessagePort>();
/** Arrived and not committed yet, in order of arrival. */
const arrived: Arrived[] = [];
/** Clients that have lost a batch: what they sent behind it must not be there without it. */
const failed = new WeakMap<MessagePort, WriterError>();
const counts: WriterCounts = { transactions: 0, batches: 0, ops: 0, failed: 0 };

const tell = (message: FromWriter) => parent.postMessage(message);

function obey(engine: SqliteEngine, message: ToWriter): void {
  if (message.kind === "connect") connect(engine, message.id, message.port);
  else if (message.kind === "disconnect") disconnect(engine, message.id);
  else if (message.kind === "counts") tell({ kind: "counts", counts });
  else close(engine);
}

function connect(engine: SqliteEngine, id: number, port: MessagePort): void {
  clients.set(id, port);
  port.on("message", (batch: ClientBatch) => {
    crashPoint("batch:arrived");
    // The first batch of a turn of the event loop calls for a commit; those of other ports that
    // arrive in the same turn go with it.
    if (arrived.push(arrive(port, batch)) === 1) setImmediate(() => work(engine));
  });
  port.on("close", () => {
    if (clients.get(id) === port) clients.delete(id);
  });
}

function disconnect(engine: SqliteEngine, id: number): void {
  const port = clients.get(id);
  if (port === undefined) return;
  // Its number is free at once: the next client of that number may be on its way already.
  clients.delete(id);
  afterArrivals(() => {
    work(engine);
    port.close();
  });
}

function close(engine: SqliteEngine): void {
  afterArrivals(() => {
    work(engine);
    try {
      engine.close();
    } finally {
      tell({ kind: "closed" });
      for (const port of clients.values()) port.close();
      parent.close();
    }
  });
}

/**
 * Runs `then` when every batch has arrived that was posted before the message in hand. Each port
 * wakes the event loop by itself, so such a batch may still wait for the loop's next round; it
 * waits no longer, since its own call came before.
 */
function afterArrivals(then: () => void): void {
  setImmediate(() => setImmediate(then));
}

/** Commits what has arrived, in groups of bounded size. */
function work(engine: SqliteEngine): void {
  while (arrived.length > 0) {
    let ops = 0;
    let bytes = 0;
    let size = 0;
    for (const each of arrived) {
      if (size > 0 && (ops + each.ops.length > BATCH_OPS || bytes + each.bytes > BATCH_BYTES))
        break;
      ops += each.ops.length;
      bytes += each.bytes;
      size++;
    }
    commit(engine, arrived.splice(0, size));
  }
}

function commit(engine: SqliteEngine, group: readonly Arrived[]): void {
  try {
    execute(engine, group);
  } catch (thrown) {
    if (group.length > 1) for (const each of group) commit(engine, [each]);
    else for (const { port } of group) fail(port, thrown);
  }
}

function execute(engine: SqliteEngine, group: readonly Arrived[]): void {
  for (const { port } of group) if (failed.has(port)) throw failed.get(port);
  const answers = engine.execute(group.flatMap(({ ops }) => ops));
  counts.transactions++;
  counts.batches += group.length;
  counts.ops += answers.length;
  let from = 0;
  for (const { port, ops } of group) {
    const bytes = packAnswers(answers.slice(from, from + ops.length));
    port.postMessage({ answers: bytes } satisfies ClientReply, [bytes.buffer]);
    from += ops.length;
  }
  crashPoint("batch:answered");
}

function fail(port: MessagePort, thrown: unknown): void {
  counts.batches++;
  counts.failed++;
  const error = failed.get(port) ?? storeFault(thrown, folder).toJSON();
  failed.set(port, error);
  port.postMessage({ error } satisfies ClientReply);
}

function arrive(port: MessagePort, batch: ClientBatch): Arrived {
  try {
    const ops = unpackOps(batch.ops);
    return { port, ops, bytes: ops.reduce((sum, op) => sum + bytesOf(op), 0) };
  } catch {
    // Whatever this is, the engine refuses it, and its sender hears that.
    return { port, ops: [undefined as never], bytes: 0 };
  }
}

function main(): void {
  let engine: SqliteEngine;
  try {
    engine = openSqlite(folder, options);
  } catch (thrown) {
    tell({ kind: "failed", error: storeFault(thrown, folder).toJSON() });
    parent.close();
    return;
  }
  parent.on("message", (message: ToWriter) => obey(engine, message));
  tell({ kind: "open", epoch: engine.epoch });
}

main();
