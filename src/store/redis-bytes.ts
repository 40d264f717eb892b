/**
 * Owns: the bytes of a mail as Redis keeps it, and the arguments of a script as one.
 * Does not own: which arguments an operation has (redis-wire.ts).
 */
import { Packr } from "msgpackr";
import { encode } from "./codec.ts";
import type { Encoded, EncodedMail } from "./store.ts";

/** One argument of a script. Numbers are whole and below 2^32; in a packed argument they stay numbers. */
export type Arg = string | Buffer | number;

/** Of an argument. @unit bytes, about */
export const lengthOf = (arg: Arg): number => (typeof arg === "number" ? 1 : arg.length);

export const bytes = (value: Encoded): Buffer => {
  // Whatever else it is, it must not be found out inside of a script: that has no way back.
  if (!(value instanceof Uint8Array)) throw new TypeError("a value that was not encoded");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
};

/** No values of users, which are bytes by now: lists are shorter than records. */
const packr = new Packr({ useRecords: false });

/** What {@link mailBytes} has behind the id. */
export const unpackMail = (mail: Buffer): [string, string, Buffer] => packr.unpack(mail);

/** The beginning of mail that nobody asks, as the last one had it: most have the same as the last. */
let before: { from: string; type: string; bytes: Buffer } | null = null;

function beginning(from: string, type: string): Buffer {
  if (before === null || before.from !== from || before.type !== type) {
    const names = packr.pack([from, type]);
    // A list of three: the body follows.
    names[0] = 0x93;
    before = { from, type, bytes: Buffer.concat([UNASKED, names]) };
  }
  return before.bytes;
}

const UNASKED = Buffer.from("0:0:");

/** Everything of a mail but its receiver, as a script can read it: redis-script.ts. */
export function mailBytes({ ask, from, type, body }: EncodedMail, id = ""): Buffer {
  const unasked = beginning(from, type);
  const isUnasked = ask === 0 && id === "";
  const head = isUnasked ? unasked : Buffer.from(`${ask}:${Buffer.byteLength(id)}:${id}`);
  const names = isUnasked ? EMPTY : unasked.subarray(UNASKED.length);
  const { length } = bytes(body);
  const mail = Buffer.allocUnsafe(head.length + names.length + (length < 256 ? 2 : 5) + length);
  mail.set(head, 0);
  mail.set(names, head.length);
  let at = head.length + names.length;
  mail[at++] = length < 256 ? 0xc4 : 0xc6;
  at = length < 256 ? mail.writeUInt8(length, at) : mail.writeUInt32BE(length, at);
  mail.set(body, at);
  return mail;
}

const EMPTY = Buffer.alloc(0);

export const letterBytes = (mail: EncodedMail): Buffer => bytes(encode([mail.to, mailBytes(mail)]));

/**
 * Arguments as one: an array of strings and numbers in msgpack, which a script opens at once. (That of
 * Redis knows no bytes: they are strings to it.)
 */
export function packArgs(args: readonly Arg[]): Buffer {
  let most = 5;
  for (const arg of args) most += 5 + (typeof arg === "string" ? 3 : 1) * lengthOf(arg);
  const bytes = Buffer.allocUnsafe(most);
  bytes[0] = 0xdd;
  let at = bytes.writeUInt32BE(args.length, 1);
  for (const arg of args) {
    if (typeof arg === "string") at = writeText(bytes, arg, at);
    else if (typeof arg === "number") at = writeNumber(bytes, arg, at);
    else at = writeBytes(bytes, arg, at);
  }
  return bytes.subarray(0, at);
}

/** @returns where it ends */
function writeText(into: Buffer, text: string, at: number): number {
  const { length } = text;
  if (length >= 32) {
    const size = into.write(text, at + 5);
    into[at] = 0xdb;
    return into.writeUInt32BE(size, at + 1) + size;
  }
  // A few plain letters, as nearly all are: without a call.
  into[at] = 0xa0 + length;
  for (let nth = 0; nth < length; nth++) {
    const code = text.charCodeAt(nth);
    if (code > 0x7f) return writeBytes(into, Buffer.from(text), at);
    into[at + 1 + nth] = code;
  }
  return at + 1 + length;
}

function writeNumber(into: Buffer, value: number, at: number): number {
  into[at] = value < 0x80 ? value : 0xce;
  return value < 0x80 ? at + 1 : into.writeUInt32BE(value, at + 1);
}

function writeBytes(into: Buffer, bytes: Buffer, at: number): number {
  const { length } = bytes;
  const start = length < 32 ? at + 1 : at + 5;
  into[at] = length < 32 ? 0xa0 + length : 0xdb;
  if (length >= 32) into.writeUInt32BE(length, at + 1);
  into.set(bytes, start);
  return start + length;
}
