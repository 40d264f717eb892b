// A program that is started where Firecracker would be: the stand-in of its API (firecracker-stand-in.ts)
// with a guest that is no machine either: this process itself answers as guest/init.c does, and runs
// commands as children, without any wall. It sees what its jail would let it see: what is mounted there.

import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { crc32 } from "node:zlib";
import type { Jail } from "../../../src/tool/jail.ts";
import { FirecrackerStandIn, Refused } from "./firecracker-stand-in.ts";

/** How it behaves. */
export interface Manner {
  /** Besides well. */
  readonly fault?:
    | undefined
    | "old"
    | "dies"
    | "silent"
    | "closes"
    | "deaf"
    | "late"
    | "hostile"
    | "ends"
    | "forgets";
  /** Where its conversation is written down, line by line. */
  readonly record?: string;
}

/** How the driver starts it instead of Firecracker. */
export const standIn =
  (manner: Manner = {}) =>
  (jail: Jail) => ({
    file: process.execPath,
    args: [
      ...["--conditions=coppice-source", "--no-warnings", import.meta.filename],
      JSON.stringify({ mounts: jail.mounts, command: jail.command, manner }),
    ],
    env: { PATH: process.env.PATH ?? "" },
  });

type Given = Pick<Jail, "mounts" | "command"> & { manner: Manner };

/** What lies at a path inside of the jail. @throws Refused nothing does, or it may not be written */
function hostPath({ mounts }: Given, path: string, write = false): string {
  for (let at = 0; at < mounts.length; at++) {
    const [how, from, to] = mounts.slice(at, at + 3) as [string, string, string];
    if (how !== "--bind" && how !== "--ro-bind") continue;
    if (path !== to && !path.startsWith(`${to}/`)) continue;
    if (write && how !== "--bind") throw new Refused(`Read-only file system: ${path}`);
    return from + path.slice(to.length);
  }
  throw new Refused(`No such file or directory: ${path}`);
}

function mustExist(given: Given, path: unknown): void {
  if (!existsSync(hostPath(given, String(path))))
    throw new Refused(`No such file or directory: ${path}`);
}

function frame(type: string, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(payload.length);
  head.write(type, 4);
  head.writeUInt32LE(crc32(payload, crc32(type)), 5);
  return Buffer.concat([head, payload]);
}

/** One connection of the host. */
function guestOn(socket: Socket, { fault }: Manner): void {
  let got = Buffer.alloc(0);
  let child: ReturnType<typeof spawn> | null = null;
  const say = (type: string, payload?: Uint8Array) => socket.write(frame(type, payload));
  const run = (payload: Buffer) => {
    // After what is to be added to its environment, which is nothing here.
    const [, command = "", ...args] = payload.toString("utf8", 21).slice(0, -1).split("\0");
    child = spawn(command, args);
    child.stdout?.on("data", (bytes: Buffer) => say("O", bytes));
    child.stderr?.on("data", (bytes: Buffer) => say("E", bytes));
    child.once("error", () => {});
    // It may end without having read it.
    child.stdin?.on("error", () => {});
    child.once("close", (code) => {
      const use = { signal: 0, oom: 0, full: 0, peak: 4_096 };
      say("X", Buffer.from(JSON.stringify({ code: code ?? -1, ...use })));
    });
  };
  const hear = (type: string, payload: Buffer) => {
    if (type === "W") say("w");
    if (type === "P") say("p");
    if (type === "R" && fault === "ends") process.exit(0);
    if (type === "R" && fault === "hostile") socket.write(Buffer.alloc(100, 0xff));
    else if (type === "R") run(payload);
    if (type === "I") child?.stdin?.write(payload, () => say("i"));
    if (type === "i") child?.stdin?.end(payload);
  };
  say("Y", Buffer.from("1"));
  socket.on("data", (bytes: Buffer) => {
    got = Buffer.concat([got, bytes]);
    while (got.length >= 9 && got.length >= 9 + got.readUInt32LE()) {
      const end = 9 + got.readUInt32LE();
      hear(got.toString("latin1", 4, 5), got.subarray(9, end));
      got = got.subarray(end);
    }
  });
}

/** The socket of the machine's channel, as docs/vsock.md has it. */
function listen(path: string, manner: Manner): void {
  let asked = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes: Buffer) => {
      asked++;
      // Nobody listens in the guest yet.
      if (manner.fault === "deaf" || (manner.fault === "late" && asked < 4))
        return socket.destroy();
      if (bytes.toString() !== "CONNECT 52\n") return socket.destroy();
      socket.write("OK 1073741824\n");
      // A copy that resets what was connected too early.
      if (manner.fault === "forgets" && asked < 3) return socket.destroy();
      return guestOn(socket, manner);
    });
  });
  server.listen(path);
}

async function main(given: Given): Promise<void> {
  const { manner, command } = given;
  // It has no walls that end it with who started it.
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.exit(1), 500);
  const option = (name: string) => command[command.indexOf(name) + 1] as string;
  mustExist(given, option("--log-path"));
  let channel = "";
  const path = (value: unknown, write = false) => hostPath(given, String(value), write);
  const server = new FirecrackerStandIn(
    {
      exchanged(exchange) {
        if (manner.record !== undefined)
          appendFileSync(manner.record, `${JSON.stringify(exchange)}\n`);
      },
      configured(resource, body) {
        for (const key of ["kernel_image_path", "initrd_path", "path_on_host"])
          if (key in body) mustExist(given, body[key]);
        if (resource === "PUT /vsock") channel = path(body.uds_path, true);
        if (resource === "PUT /drives/*" && manner.fault === "closes") process.exit(0);
      },
      async start() {
        if (manner.fault === "silent") await new Promise(() => {});
        if (manner.fault === "dies") {
          appendFileSync(path(option("--log-path"), true), "Vmm: it cannot open /dev/kvm\n");
          process.exit(1);
        }
        listen(channel, manner);
      },
      save({ snapshot_path, mem_file_path }) {
        writeFileSync(path(snapshot_path, true), JSON.stringify({ channel: "/run/machine/vsock" }));
        writeFileSync(path(mem_file_path, true), Buffer.alloc(4_096));
      },
      load(body) {
        mustExist(given, (body.mem_backend as { backend_path: string }).backend_path);
        const state = JSON.parse(readFileSync(path(body.snapshot_path), "utf8"));
        listen(path(state.channel, true), manner);
      },
    },
    manner.fault === "old" ? "1.9.1" : "1.16.1",
  );
  await server.listen(path(option("--api-sock"), true));
}

if (process.argv[1] === import.meta.filename) await main(JSON.parse(process.argv[2] as string));
