/**
 * Owns: one call in a machine that is ready: what is sent, what may come back in which order, and
 * deadlines. The guest is taken for hostile: what does not fit ends the call.
 * Does not own: the machine's life (machine.ts, begin.ts).
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:os";
import type { Reached } from "../actor/outcome.ts";
import type { SandboxLimits } from "../actor/walls.ts";
import type { Collector, CommandExit, Cut } from "./collect.ts";
import { decodeExit, FRAME_MAX, type Frame, FrameError, type GuestExit } from "./frames.ts";
import type { Machine, MachineEnd } from "./machine.ts";
import { type Outlet, outletOf, PROXY_ENV } from "./outlet.ts";
import type { SandboxFile, SandboxRequest } from "./sandbox.ts";
import { Streams } from "./streams.ts";

const ENTROPY = 32;
const WITNESS = 1;
const NETWORK = 2;
/** Part of a file or of stdin in one frame. @unit bytes */
const PART = FRAME_MAX / 4;
/** Arguments must fit into one frame. @unit bytes */
export const ARGS_MAX = FRAME_MAX / 2;
const ARGS_COUNT_MAX = 1_000;

/** Fresh random bytes and the time: copies of a machine share both until they are told. */
export function encodeSeed(): Buffer {
  const seed = Buffer.alloc(ENTROPY + 8);
  randomBytes(ENTROPY).copy(seed);
  seed.writeBigUInt64LE(BigInt(Date.now()), ENTROPY);
  return seed;
}

function encodeRun(request: SandboxRequest, { network, ...limits }: SandboxLimits): Buffer {
  const head = Buffer.alloc(21);
  head.writeBigUInt64LE(BigInt(limits.memoryBytes), 0);
  head.writeUInt32LE(limits.processes, 16);
  head.writeUInt8((limits.witness ? WITNESS : 0) | (network === "none" ? 0 : NETWORK), 20);
  const env = network === "none" ? {} : PROXY_ENV;
  const added = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const texts = [...added, "", request.command, ...request.args];
  const line = texts.map((each) => `${each}\0`).join("");
  return Buffer.concat([head, Buffer.from(line)]);
}

/** Why the guest could not be given this call; null: it can. */
export function unfit(request: SandboxRequest): string | null {
  const { command, args } = request;
  const words = [command, ...args];
  if (words.some((each) => each.includes("\0"))) return "an argument holds a zero byte";
  if (words.length > ARGS_COUNT_MAX) return `it has more than ${ARGS_COUNT_MAX} arguments`;
  const length = words.reduce((sum, each) => sum + Buffer.byteLength(each) + 1, 0);
  return length > ARGS_MAX ? `its arguments are longer than ${ARGS_MAX} bytes` : null;
}

function sendFile(machine: Machine, { path, bytes, executable }: SandboxFile): void {
  const head = Buffer.from(`${executable ? "\x01" : "\x00"}${path}\0`);
  const first = bytes.subarray(0, PART);
  machine.send("F", Buffer.concat([head, first]));
  for (let at = PART; at < bytes.length; at += PART)
    machine.send("f", bytes.subarray(at, at + PART));
}

/** Stdin, part by part: the next when the guest has taken the one before. @returns sends the next */
function stdinOf(machine: Machine, bytes: Uint8Array): () => boolean {
  let at = 0;
  return () => {
    if (at > bytes.length) return false;
    const part = bytes.subarray(at, at + PART);
    const last = at + PART >= bytes.length;
    at = last ? bytes.length + 1 : at + PART;
    machine.send(last ? "i" : "I", part);
    return true;
  };
}

/** What one call came to; `witness`: what the guest's first process saw, line by line. */
export interface GuestCall {
  readonly end: Cut | CommandExit;
  readonly exit: GuestExit | null;
  readonly witness: readonly string[];
  /** Where hosts are granted. */
  readonly network?: readonly Reached[];
}

function exitOf(exit: GuestExit): CommandExit {
  const names = Object.entries(constants.signals);
  const signal = names.find(([, number]) => number === exit.signal)?.[0] ?? null;
  const hit = exit.oom > 0 ? "memory" : exit.full > 0 ? "processes" : null;
  return { code: exit.code, signal, hit };
}

/** Runs a command in a machine that has begun (begin.ts). The caller destroys it. */
export function callGuest(
  machine: Machine,
  request: SandboxRequest,
  limits: SandboxLimits,
  signal: AbortSignal,
  collected: Collector,
): Promise<GuestCall> {
  return new Promise((resolve) => {
    const witness: string[] = [];
    const finish = (end: Cut | CommandExit, exit: GuestExit | null = null) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", dropped);
      machine.listen(null);
      outlet?.close();
      resolve({ end, exit, witness, ...(outlet && { network: outlet.rows }) });
    };
    const dropped = () =>
      finish({ tag: "killed", limit: "owner", why: "nobody wants its answer any more" });
    const outlet = outletOf(limits, finish);
    const timer = setTimeout(() => finish({ tag: "timeout" }), limits.timeoutMs);
    if (signal.aborted) return dropped();
    signal.addEventListener("abort", dropped);
    const stdin = stdinOf(machine, request.stdin);
    const streams = outlet && streamsOf(machine, outlet);
    const call = { collected, witness, stdin, streams };
    machine.listen((said) => {
      const heard = hear(said, call);
      if (heard !== null) finish(heard.end, heard.exit);
    });
    const scratch = Buffer.alloc(8);
    scratch.writeBigUInt64LE(BigInt(limits.scratchBytes));
    machine.together(() => {
      machine.send("D", scratch);
      for (const file of request.files) sendFile(machine, file);
      machine.send("R", encodeRun(request, limits));
      stdin();
    });
  });
}

const streamsOf = (machine: Machine, outlet: Outlet): Streams =>
  new Streams(
    (payload) => machine.send("n", payload),
    (stream) => outlet.admit(stream),
  );

interface Heard {
  readonly end: Cut | CommandExit;
  readonly exit: GuestExit | null;
}

/** What a call hears of its guest. */
interface Hearing {
  readonly collected: Collector;
  readonly witness: string[];
  /** Sends the next part; false: there was none. */
  readonly stdin: () => boolean;
  readonly streams: Streams | null;
}

/** @returns the end of the call, if this is it */
function hear(said: Frame | MachineEnd, call: Hearing): Heard | null {
  if ("kind" in said) {
    const tag = said.kind === "hostile" ? "hostile" : "unknown";
    return { end: { tag, why: said.why }, exit: null };
  }
  try {
    return heard(said, call);
  } catch (thrown) {
    if (!(thrown instanceof FrameError)) throw thrown;
    return { end: { tag: "hostile", why: thrown.message }, exit: null };
  }
}

/** @throws FrameError */
function heard({ type, payload }: Frame, call: Hearing): Heard | null {
  const cut = (end: Cut | null) => (end === null ? null : { end, exit: null });
  const { collected, witness, stdin, streams } = call;
  switch (type) {
    case "O":
      return cut(collected.push("stdout", payload));
    case "E":
      return cut(collected.push("stderr", payload));
    case "L":
      if (witness.push(payload.toString()) > 5_000) throw new FrameError("it said too much");
      return null;
    case "N": {
      const why = `its files do not fit into its scratch space: ${payload.toString("latin1", 0, 100)}`;
      return cut({ tag: "killed", limit: "scratch", why });
    }
    case "X": {
      const exit = decodeExit(payload);
      return { end: exitOf(exit), exit };
    }
  }
  if (type === "i" && stdin()) return null;
  if (type !== "n" || streams === null) throw new FrameError(`a frame of type ${type} out of turn`);
  streams.hear(payload);
  return null;
}
