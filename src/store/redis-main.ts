/**
 * Owns: the thread of a Redis store, from inside: takes batches from its clients' ports, executes
 * them and answers each port in order. A worker's entry: redis-client.ts starts it.
 * Does not own: the rules of the store (redis-store.ts).
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { ActorError } from "../actor/errors.ts";
import type { RedisSpec } from "../actor/store.ts";
import { packAnswers, unpackOps } from "./batch.ts";
import type { Destination, Question } from "./redis-away.ts";
import { shownUrl } from "./redis-connect.ts";
import { type OpenRedis, openRedis, type StoreNews } from "./redis-open.ts";
import type { ClientBatch, ClientReply, WriterCounts, WriterError } from "./sqlite-writer.ts";

export interface RedisData {
  readonly spec: RedisSpec;
  /** The app's dynamic supervisors, whose children are spread; null = every path for itself. */
  readonly dynamic: readonly string[] | null;
}

/** On a client's port: an envelope for another node. It is not answered. */
export interface Forward {
  readonly forward: Destination;
  readonly envelope: Uint8Array;
  readonly question: Question | null;
}

export type ToRedis =
  | { readonly kind: "connect"; readonly id: number; readonly port: MessagePort }
  /** What the client has sent is still executed. */
  | { readonly kind: "disconnect"; readonly id: number }
  /** From the desk: its line to the books of quotas. */
  | { readonly kind: "books"; readonly port: MessagePort }
  | { readonly kind: "counts" }
  | { readonly kind: "join" }
  | { readonly kind: "left"; readonly partition: number }
  | { readonly kind: "close" };

export type FromRedis =
  | {
      readonly kind: "open";
      readonly epoch: number;
      readonly node: string;
      readonly held: readonly number[];
      readonly weak: readonly string[];
    }
  | { readonly kind: "failed"; readonly error: WriterError }
  | { readonly kind: "counts"; readonly counts: WriterCounts }
  | { readonly kind: "news"; readonly news: StoreNews }
  | { readonly kind: "closed" };

const parent = parentPort as MessagePort;
const { spec, dynamic } = workerData as RedisData;
const tell = (message: FromRedis) => parent.postMessage(message);

/** A client's port, and the end of its last batch. */
interface Client {
  readonly port: MessagePort;
  last: Promise<void>;
  /** It has lost a batch: what it sent behind it must not be there without it. */
  lost: WriterError | null;
}

const clients = new Map<number, Client>();
const counts: WriterCounts = { transactions: 0, batches: 0, ops: 0, failed: 0 };

function faultOf(thrown: unknown): WriterError {
  if (thrown instanceof ActorError) return thrown.toJSON();
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const fix = "please report this: a batch did not fit the store's rules";
  return new ActorError("E_INTERNAL", message, { at: shownUrl(spec.url), fix }).toJSON();
}

function connect(open: OpenRedis, id: number, port: MessagePort): void {
  const client: Client = { port, last: Promise.resolve(), lost: null };
  clients.set(id, client);
  port.on("message", (sent: ClientBatch | Forward) => {
    if ("forward" in sent) return open.forward(sent.forward, sent.envelope, sent.question);
    const done = (async () => {
      if (client.lost !== null) throw client.lost;
      const ops = unpackOps(sent.ops);
      counts.ops += ops.length;
      return open.store.execute(ops);
    })();
    counts.batches++;
    const before = client.last;
    client.last = (async () => {
      const reply: ClientReply = await done.then(
        (answers) => ({ answers: packAnswers(answers) }),
        (thrown: unknown) => {
          counts.failed++;
          client.lost ??= faultOf(thrown);
          return { error: client.lost };
        },
      );
      await before;
      port.postMessage(reply, "answers" in reply ? [reply.answers.buffer as ArrayBuffer] : []);
    })();
  });
  port.on("close", () => {
    if (clients.get(id) === client) clients.delete(id);
  });
}

async function disconnect(id: number): Promise<void> {
  const client = clients.get(id);
  // Its number is free at once: the next client of that number may be on its way already.
  clients.delete(id);
  await arrivals();
  await client?.last;
  client?.port.close();
}

async function close(open: OpenRedis): Promise<void> {
  await arrivals();
  await Promise.all([...clients.values()].map((client) => client.last));
  await open.close();
  tell({ kind: "closed" });
  for (const { port } of clients.values()) port.close();
  parent.close();
}

/** Batches posted before the message in hand may need the event loop's next round to arrive. */
async function arrivals(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function obey(open: OpenRedis, message: ToRedis): void {
  if (message.kind === "connect") connect(open, message.id, message.port);
  else if (message.kind === "books") open.books.serve(message.port);
  else if (message.kind === "disconnect") void disconnect(message.id);
  else if (message.kind === "counts") tell({ kind: "counts", counts });
  else if (message.kind === "join") void open.join();
  else if (message.kind === "left") open.left(message.partition);
  else void close(open);
}

async function main(): Promise<void> {
  let open: OpenRedis;
  try {
    open = await openRedis(spec, dynamic, (news) => tell({ kind: "news", news }));
  } catch (thrown) {
    tell({ kind: "failed", error: faultOf(thrown) });
    parent.close();
    return;
  }
  parent.on("message", (message: ToRedis) => obey(open, message));
  const { epoch, node, weak, store } = open;
  tell({ kind: "open", epoch, node, held: store.held, weak });
}

await main();
