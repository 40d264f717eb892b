// A program that is started where a machine's monitor would be, with the channel as its descriptor 3: it
// answers as guest/init.c does, or behaves as a guest that somebody has taken over.

import { Socket } from "node:net";
import { crc32 } from "node:zlib";

/** How it behaves: well, or once it is asked for something. */
export type Conduct =
  | "well"
  | "byte by byte"
  | "mute"
  | "ends in a call"
  | "closes its channel"
  | "wrong checksum"
  | "frame too long"
  | "unknown frame"
  | "flood";

const conduct = process.argv[2] as Conduct;
const channel = new Socket({ fd: 3, readable: true, writable: true });

function frame(type: string, text = ""): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(9);
  head.writeUInt32LE(payload.length, 0);
  head.write(type, 4, "latin1");
  head.writeUInt32LE(crc32(payload, crc32(type)), 5);
  return Buffer.concat([head, payload]);
}

async function say(type: string, text = ""): Promise<void> {
  const bytes = frame(type, text);
  if (conduct !== "byte by byte") return void channel.write(bytes);
  for (const byte of bytes) {
    channel.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What a guest that was taken over says instead of an answer. */
const HOSTILE: Partial<Record<Conduct, () => Buffer>> = {
  "wrong checksum": () => {
    const bytes = frame("p");
    bytes[5] = (bytes[5] ?? 0) ^ 1;
    return bytes;
  },
  "frame too long": () => {
    const bytes = frame("O", "x");
    bytes.writeUInt32LE(0x7fff_ffff, 0);
    return bytes;
  },
  "unknown frame": () => frame("Z"),
  flood: () => Buffer.concat(Array.from({ length: 100 }, () => frame("p"))),
};

/** What it was told, frame by frame, whatever pieces they came in. */
let told = Buffer.alloc(0);
const heard: string[] = [];

async function answer(type: string): Promise<void> {
  heard.push(type);
  if (conduct === "mute") return;
  const hostile = HOSTILE[conduct];
  if (type === "P" && hostile !== undefined) return void channel.write(hostile());
  if (type === "P") return say("p");
  if (type !== "i") return;
  if (conduct === "closes its channel") return void channel.destroy();
  if (conduct === "ends in a call") {
    process.stderr.write("it has had enough\n", () => process.exit(3));
    return;
  }
  await say("O", heard.join(""));
  await say("X", '{"code":0,"signal":0,"oom":0,"full":0,"peak":1}');
}

let before = Promise.resolve();
channel.on("data", (bytes: Buffer) => {
  told = Buffer.concat([told, bytes]);
  while (told.length >= 9 && told.length >= 9 + told.readUInt32LE(0)) {
    const type = told.toString("latin1", 4, 5);
    told = told.subarray(9 + told.readUInt32LE(0));
    before = before.then(() => answer(type));
  }
});
// Without its channel it goes on, as a machine does: who started it ends it.
setInterval(() => {}, 60_000);
void say("Y", `${process.pid}`);
