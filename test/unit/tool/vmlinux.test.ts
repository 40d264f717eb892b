// The kernel inside of the file that a distribution installs, in each way it may be packed.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { builtImages } from "../../../src/tool/image.ts";
import { kernelOf } from "../../../src/tool/vmlinux.ts";

const ELF = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);

/** A file as `/boot/vmlinuz` is one: some sectors of program, then what is packed. */
function packedAs(packed: Buffer, length: number | null): Buffer {
  const trailer = Buffer.alloc(length === null ? 0 : 4);
  if (length !== null) trailer.writeUInt32LE(length);
  const payload = Buffer.concat([packed, trailer]);
  const head = Buffer.alloc(3 * 512 + 64);
  head[0x1f1] = 2;
  head.write("HdrS", 0x202);
  head.writeUInt16LE(0x20f, 0x206);
  head.writeUInt32LE(64, 0x248);
  head.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([head, payload, Buffer.from("signature")]);
}

const block = (bytes: number[]) => {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(bytes.length);
  return Buffer.concat([head, Buffer.from(bytes)]);
};
const lz4 = (...blocks: Buffer[]) => Buffer.concat([Buffer.from("02214c18", "hex"), ...blocks]);
/** All bytes as they are, in one sequence. */
function plain(bytes: Buffer): Buffer {
  const more = bytes.length - 15;
  const lengths =
    more < 0 ? [bytes.length << 4] : [0xf0, ...Array(Math.floor(more / 255)).fill(255), more % 255];
  return block([...lengths, ...bytes]);
}

test("gzip, zstd and xz", () => {
  const kernel = Buffer.concat([ELF, Buffer.from("kernel ".repeat(5_000))]);
  expect(kernelOf(packedAs(gzipSync(kernel), null)).equals(kernel)).toBe(true);
  expect(kernelOf(packedAs(zstdCompressSync(kernel), kernel.length)).equals(kernel)).toBe(true);
  const xz = execFileSync("xz", ["--check=crc32", "--stdout"], { input: kernel });
  expect(kernelOf(packedAs(xz, kernel.length)).equals(kernel)).toBe(true);
});

test("lz4: plain bytes, repeats that overlap, long lengths, more than one block", () => {
  const repeat = block([0x4f, ...ELF, 1, 0, 255, 6, 0x10, 0x21]); // "F" 280 times, then one byte
  const kernel = Buffer.concat([ELF, Buffer.alloc(280, 0x46), Buffer.from([0x21])]);
  expect(kernelOf(packedAs(lz4(repeat), kernel.length)).equals(kernel)).toBe(true);
  const twice = lz4(plain(ELF), plain(Buffer.alloc(600, 7)));
  expect(kernelOf(packedAs(twice, 604)).length).toBe(604);
});

test("what is broken is refused, whatever it is", () => {
  const good = packedAs(lz4(plain(Buffer.concat([ELF, Buffer.alloc(300, 1)]))), 304);
  expect(kernelOf(good).length).toBe(304);
  expect(() => kernelOf(Buffer.alloc(10))).toThrow("no kernel of Linux");
  expect(() => kernelOf(packedAs(Buffer.from("none"), 4))).toThrow("packed in an unknown way");
  expect(() => kernelOf(packedAs(gzipSync(Buffer.from("text")), null))).toThrow("no ELF file");
  expect(() => kernelOf(packedAs(lz4(plain(ELF)), 5))).toThrow("not what it promised");
  expect(() => kernelOf(packedAs(lz4(block([0x40, ...ELF, 9, 0])), 4))).toThrow("wrong distance");
  expect(() => kernelOf(packedAs(lz4(Buffer.from([9, 0, 0, 0, 1])), 4))).toThrow("cut off");
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] as number) ^ by;
      try {
        expect(kernelOf(bad).length).toBeLessThan(2 ** 24);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Error);
      }
    }),
    { numRuns: 300 },
  );
});

test("the kernels of this host's images", () => {
  const images = builtImages();
  if (images.length === 0) process.stderr.write("SKIPPED: no image was built\n");
  for (const { kernel, vmlinux } of images.slice(0, 1)) {
    expect(vmlinux).not.toBe(null);
    const unpacked = kernelOf(readFileSync(kernel));
    expect(unpacked.equals(readFileSync(vmlinux as string))).toBe(true);
  }
});
