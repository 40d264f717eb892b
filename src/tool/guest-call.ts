/**
 * Owns: one call in a machine that is ready: what is sent, what may come back in which order, and
 * deadlines. The guest is taken for hostile: what does not fit ends the call.
 * Does not own: the machine's life (machine.ts, begin.ts).
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:os";
import type { SandboxLimits } from "../actor/walls.ts";
import type { Collector, CommandExit, Cut } from "./collect.ts";
import { decodeExit, FRAME_MAX, type Frame, type GuestExit } from "./frames.ts";
import type { Machine, MachineEnd } from "./machine.ts";
import type { SandboxFile, SandboxRequest } from "./sandbox.ts";

const ENTROPY = 32;
const WITNESS = 1;
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

function encodeRun(request: SandboxRequest, limits: SandboxLimits, witness: boolean): Buffer {
  const head = Buffer.alloc(21);
  head.writeBigUInt64LE(BigInt(limits.memoryBytes), 0);
  head.writeUInt32LE(limits.processes, 16);
  head.writeUInt8(witness ? WITNESS : 0, 20);
  const line = [request.command, ...request.args].map((each) => `${each}\0`).join("");
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

/** Stdin, part by part, each when the one before has left: a guest that reads nothing gets no more. */
function sendStdin(machine: Machine, bytes: Uint8Array, at = 0): void {
  for (let from = at; from < bytes.length; from += PART) {
    if (machine.send("I", bytes.subarray(from, from + PART))) continue;
    machine.drained(() => sendStdin(machine, bytes, from + PART));
    return;
  }
  machine.send("i");
}

/** What one call came to; `witness`: what the guest's first process saw, line by line. */
export interface GuestCall {
  readonly end: Cut | CommandExit;
  readonly exit: GuestExit | null;
  readonly witness: readonly string[];
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
  witness: boolean,
): Promise<GuestCall> {
  return new Promise((resolve) => {
    const seen: string[] = [];
    const finish = (end: Cut | CommandExit, exit: GuestExit | null = null) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", dropped);
      machine.listen(null);
      resolve({ end, exit, witness: seen });
    };
    const dropped = () =>
      finish({ tag: "killed", limit: "owner", why: "nobody wants its answer any more" });
    const timer = setTimeout(() => finish({ tag: "timeout" }), limits.timeoutMs);
    if (signal.aborted) return dropped();
    signal.addEventListener("abort", dropped);
    machine.listen((said) => {
      const heard = hear(said, collected, seen);
      if (heard !== null) finish(heard.end, heard.exit);
    });
    const scratch = Buffer.alloc(8);
    scratch.writeBigUInt64LE(BigInt(limits.scratchBytes));
    machine.send("D", scratch);
    for (const file of request.files) sendFile(machine, file);
    machine.send("R", encodeRun(request, limits, witness));
    sendStdin(machine, request.stdin);
  });
}

interface Heard {
  readonly end: Cut | CommandExit;
  readonly exit: GuestExit | null;
}

/** @returns the end of the call, if this is it */
function hear(said: Frame | MachineEnd, collected: Collector, seen: string[]): Heard | null {
  if ("kind" in said) {
    const tag = said.kind === "hostile" ? "hostile" : "unknown";
    return { end: { tag, why: said.why }, exit: null };
  }
  const { type, payload } = said;
  const cut = (end: Cut | null) => (end === null ? null : { end, exit: null });
  switch (type) {
    case "O":
      return cut(collected.push("stdout", payload));
    case "E":
      return cut(collected.push("stderr", payload));
    case "L":
      seen.push(payload.toString());
      return seen.length <= 5_000 ? null : cut({ tag: "hostile", why: "it said too much" });
    case "N": {
      const why = `its files do not fit into its scratch space: ${payload.toString("latin1", 0, 100)}`;
      return cut({ tag: "killed", limit: "scratch", why });
    }
    case "X":
      try {
        const exit = decodeExit(payload);
        return { end: exitOf(exit), exit };
      } catch (thrown) {
        return cut({ tag: "hostile", why: (thrown as Error).message });
      }
    default:
      return cut({ tag: "hostile", why: `a frame of type ${type} out of turn` });
  }
}
