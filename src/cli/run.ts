/**
 * Owns: `coppice run APP`: a node in the foreground, from start to exit status.
 * Does not own: the node (node/node.ts).
 */
import { isAbsolute, resolve } from "node:path";
import { ActorError } from "../actor/errors.ts";
import { type ExitReason, formatReason, isClean } from "../actor/exit.ts";
import { start } from "../node/node.ts";
import type { StartOptions } from "../node/options.ts";
import { listNodes, type NodeEntry, printable } from "../observe/inspect.ts";
import { type Input, integerOption, type Run, wordOption } from "./arguments.ts";
import { firstSignal, type Signal, statusOf } from "./signals.ts";
import type { Io } from "./terminal.ts";
import { printableLines, span } from "./words.ts";

const LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
const THREADS_MAX = 64;

function optionsOf(input: Input, io: Io): StartOptions {
  const threads = integerOption(input, "threads", [1, THREADS_MAX]);
  const log = wordOption(input, "log", LEVELS);
  const data = input.values.get("data");
  return {
    ...(threads === undefined ? {} : { threads }),
    ...(log === undefined ? {} : { log }),
    ...(data === undefined ? {} : { data: resolve(io.cwd, data) }),
  };
}

export const run: Run = async (input, io) => {
  const options = optionsOf(input, io);
  const { signalled, release } = firstSignal(io);
  // Whoever reads our output may leave; the actors are not his.
  io.survivesBrokenPipe = true;
  try {
    return await hold(input, io, options, signalled);
  } finally {
    release();
  }
};

/** Starts the node and stays until it ends. @returns the exit status */
async function hold(
  input: Input,
  io: Io,
  options: StartOptions,
  signalled: Promise<Signal>,
): Promise<number> {
  const [app = ""] = input.operands;
  const isPlace = isAbsolute(app) || app.startsWith("file:");
  let gaveUp: string | null = null;
  const onEvent = (event: Parameters<NonNullable<StartOptions["onEvent"]>>[0]) => {
    if (event.type !== "restart_intensity" || event.path.indexOf("/", 1) >= 0) return;
    const limit = `more than ${event.intensity} restarts in ${span(event.periodMs)}`;
    gaveUp = `${limit}, the last of ${event.child}`;
  };
  const system = await start(isPlace ? app : resolve(io.cwd, app), { ...options, onEvent });
  await announce(app, input, io);
  const over = await Promise.race([signalled, system.ended]);
  await system.stop();
  return typeof over === "string" ? statusOf(over) : endOf(over, gaveUp, app);
}

async function announce(app: string, input: Input, io: Io): Promise<void> {
  const own = (await listNodes()).filter((each) => each.pid === process.pid).at(-1);
  const started: Partial<NodeEntry> = own ?? { pid: process.pid, app };
  if (input.flags.has("json")) {
    // One line: whoever starts a node from a program waits for it.
    io.out.write(`${printable(JSON.stringify({ started }))}\n`);
    return;
  }
  const { pid, data, socket } = started;
  const lines = [
    `coppice: ${app} is running in process ${pid}, data ${data ?? "(in memory)"}`,
    `coppice: listening on ${socket ?? "nothing"}; see coppice tree; Ctrl-C stops it`,
  ];
  io.out.write(`${lines.map((line) => printableLines(line)).join("\n")}\n`);
}

/** A root that gives up ends with `shutdown`, as in OTP; for an app that is a failure all the same. */
function endOf(reason: ExitReason, gaveUp: string | null, app: string): number {
  if (gaveUp === null && isClean(reason)) return 0;
  throw new ActorError("exited", `the app has ended: ${gaveUp ?? formatReason(reason)}`, {
    at: app,
    fix: "its log says what led to it; --log debug says more",
    reason,
  });
}
