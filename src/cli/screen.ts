/**
 * Owns: `coppice top` on a terminal: a table refreshed in place, and giving the terminal back.
 * Does not own: the rates (rates.ts).
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { NodeView } from "../observe/inspect.ts";
import type { Client } from "./client.ts";
import { compare, drawRates, type Order } from "./rates.ts";
import { cutTo, type Io, table } from "./terminal.ts";
import { age, grouped, plural, span } from "./words.ts";

/** What is shown, and how often. */
export interface Settings {
  windowMs: number;
  by: Order;
  limit: number | undefined;
}

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";
/** Two lines above the table, its titles, what is left out, and the line the cursor rests on. */
const HEAD_LINES = 5;
const ESCAPE = "\u001b";
const CTRL_C = "\u0003";
const isQuit = (key: string) => key === ESCAPE || ["q", "Q", CTRL_C].includes(key.slice(0, 1));

/** Shows the rates of each window until somebody quits. @returns the exit status */
export async function refresh(client: Client, settings: Settings, io: Io): Promise<number> {
  const quit = new AbortController();
  const release = io.onKey((key) => isQuit(key) && quit.abort());
  // However this process ends, the terminal is given back as it was.
  const leave = () => io.out.write(LEAVE);
  process.once("exit", leave);
  io.out.write(ENTER);
  try {
    let before = await client.tree();
    io.out.write(frame(before, before, settings, io));
    for (;;) {
      await sleep(settings.windowMs, undefined, { signal: quit.signal });
      const after = await client.tree();
      if (quit.signal.aborted) return 0;
      io.out.write(frame(before, after, settings, io));
      before = after;
    }
  } catch (error) {
    if (quit.signal.aborted) return 0;
    throw error;
  } finally {
    release();
    process.off("exit", leave);
    leave();
  }
}

function frame(before: NodeView, after: NodeView, settings: Settings, io: Io): string {
  const { columns = 80, rows: height = 24 } = io.terminal ?? {};
  const { windowMs, by, limit } = settings;
  const rows = compare(before, after, by);
  const upMs = Date.now() - Date.parse(after.startedAt);
  const head = [
    `${after.app}  pid ${after.pid}  up ${age(upMs)}`,
    plural(after.threads.length, "thread"),
    `${grouped(rows.length)} processes`,
    plural(after.deadLetters, "dead letter"),
  ].join("  ");
  const settled = `by ${by} in ${span(windowMs)}, q quits`;
  const shown = rows.slice(0, Math.max(1, Math.min(limit ?? height, height - HEAD_LINES)));
  const lines = [
    ...table([[head], [{ text: settled, style: "dim" }]], io),
    ...drawRates(shown, io),
  ];
  const more = rows.length - shown.length;
  if (more > 0) lines.push(cutTo(`… ${grouped(more)} more`, columns));
  return `${HOME}${lines.map((line) => `${CLEAR_LINE}${line}\n`).join("")}${CLEAR_BELOW}`;
}
