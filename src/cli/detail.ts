/**
 * Owns: drawing one process in full, in sections; empty ones are left out.
 * Does not own: what is known of it (observe/view.ts).
 */
import { STACK_LEFT_OUT } from "../actor/exit.ts";
import type { Detail } from "../observe/inspect.ts";
import { amount, RESOURCES, usedUp } from "./amounts.ts";
import { type Cell, cutTo, type Io, statusStyle, styled, table } from "./terminal.ts";
import { age, grouped, plural, printableLines, reasonText, span, statusText } from "./words.ts";

/** The lines of `show`. */
export function drawDetail(detail: Detail, nowMs: number, io: Io): string[] {
  const section = (title: string, rows: Cell[][]) =>
    rows.length === 0
      ? []
      : [
          "",
          styled(title, "bold", io),
          ...table(
            rows.map((row) => ["", ...row]),
            io,
          ),
        ];
  const ago = (atMs: number) => `${age(nowMs - atMs)} ago`;
  const { spec, mailHead, deadLetters } = detail;
  const waiting = detail.mail > mailHead.length ? `, the first ${mailHead.length}` : "";
  return [
    ...table([headOf(detail)], io),
    ...section("now", nowRows(detail)),
    ...section("quota", detail.quota.map(quotaRow)),
    ...section("tool calls", toolRows(detail)),
    ...section("last tool calls", callRows(detail, ago)),
    ...section("last exit", exitRows(detail, ago)),
    ...section("state", detail.state === "" ? [] : prettyState(detail.state, io)),
    ...section(
      `mail (${grouped(detail.mail)} waiting${waiting})`,
      mailHead.map(({ type, from, message }) => [type, `from ${from || "nobody"}`, message]),
    ),
    ...section(
      "links",
      detail.links.map((each) => [each]),
    ),
    ...section(
      "watches",
      detail.watching.map((each) => [each]),
    ),
    ...section(
      "watched by",
      detail.watchers.map((each) => [each || "somebody outside"]),
    ),
    ...section(
      "dead letters",
      deadLetters.map((each) => [
        each.type,
        `from ${each.from || "nobody"}`,
        each.reason,
        ago(each.atMs),
      ]),
    ),
    ...section(
      "spec",
      Object.entries(spec).map(([key, value]) => [key, settingText(value)]),
    ),
  ];
}

function headOf(detail: Detail): Cell[] {
  const status: Cell = { text: statusText(detail.status), style: statusStyle(detail.status) };
  const path: Cell = { text: detail.path, style: "bold" };
  const moves = detail.moves > 0 ? `, moved ${plural(detail.moves, "time")}` : "";
  const place = `thread ${detail.thread}${moves}`;
  const durable = detail.durable ? ["durable"] : [];
  return [path, detail.runs, `#${detail.incarnation}`, status, place, ...durable];
}

function nowRows(detail: Detail): Cell[][] {
  if (detail.kind === "supervisor") {
    const { restarts, intensity, periodMs } = detail;
    const limit = `limit ${intensity} in ${span(periodMs)}`;
    return [["restarts", `${grouped(restarts)} in window, ${limit}`]];
  }
  return [
    ["mail", grouped(detail.mail)],
    ["handled", plural(detail.handled, "message")],
    ["reductions", grouped(detail.reductions)],
    ["waits for", `${plural(detail.asks, "answer")}, ${plural(detail.timers, "timer")}`],
  ];
}

function quotaRow({ resource, used, held, limit }: Detail["quota"][number]): Cell[] {
  const open = held === 0 ? "" : `, ${amount(resource, held)} held`;
  const text = `${amount(resource, used)} of ${amount(resource, limit)}${open}`;
  return [RESOURCES[resource] ?? resource, text, usedUp(used + held, limit)];
}

function toolRows({ tools }: Detail): Cell[][] {
  if (tools === null) return [];
  const { calls, failed, wallMs, cpuMs, memoryBytes, bytesIn, bytesOut } = tools;
  const most = memoryBytes === 0 ? "not measured" : `${amount("memoryBytes", memoryBytes)} at most`;
  return [
    ["calls", `${grouped(calls)}, ${grouped(failed)} failed`],
    ["took", `${span(Math.round(wallMs))}, ${span(Math.round(cpuMs))} of CPU in sandboxes`],
    ["memory", most],
    ["bytes", `${grouped(bytesIn)} in, ${grouped(bytesOut)} out`],
  ];
}

type Call = NonNullable<Detail["tools"]>["last"][number];

/** Hosts of one call that are listed. */
const HOSTS_SHOWN = 3;

/** What a call has reached, or was refused. */
function hostsOf({ network }: Call): string {
  const said = network.slice(0, HOSTS_SHOWN).map(({ to, refused, bytesIn, bytesOut }) => {
    const passed = `${grouped(bytesIn)} in, ${grouped(bytesOut)} out`;
    return `${to} ${refused === null ? passed : `refused: ${refused}`}`;
  });
  const more = network.length - said.length;
  return [...said, ...(more > 0 ? [plural(more, "more host")] : [])].join("; ");
}

function callRows({ tools }: Detail, ago: (atMs: number) => string): Cell[][] {
  return (tools?.last ?? []).map((each): Cell[] => {
    const { tool, end, tier, wallMs, cpuMs, memoryBytes, bytesIn, bytesOut, atMs, monitor } = each;
    return [
      tool,
      { text: end, style: end === "ok" ? "dim" : "yellow" },
      `${tier ?? "did not run"}${monitor === undefined ? "" : ` (${monitor})`}`,
      span(Math.round(wallMs)),
      cpuMs === null ? "" : `${span(Math.round(cpuMs))} CPU`,
      memoryBytes === null ? "" : amount("memoryBytes", memoryBytes),
      `${grouped(bytesIn)} in, ${grouped(bytesOut)} out`,
      hostsOf(each),
      ago(atMs),
    ];
  });
}

function exitRows({ lastExit }: Detail, ago: (atMs: number) => string): Cell[][] {
  if (lastExit === null) return [];
  const { reason, atMs } = lastExit;
  const frames = typeof reason.stack === "string" ? reason.stack.split("\n") : [];
  const isFrame = (each: string) => /^\s+at /.test(each) || each === STACK_LEFT_OUT;
  const at = frames.filter(isFrame).map((each): Cell[] => [each.trim()]);
  return [[`${reasonText(reason)}, ${ago(atMs)}`], ...at];
}

/** Lines of a state that are shown; --json has it as it is. */
const STATE_LINES = 40;

function prettyState(state: string, io: Io): Cell[][] {
  let text = state;
  try {
    text = JSON.stringify(JSON.parse(state), null, 2);
  } catch {
    // It was cut, or is no JSON at all: shown as it came.
  }
  const lines = printableLines(text).split("\n");
  const width = (io.terminal?.columns ?? 1_000) - 2;
  const shown = lines.slice(0, STATE_LINES).map((each): Cell[] => [cutTo(each, width)]);
  const more = lines.length - shown.length;
  return more > 0 ? [...shown, [{ text: `… ${plural(more, "line")} more`, style: "dim" }]] : shown;
}

const settingText = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "none");
