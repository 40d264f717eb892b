/**
 * Owns: a node's way to the books of quotas in Redis: what is asked goes there in order, in one call
 * at a time, again and again until it is answered; and the word that this node lives.
 * Does not own: the rules (redis-books-script.ts), who asks (tool/desk.ts).
 */
import type { MessagePort } from "node:worker_threads";
import { Packr } from "msgpackr";
import {
  type AccountView,
  type BooksFailure,
  type BooksRequest,
  type Budget,
  COUNTED,
  type Left,
  type NearLimit,
  type Refusal,
} from "../actor/books.ts";
import type { QuotaResource } from "../actor/exit.ts";
import { BOOKS } from "./redis-books-script.ts";
import type { Arg } from "./redis-bytes.ts";
import { type RedisConnections, script } from "./redis-connect.ts";
import { Line } from "./redis-line.ts";
import type { Reply } from "./redis-wire.ts";

const SCRIPT = script(BOOKS);
/** Calls keep their order on one connection: the one that the fewest partitions are on. */
const LANE = 3;
/** Words per time after which a silent node is lost: three may get lost. */
const WORDS = 4;
/** A node that goes waits so long for its last word; then the others find out. @unit ms */
const CLOSE_MS = 2_000;
/** Accounts read at a time: a server does nothing else meanwhile. */
const PAGE = 1_000;

/** As a script reads and writes: maps, and whole numbers of any size. */
const packr = new Packr({ useRecords: false, int64AsType: "number" });

export interface BooksOptions {
  readonly prefix: string;
  /** Name of this node. */
  readonly node: string;
  /** A node that says nothing for so long is lost. @unit ms */
  readonly leaseMs: number;
  readonly connections: Pick<RedisConnections, "call" | "client">;
  readonly troubled: (thrown: unknown) => void;
}

/** On the desk's port, and back. */
export interface BooksAsked {
  readonly id: number;
  readonly request: BooksRequest;
}

type Word = BooksRequest | { readonly verb: "tick" | "leave" };

/** What the script answers, of all verbs. */
interface Said {
  readonly refused?: Refusal;
  readonly near?: readonly NearLimit[];
  readonly left?: Left | readonly Left[];
  readonly none?: QuotaResource | "account";
}

/** An account as it is kept. */
interface Kept {
  readonly limits: { readonly [R in QuotaResource]?: number };
  readonly used: { readonly [R in QuotaResource]?: number };
  readonly held: { readonly [R in QuotaResource]?: number };
  readonly extra: { readonly [R in QuotaResource]?: number };
  readonly first?: number;
}

/** A node's line to the common books. */
export class RedisBooks {
  readonly #options: BooksOptions;
  readonly #base: string;
  readonly #line: Line;
  #ticking: ReturnType<typeof setInterval> | null = null;
  #tick: Promise<unknown> | null = null;

  constructor(options: BooksOptions) {
    const { prefix, node, leaseMs, connections, troubled } = options;
    this.#options = options;
    this.#base = `{${prefix}/quota}:`;
    const call = async (number: number, args: Arg[]) => {
      const all = [node, String(number), String(leaseMs), ...args];
      const reply = await connections.call(LANE, SCRIPT, [this.#base], all);
      return reply as readonly Reply[];
    };
    this.#line = new Line({ call, troubled });
  }

  /** Serves a desk. What it asks is answered in order, but for views. */
  serve(port: MessagePort): void {
    port.on("message", ({ id, request }: BooksAsked) => {
      void this.ask(request).then((answer) => port.postMessage({ id, answer }));
    });
  }

  /** @returns as BooksTalk says, or what went wrong */
  async ask(request: BooksRequest): Promise<unknown> {
    try {
      if (request.verb === "look") return await this.#look();
      return answerOf(request, await this.#say(request));
    } catch (thrown) {
      this.#options.troubled(thrown);
      return { failed: (thrown as Error).message } satisfies BooksFailure;
    }
  }

  /** The last word: what is still held here may have been spent. */
  async close(): Promise<void> {
    if (this.#ticking === null) return;
    clearInterval(this.#ticking);
    const late = new Promise((resolve) => setTimeout(resolve, CLOSE_MS));
    await Promise.race([this.#say({ verb: "leave" }), late]).catch(() => {});
    this.abandon();
  }

  /** Stops without a word, as a crash does. */
  abandon(): void {
    if (this.#ticking !== null) clearInterval(this.#ticking);
    this.#line.end(new Error("the store is closed"));
  }

  async #say(word: Word): Promise<Said> {
    // A node without quotas never comes here.
    this.#ticking ??= setInterval(() => {
      this.#tick ??= this.#say({ verb: "tick" })
        .catch(() => {})
        .finally(() => {
          this.#tick = null;
        });
    }, this.#options.leaseMs / WORDS);
    const [reply] = await this.#line.send([[packr.pack(word)]]);
    return packr.unpack(reply as Buffer);
  }

  async #look(): Promise<Budget[]> {
    const { client } = this.#options.connections;
    const [seconds] = await client.time();
    const all = new Map<string, Budget>();
    let cursor = "0";
    do {
      const [next, found] = await client.hscanBuffer(`${this.#base}books`, cursor, "COUNT", PAGE);
      cursor = next.toString();
      for (let at = 0; at < found.length; at += 2) {
        const path = String(found[at]);
        const rows = rowsOf(packr.unpack(found[at + 1] as Buffer), Number(seconds) * 1_000);
        if (rows.length > 0) all.set(path, { path, rows });
      }
    } while (cursor !== "0");
    return [...all.values()];
  }
}

function answerOf({ verb }: BooksRequest, { refused, near = [], left, none }: Said): unknown {
  if (verb === "hold") {
    return refused === undefined ? { refused: null, near, left: left ?? null } : { refused };
  }
  if (verb === "begin") return left;
  return verb === "raise" ? (none ?? null) : null;
}

function rowsOf({ limits, used, held, extra, first }: Kept, nowMs: number): AccountView[] {
  const limitOf = (resource: QuotaResource, limit: number) => limit + (extra[resource] ?? 0);
  const rows = COUNTED.flatMap((resource): AccountView[] => {
    const limit = limits[resource];
    if (limit === undefined) return [];
    const [spent = 0, kept = 0] = [used[resource], held[resource]];
    return [{ resource, used: spent, held: kept, limit: limitOf(resource, limit) }];
  });
  if (limits.wallMs === undefined) return rows;
  const passed = first === undefined ? 0 : Math.max(nowMs - first, 0);
  const limit = limitOf("wallMs", limits.wallMs);
  return [...rows, { resource: "wallMs", used: passed, held: 0, limit }];
}
