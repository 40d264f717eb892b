/**
 * Owns: what the handlers of one simulated run share, and what their messages look like.
 * Does not own: what handlers do (session.ts, holdings.ts).
 */
import { z } from "zod";
import type { Timer } from "../actor/context.ts";
import { tool } from "../actor/tool.ts";
import type { Faults } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import type { Marks } from "./marks.ts";
import type { Outside } from "./outside.ts";
import type { Program, Random, ReplyMode } from "./programs.ts";
import type { EventStream } from "./stream.ts";

/** What every simulated message carries. Keys rise in the order of sending. */
export interface Message {
  readonly key: number;
  readonly from: string;
  readonly life: number;
  readonly program: Program;
  readonly mode?: ReplyMode;
  /** Of a durable sender: the message it handled and the place among its effects. Given once. */
  readonly origin?: string;
  /** Of a timer that comes again: its name. */
  readonly again?: string;
}

/** What an incarnation has at hand, as its code sees it. */
export interface Book {
  readonly watches: { id: number; cancel(): void }[];
  readonly links: Map<string, { unlink(): void }>;
  readonly timers: { key: number; timer: Timer }[];
  readonly deferred: { key: number; reply(value: unknown): void }[];
}

/** What sessions need of their run. */
export interface RunContext {
  readonly stream: EventStream;
  readonly faults: Faults;
  readonly random: Random;
  readonly marks: Marks;
  readonly outside: Outside;
  readonly ledger: Ledger;
  nextKey(): number;
  book(life: number): Book;
  /** Has this incarnation gone with its thread? Then nothing of it runs any more. */
  isGone(life: number): boolean;
}

/** Thrown into the left-over code of a lost thread, which in reality would not exist. */
export class Gone extends Error {}

export const PROBE = tool("probe", {
  input: z.unknown(),
  output: z.unknown(),
  run: (input) => input,
});
