/**
 * Owns: reaching a port inside of a machine through the Unix socket that Firecracker offers for it: one
 * line asks for the port, one line says that it is there, and then the bytes are the guest's.
 * Does not own: what is said over it (frames.ts). guest/init.c is the other end.
 *
 * Nothing of the host listens for connections that a guest would begin: there is no way out by this device.
 */
import { createConnection, type Socket } from "node:net";

/** Where guest/init.c listens. */
export const GUEST_PORT = 52;
/** Longest answer: "OK", a number, an end of line. @unit bytes */
const ANSWER_MAX = 32;
/** A guest that is there says so at once; what was asked too early may stay without an answer. @unit ms */
const TRY_MS = 5_000;
const PAUSE_MS = 5;

/** What ends the attempts before their time. */
export interface Patience {
  readonly deadlineMs: number;
  /** Why no further attempt is of use; null: there is hope. */
  hopeless(): string | null;
}

/**
 * A connection over which the guest has said its first bytes; they are still to be read. Before that it
 * may be closed for many reasons: no driver yet, nobody who listens, a copy that resets what it had.
 *
 * @throws Error when nobody has answered in time, or cannot any more
 */
export async function reachGuest(path: string, port: number, patience: Patience): Promise<Socket> {
  const until = performance.now() + patience.deadlineMs;
  let why = "it was not tried";
  while (performance.now() < until) {
    const hopeless = patience.hopeless();
    if (hopeless !== null) throw new Error(hopeless);
    const tried = await attempt(path, port, Math.min(TRY_MS, until - performance.now()));
    if (typeof tried !== "string") return tried;
    why = tried;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`the guest was not reached in ${patience.deadlineMs} ms: ${why}`);
}

/** @returns the connection, or why there is none */
function attempt(path: string, port: number, deadlineMs: number): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    let said = Buffer.alloc(0);
    const end = (result: Socket | string) => {
      clearTimeout(timer);
      socket.off("data", hear).off("close", closed);
      if (typeof result === "string") socket.destroy();
      resolve(result);
    };
    let why = "the connection was closed";
    const closed = () => end(why);
    const hear = (bytes: Buffer) => {
      said = Buffer.concat([said, bytes]);
      const line = said.indexOf("\n");
      if (line < 0 && said.length <= ANSWER_MAX) return;
      const answer = said.toString("latin1", 0, Math.min(line < 0 ? ANSWER_MAX : line, ANSWER_MAX));
      if (!/^OK \d+$/.test(answer)) return end(`it answered ${JSON.stringify(answer)}`);
      if (said.length === line + 1) return; // the guest has said nothing yet
      socket.pause();
      socket.unshift(said.subarray(line + 1));
      end(socket);
    };
    const timer = setTimeout(() => end(`no answer for ${Math.ceil(deadlineMs)} ms`), deadlineMs);
    socket.on("error", (error) => {
      why = error.message; // "close" follows
    });
    socket.on("close", closed).on("data", hear);
    socket.once("connect", () => socket.write(`CONNECT ${port}\n`));
  });
}
