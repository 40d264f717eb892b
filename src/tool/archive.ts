/**
 * Owns: the two archive formats that are written here, so that the same files give the same bytes:
 * cpio (newc), for the guest's first file system, and tar (ustar), for the files of a call. Pure.
 */

/** A file, or a folder when it has no bytes. */
export interface Entry {
  readonly path: string;
  readonly mode: number;
  readonly bytes?: Uint8Array;
}

const REGULAR = 0o100000;
const FOLDER = 0o040000;
const BLOCK = 512;
const TAR_NAME = 100;

const padding = (length: number, unit: number) => Buffer.alloc((unit - (length % unit)) % unit);

/** Folders must precede what is in them. Owner root, time 0. */
export function cpio(entries: readonly Entry[]): Buffer {
  const parts: Buffer[] = [];
  const add = (path: string, mode: number, inode: number, bytes: Uint8Array) => {
    const name = Buffer.from(`${path}\0`);
    const links = mode & FOLDER ? 2 : 1;
    const fields = [inode, mode, 0, 0, links, 0, bytes.length, 0, 0, 0, 0, name.length, 0];
    const head = `070701${fields.map((each) => each.toString(16).padStart(8, "0")).join("")}`;
    parts.push(Buffer.from(head), name, padding(head.length + name.length, 4));
    parts.push(Buffer.from(bytes), padding(bytes.length, 4));
  };
  for (const [index, { path, mode, bytes }] of entries.entries()) {
    add(path, mode | (bytes === undefined ? FOLDER : REGULAR), index + 1, bytes ?? Buffer.alloc(0));
  }
  add("TRAILER!!!", 0, 0, Buffer.alloc(0));
  const all = Buffer.concat(parts);
  return Buffer.concat([all, padding(all.length, BLOCK)]);
}

function tarHead(name: Uint8Array, mode: number, size: number, type: string): Buffer {
  const head = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number) =>
    head.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
  head.set(name.subarray(0, TAR_NAME), 0);
  octal(mode, 100, 8);
  octal(1000, 108, 8);
  octal(1000, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  head.write(" ".repeat(8), 148, "latin1");
  head.write(type, 156, "latin1");
  head.write("ustar\u000000", 257, "latin1");
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return head;
}

/** Folders on the way to a file are made by who unpacks it. */
export function tar(entries: readonly Required<Entry>[]): Buffer {
  const parts: Buffer[] = [];
  for (const { path, mode, bytes } of entries) {
    const name = Buffer.from(path);
    if (name.length > TAR_NAME) {
      const long = Buffer.from(`${path}\0`);
      parts.push(tarHead(Buffer.from("././@LongLink"), 0o644, long.length, "L"), long);
      parts.push(padding(long.length, BLOCK));
    }
    parts.push(tarHead(name, mode, bytes.length, "0"), Buffer.from(bytes));
    parts.push(padding(bytes.length, BLOCK));
  }
  parts.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(parts);
}
