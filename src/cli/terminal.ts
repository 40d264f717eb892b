/**
 * Owns: what a command may do with its surroundings (write, know the terminal), and laying text out
 * for it: colours, widths, tables. All text of a table is made printable here, so that no actor's
 * id or message can steer a terminal.
 * Does not own: what is drawn (tree.ts, show.ts, top.ts).
 */
import { printable } from "../observe/inspect.ts";

/** Where text goes. */
export interface Writer {
  write(text: string): void;
}

/** The surroundings of a command; tests make their own. */
export interface Io {
  readonly out: Writer;
  readonly err: Writer;
  /** Is stdout a terminal, and how wide and high is it now? */
  readonly terminal: { readonly columns: number; readonly rows: number } | null;
  /** Is stderr one? Progress is shown there. */
  readonly errTerminal: boolean;
  readonly colour: boolean;
  readonly cwd: string;
  /** Bytes typed at the terminal, one callback a key press; returns how to end it. */
  readonly onKey: (listener: (key: string) => void) => () => void;
  /** Set by commands that must outlive their readers: a broken pipe then ends nothing. */
  survivesBrokenPipe: boolean;
}

/** The surroundings of this process. */
export function processIo(): Io {
  const { stdout, stderr, env } = process;
  const plain = env.NO_COLOR !== undefined && env.NO_COLOR !== "";
  return {
    out: stdout,
    err: stderr,
    get terminal() {
      return stdout.isTTY ? { columns: stdout.columns || 80, rows: stdout.rows || 24 } : null;
    },
    errTerminal: stderr.isTTY === true,
    colour: stdout.isTTY === true && !plain && env.TERM !== "dumb",
    cwd: process.cwd(),
    onKey,
    survivesBrokenPipe: false,
  };
}

const CTRL_C = "\u0003";

function onKey(listener: (key: string) => void): () => void {
  const { stdin } = process;
  const press = (bytes: Buffer) => listener(bytes.toString("latin1"));
  // Whatever asks us to end counts as Ctrl-C: the terminal must be given back as it was.
  const interrupt = () => listener(CTRL_C);
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, interrupt);
  if (stdin.isTTY) stdin.setRawMode(true).on("data", press).resume();
  return () => {
    for (const signal of signals) process.off(signal, interrupt);
    if (stdin.isTTY) stdin.setRawMode(false).off("data", press).pause();
  };
}

/* ---- colours ---- */

export type Style = "plain" | "bold" | "dim" | "red" | "yellow" | "green";

const CODES: Readonly<Record<Style, string>> = {
  plain: "",
  bold: "\u001b[1m",
  dim: "\u001b[2m",
  red: "\u001b[31m",
  yellow: "\u001b[33m",
  green: "\u001b[32m",
};
const RESET = "\u001b[0m";

/** Text in a style, where colours are wanted. */
export function styled(text: string, style: Style, io: Pick<Io, "colour">): string {
  return io.colour && style !== "plain" && text !== "" ? `${CODES[style]}${text}${RESET}` : text;
}

/** The colour of a status: what needs a look stands out. */
export function statusStyle(status: string): Style {
  if (status === "restarting" || status === "exited") return "red";
  if (status === "suspended" || status === "stopping") return "yellow";
  if (status === "running" || status === "busy") return "green";
  return status === "undefined" ? "dim" : "plain";
}

/* ---- widths ---- */

// East Asian wide and full-width characters and emoji take two columns; a close approximation.
const WIDE = new RegExp(
  [
    "[\\u1100-\\u115f\\u2e80-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f]",
    "[\\uff00-\\uff60\\uffe0-\\uffe6\\u{1f300}-\\u{1faff}\\u{20000}-\\u{3fffd}]",
  ].join("|"),
  "u",
);
const NONE = /[\p{M}\u200b-\u200d]/u;

const widthOf = (character: string) => (NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1);

/** Columns a text takes on a terminal. */
export function textWidth(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

/** Text cut to a width, with an ellipsis when something is missing. */
export function cutTo(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const character of text) {
    used += widthOf(character);
    if (used > width - 1) break;
    kept += character;
  }
  return width <= 0 ? "" : `${kept}…`;
}

/* ---- tables ---- */

/** A cell of a table: text, or text with a style. */
export type Cell = string | { text: string; style?: Style; right?: boolean };

interface Plain {
  text: string;
  style: Style;
  right: boolean;
}

function plainCell(cell: Cell): Plain {
  if (typeof cell === "string") return { text: printable(cell), style: "plain", right: false };
  return { text: printable(cell.text), style: cell.style ?? "plain", right: cell.right ?? false };
}

/** Rows as lines, columns two spaces apart, cut to the terminal's width if there is one. */
export function table(rows: readonly (readonly Cell[])[], io: Io): string[] {
  const plain = rows.map((row) => row.map(plainCell));
  const widths: number[] = [];
  for (const row of plain) {
    // The last cell of a row may be as long as it likes: nothing stands after it.
    for (const [at, { text }] of row.slice(0, -1).entries()) {
      widths[at] = Math.max(widths[at] ?? 0, textWidth(text));
    }
  }
  const limit = io.terminal?.columns ?? Number.POSITIVE_INFINITY;
  return plain.map((row) => line(row, widths, limit, io));
}

function line(row: readonly Plain[], widths: readonly number[], limit: number, io: Io): string {
  let result = "";
  let used = 0;
  let gap = "";
  for (const [at, { text, style, right }] of row.entries()) {
    if (used + gap.length >= limit) break;
    const shown = cutTo(text, limit - used - gap.length);
    const space = " ".repeat(Math.max(0, (widths[at] ?? 0) - textWidth(shown)));
    if (shown !== "") {
      result += gap + (right ? space : "") + styled(shown, style, io);
      used += gap.length + (right ? space.length : 0) + textWidth(shown);
      gap = right ? "" : space;
    } else gap += space;
    gap += "  ";
  }
  return result;
}
