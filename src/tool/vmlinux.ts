/**
 * Owns: the kernel inside of the file that distributions install: a small program with the kernel packed
 * up behind it. Firecracker runs the kernel itself. Pure, but for one program that unpacks xz.
 * Does not own: where kernels come from (image-build.ts).
 */
import { execFileSync } from "node:child_process";
import { gunzipSync, zstdDecompressSync } from "node:zlib";

/** Of a kernel, unpacked. @unit bytes */
const KERNEL_MAX = 256 * 2 ** 20;
/** Longest of the blocks that LZ4's old format is made of, unpacked. @unit bytes */
const BLOCK_MAX = 8 * 2 ** 20;
const SECTOR = 512;
/** Numbers of the boot protocol of Linux on x86, by their places in the file. */
const AT = { sectors: 0x1f1, magic: 0x202, version: 0x206, offset: 0x248, length: 0x24c };
const LEAST_VERSION = 0x208;

interface Packing {
  readonly name: string;
  /** How it begins, in hex. */
  readonly magic: string;
  /** Is its length, unpacked, written behind it? gzip has it within. */
  readonly trailed: boolean;
  readonly unpack: (packed: Buffer) => Buffer;
}

const limit = { maxOutputLength: KERNEL_MAX };
const PACKINGS: readonly Packing[] = [
  { name: "lz4", magic: "02214c18", trailed: true, unpack: unpackLz4 },
  { name: "gzip", magic: "1f8b08", trailed: false, unpack: (from) => gunzipSync(from, limit) },
  {
    name: "zstd",
    magic: "28b52ffd",
    trailed: true,
    unpack: (from) => zstdDecompressSync(from, limit),
  },
  { name: "xz", magic: "fd377a585a00", trailed: true, unpack: unpackXz },
];

/**
 * The kernel as an ELF file.
 *
 * @param file as `/boot/vmlinuz-…` holds it
 * @throws Error it holds none that can be unpacked
 */
export function kernelOf(file: Buffer): Buffer {
  if (file.length < 0x300 || file.toString("latin1", AT.magic, AT.magic + 4) !== "HdrS")
    throw new Error("it is no kernel of Linux for x86");
  if (file.readUInt16LE(AT.version) < LEAST_VERSION)
    throw new Error("its boot protocol does not say where the kernel lies");
  const setup = ((file[AT.sectors] || 4) + 1) * SECTOR;
  const from = setup + file.readUInt32LE(AT.offset);
  const packed = file.subarray(from, from + file.readUInt32LE(AT.length));
  const start = packed.toString("hex", 0, 6);
  const packing = PACKINGS.find(({ magic }) => start.startsWith(magic));
  if (packing === undefined) throw new Error(`it is packed in an unknown way: ${start}`);
  const end = packed.length - (packing.trailed ? 4 : 0);
  const kernel = packing.unpack(packed.subarray(0, end));
  if (packing.trailed && kernel.length !== packed.readUInt32LE(end))
    throw new Error(`${packing.name} gave ${kernel.length} bytes, not what it promised`);
  if (kernel.toString("hex", 0, 4) !== "7f454c46") throw new Error("what it holds is no ELF file");
  return kernel;
}

function unpackXz(packed: Buffer): Buffer {
  return execFileSync("xz", ["--decompress", "--stdout"], { input: packed, maxBuffer: KERNEL_MAX });
}

/** The old format: blocks, each with its packed length before it. */
function unpackLz4(packed: Buffer): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 4; at + 4 <= packed.length; ) {
    const length = packed.readUInt32LE(at);
    if (length > packed.length - at - 4) throw new Error("lz4: a block is cut off");
    blocks.push(unpackBlock(packed.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

/** Sequences: so many bytes as they are, then so many from some bytes back, which may overlap. */
function unpackBlock(packed: Buffer): Buffer {
  const out = Buffer.allocUnsafe(BLOCK_MAX);
  let from = 0;
  let to = 0;
  const next = (): number => {
    const byte = packed[from++];
    if (byte === undefined) throw new Error("lz4: a sequence is cut off");
    return byte;
  };
  const count = (nibble: number): number => {
    let sum = nibble;
    if (nibble === 15) for (let more = 255; more === 255; sum += more) more = next();
    return sum;
  };
  while (from < packed.length) {
    const token = next();
    const plain = count(token >> 4);
    if (to + plain > BLOCK_MAX || from + plain > packed.length) throw new Error("lz4: too long");
    packed.copy(out, to, from, from + plain);
    from += plain;
    to += plain;
    if (from === packed.length) break; // the last sequence ends here
    const back = next() | (next() << 8);
    const length = count(token & 15) + 4;
    if (back === 0 || back > to || to + length > BLOCK_MAX)
      throw new Error("lz4: a wrong distance");
    for (const end = to + length; to < end; to++) out[to] = out[to - back] as number;
  }
  return out.subarray(0, to);
}
