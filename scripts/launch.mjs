// Starts one child process that owns the terminal and answers with its exit code.
//
// A Ctrl-C in a terminal reaches every process of the foreground group by itself; passing it on
// would make the child see it twice. Without a terminal nobody else delivers it, so it is passed
// on, as SIGTERM and SIGHUP always are. npm passes on what it gets, too: copies that arrive at the
// same time count once.

import { spawn } from "node:child_process";
import { constants } from "node:os";

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"];
const COPY_MS = 500;

/**
 * Runs `command` to its end. The result is `{ code, signal }`: `code` is the child's exit code, or
 * 128 + the number of the signal that ended it; `signal` is the signal this process was sent
 * meanwhile, or null. `onLine` sees the lines of a piped stdout, which is also copied to ours.
 */
export function launch(command, args, { env = process.env, cwd, stdio = "inherit", onLine } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: onLine ? ["inherit", "pipe", "inherit"] : stdio,
    });
    const relay = relaySignals(child);
    if (onLine) copyLines(child.stdout, onLine);
    const finish = (code) => resolve({ code, signal: relay.stop() });
    child.once("error", (error) => {
      process.stderr.write(`coppice: cannot start ${command}: ${error.message}\n`);
      finish(127);
    });
    child.once("close", (code, signal) => finish(code ?? 128 + constants.signals[signal]));
  });
}

function relaySignals(child) {
  let received = null;
  let passedOnAt = Number.NEGATIVE_INFINITY;
  const onTerminal = [process.stdin, process.stdout, process.stderr].some((s) => s.isTTY);
  const relay = (signal) => {
    const isCopy = received === signal && Date.now() - passedOnAt < COPY_MS;
    received = signal;
    if (isCopy || (signal === "SIGINT" && onTerminal)) return;
    passedOnAt = Date.now();
    child.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, relay);
  const stop = () => {
    for (const signal of FORWARDED) process.off(signal, relay);
    return received;
  };
  return { stop };
}

function copyLines(stream, onLine) {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    process.stdout.write(text);
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    lines.forEach(onLine);
  });
  stream.on("end", () => rest && onLine(rest));
}
