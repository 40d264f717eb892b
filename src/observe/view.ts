/** What a quota may limit. */
const RESOURCES = [
  "reductions",
  "tokens",
  "microUsd",
  "steps",
  "toolCalls",
  "wallMs",
  "memoryBytes",
] as const satisfies readonly QuotaResource[];

/** One limit: spent, held for calls under way, and the limit itself. */
const quotaRow = z.object({
  resource: z.string(),
  used: z.number(),
  held: z.number(),
  limit: z.number(),
});

/**
 * Owns: what inspection requests and answers look like: these schemas type the server, the client
 * and the tests. Does not own: making the answers (kernel/inspect.ts) or drawing them (cli/).
 */
import { z } from "zod";
import type { QuotaResource } from "../actor/exit.ts";

const exit = z.object({ reason: z.looseObject({ tag: z.string() }), atMs: z.number() }).nullable();

export const processView = z.object({
  path: z.string(),
  kind: z.enum(["actor", "supervisor"]),
  runs: z.string(),
  thread: z.number(),
  status: z.string(),
  incarnation: z.number(),
  mail: z.number(),
  reductions: z.number(),
  handled: z.number(),
  durable: z.boolean(),
  moves: z.number().default(0),
  restarts: z.number(),
  intensity: z.number(),
  periodMs: z.number(),
  lastExit: exit,
});

/** One tool call that has ended; null = its tier cannot measure it. */
const toolRow = z.object({
  tool: z.string(),
  end: z.string(),
  tier: z.string().nullable(),
  atMs: z.number(),
  wallMs: z.number(),
  cpuMs: z.number().nullable(),
  memoryBytes: z.number().nullable(),
  bytesIn: z.number(),
  bytesOut: z.number(),
  network: z
    .array(
      z.object({
        to: z.string(),
        refused: z.string().nullable(),
        connections: z.number(),
        bytesIn: z.number(),
        bytesOut: z.number(),
      }),
    )
    .default([]),
  monitor: z.string().optional(),
});

export const processDetail = processView.extend({
  spec: z.record(z.string(), z.unknown()),
  state: z.string(),
  mailHead: z.array(z.object({ type: z.string(), from: z.string(), message: z.string() })),
  links: z.array(z.string()),
  watching: z.array(z.string()),
  watchers: z.array(z.string()),
  timers: z.number(),
  asks: z.number(),
  /** What the tool calls of this life used together; null: there were none. */
  tools: z
    .object({
      calls: z.number(),
      failed: z.number(),
      wallMs: z.number(),
      cpuMs: z.number(),
      memoryBytes: z.number(),
      bytesIn: z.number(),
      bytesOut: z.number(),
      /** The last few calls of this life, oldest first. */
      last: z.array(toolRow).default([]),
    })
    .nullable()
    .default(null),
  /** Its quota: spent, held for calls under way, and the limit. */
  quota: z.array(quotaRow).default([]),
  deadLetters: z.array(
    z.object({ type: z.string(), from: z.string(), reason: z.string(), atMs: z.number() }),
  ),
});

/** A node among those that run its app. */
export const clusterView = z.object({
  /** This node's name, new at each start. */
  node: z.string(),
  partitions: z.number(),
  held: z.array(z.number()),
  /** All that live, this one too, as they were at their last word to Redis. */
  members: z.array(
    z.object({
      node: z.string(),
      host: z.string(),
      pid: z.number(),
      since: z.string(),
      held: z.array(z.number()),
    }),
  ),
  /** What the store's server promises less than one might think. */
  weak: z.array(z.string()),
  /** What Redis said last when it could not be used, and when. */
  trouble: z.object({ why: z.string(), at: z.string() }).nullable(),
});

export type ClusterView = z.infer<typeof clusterView>;

/** The whole node at one moment. Processes are sorted: parents first, children in start order. */
export const nodeView = z.object({
  pid: z.number(),
  app: z.string(),
  data: z.string().nullable(),
  store: z.string(),
  /** null: the store is one node's. */
  cluster: clusterView.nullable().default(null),
  startedAt: z.string(),
  /** The node's monotonic clock, to which every `atMs` refers. */
  nowMs: z.number(),
  threads: z.array(
    z.object({
      thread: z.number(),
      generation: z.number(),
      processes: z.number(),
      turns: z.number(),
    }),
  ),
  deadLetters: z.number(),
  fencedCalls: z.number(),
  processes: z.array(processView),
  /** How many children a supervisor has that this answer leaves out, by its path. */
  omitted: z.record(z.string(), z.number()).optional(),
});

export type NodeView = z.infer<typeof nodeView>;
export type ProcessRow = z.infer<typeof processView>;
export type Detail = z.infer<typeof processDetail>;

/** A message that could not be handled. `at` is an ISO date. */
export const letterView = z.object({
  id: z.string(),
  at: z.string(),
  to: z.string(),
  from: z.string(),
  type: z.string(),
  reason: z.string(),
  /** Deliveries that failed; 0 when there was none. */
  attempts: z.number(),
  message: z.string(),
});
export type LetterView = z.infer<typeof letterView>;

export const lettersView = z.object({
  total: z.number(),
  /** Threads that did not answer: their letters are missing. */
  silent: z.number(),
  /** Oldest first, the newest 1,000. */
  letters: z.array(letterView),
});
export type LettersView = z.infer<typeof lettersView>;

/** What can be asked about dead letters. `letter` is a number as the list shows it. */
export const letterRequest = z.discriminatedUnion("do", [
  z.object({ do: z.literal("list"), path: z.string().optional() }),
  z.object({ do: z.literal("show"), letter: z.string() }),
  z.object({ do: z.literal("replay"), letter: z.string() }),
  /** null: all of them. */
  z.object({ do: z.literal("drop"), letter: z.string().nullable() }),
]);
export type LetterRequest = z.infer<typeof letterRequest>;
/** What a person is asked, and who. */
export const question = z.object({
  key: z.string(),
  who: z.string(),
  path: z.string(),
  tool: z.string(),
  input: z.string(),
});
export type Question = z.infer<typeof question>;

/** What they say. */
const said = z.object({ key: z.string(), allow: z.boolean(), why: z.string(), by: z.string() });
export type Said = z.infer<typeof said>;

/** A path with a quota, and how far each limit is used up. */
export const budget = z.object({ path: z.string(), rows: z.array(quotaRow) });
export type BudgetView = z.infer<typeof budget>;

/** Limits that a person raises, in the units of the rows. */
const raise = z.object({
  path: z.string(),
  more: z.partialRecord(z.enum(RESOURCES), z.number().int().positive()),
  why: z.string().max(4_000),
  by: z.string(),
});
export type RaiseRequest = {
  readonly path: string;
  readonly more: { readonly [R in (typeof RESOURCES)[number]]?: number };
  readonly why: string;
  readonly by: string;
};

/** A request on the inspection socket: one JSON object a line. */
export const request = z.discriminatedUnion("command", [
  z.object({
    id: z.number(),
    command: z.literal("tree"),
    /** Most children of each dynamic supervisor in the answer. @default all there is room for */
    childrenMax: z.number().int().min(0).optional(),
  }),
  z.object({ id: z.number(), command: z.literal("show"), path: z.string() }),
  z.object({ id: z.number(), command: z.literal("letters"), asked: letterRequest }),
  z.object({ id: z.number(), command: z.literal("questions") }),
  z.object({ id: z.number(), command: z.literal("answer"), said }),
  z.object({ id: z.number(), command: z.literal("budgets"), raise: raise.nullable() }),
  z.object({
    id: z.number(),
    command: z.enum(["stop", "restart", "suspend", "resume", "kill"]),
    path: z.string(),
  }),
]);
export type Request = z.infer<typeof request>;

/** An answer: the request's id, and a value or an error. One JSON object a line. */
export const answer = z.union([
  z.object({ id: z.number(), ok: z.unknown() }),
  z.object({
    id: z.number(),
    error: z.object({
      code: z.string(),
      message: z.string(),
      at: z.string().optional(),
      fix: z.string().optional(),
    }),
  }),
]);

/** What the inspection server needs of a node. */
export interface Inspectable {
  tree(): Promise<NodeView>;
  /** @throws ActorError E_PATH_UNKNOWN */
  show(path: string): Promise<Detail>;
  /** @returns a sentence of what was done. @throws ActorError E_PATH_UNKNOWN, refused */
  act(command: "stop" | "restart" | "suspend" | "resume" | "kill", path: string): Promise<string>;
  /** @throws ActorError E_LETTER_UNKNOWN, no_actor, timeout */
  letters(asked: LetterRequest): Promise<LettersView>;
  /** What waits for a person's answer. */
  questions(): Promise<Question[]>;
  /** @returns a sentence of what was done. @throws ActorError E_PATH_UNKNOWN */
  answer(said: Said): Promise<string>;
  /**
   * All quotas there are; with `raise` the one whose limits were raised.
   *
   * @throws ActorError E_PATH_UNKNOWN, E_QUOTA_UNHELD
   */
  budgets(raise?: RaiseRequest | null): Promise<BudgetView[]>;
}

/** Written beside the socket, so that the CLI finds running nodes. */
export const nodeEntry = z.object({
  pid: z.number(),
  app: z.string(),
  data: z.string().nullable(),
  cwd: z.string(),
  socket: z.string(),
  startedAt: z.string(),
});
export type NodeEntry = z.infer<typeof nodeEntry>;

// Control characters, and the marks that change the direction of text: what a terminal obeys.
const UNPRINTABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Text of unknown origin made fit for a terminal: what could steer it is written as an escape. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (each) => {
    const hex = each.charCodeAt(0).toString(16).padStart(4, "0");
    return SHORT[each] ?? `\\u${hex}`;
  });
}
