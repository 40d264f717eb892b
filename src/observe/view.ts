/**
 * Owns: what inspection requests and answers look like: these schemas type the server, the client
 * and the tests. Does not own: making the answers (kernel/inspect.ts) or drawing them (cli/).
 */
import { z } from "zod";

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
  restarts: z.number(),
  intensity: z.number(),
  periodMs: z.number(),
  lastExit: exit,
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
  deadLetters: z.array(
    z.object({ type: z.string(), from: z.string(), reason: z.string(), atMs: z.number() }),
  ),
});

/** The whole node at one moment. Processes are sorted: parents first, children in start order. */
export const nodeView = z.object({
  pid: z.number(),
  app: z.string(),
  data: z.string().nullable(),
  store: z.string(),
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

/** A request on the inspection socket: one JSON object a line. */
export const request = z.discriminatedUnion("command", [
  z.object({
    id: z.number(),
    command: z.literal("tree"),
    /** Most children of each dynamic supervisor in the answer. @default all there is room for */
    childrenMax: z.number().int().min(0).optional(),
  }),
  z.object({ id: z.number(), command: z.literal("show"), path: z.string() }),
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
