// What comes from a guest is hostile: any bytes at all give frames or a FrameError, never more memory
// than one frame, never another exception.

import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeExit,
  encodeFrame,
  FRAME_MAX,
  FrameError,
  FrameReader,
} from "../../../src/tool/frames.ts";

function frame(type: string, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(payload.length, 0);
  head.write(type, 4, "latin1");
  head.writeUInt32LE(crc32(payload, crc32(type)), 5);
  return Buffer.concat([head, payload]);
}

const types = fc.constantFrom(..."YwpOELNinX");
const honest = fc.array(fc.tuple(types, fc.uint8Array({ maxLength: 300 })), { maxLength: 20 });

test("frames arrive whole however they are cut", () => {
  const property = fc.property(
    honest,
    fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
    (said, cuts) => {
      const bytes = Buffer.concat(said.map(([type, payload]) => frame(type, payload)));
      const reader = new FrameReader();
      const heard = [];
      for (let at = 0; at < bytes.length; ) {
        const length = cuts.next().value as number;
        heard.push(...reader.push(bytes.subarray(at, at + length)));
        at += length;
      }
      expect(heard.map(({ type, payload }) => [type, [...payload]])).toEqual(
        said.map(([type, payload]) => [type, [...payload]]),
      );
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test("any bytes give frames or a FrameError", () => {
  const property = fc.property(
    fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 30 }),
    (chunks) => {
      const reader = new FrameReader();
      try {
        for (const chunk of chunks) reader.push(Buffer.from(chunk));
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(FrameError);
      }
    },
  );
  fc.assert(property, { numRuns: 1_000 });
});

test("one changed bit is noticed", () => {
  const payload = fc.uint8Array({ minLength: 1, maxLength: 100 });
  const property = fc.property(types, payload, fc.nat(), (type, bytes, at) => {
    const whole = frame(type, bytes);
    const bit = at % (whole.length * 8);
    whole[bit >> 3] = (whole[bit >> 3] as number) ^ (1 << (bit & 7));
    const reader = new FrameReader();
    let heard: unknown[] = [];
    try {
      heard = reader.push(whole);
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(FrameError);
    }
    expect(heard).toEqual([]);
  });
  fc.assert(property, { numRuns: 500 });
});

test("a length that lies is refused by its head alone", () => {
  for (const length of [FRAME_MAX + 1, 2 ** 31, 2 ** 32 - 1]) {
    const head = Buffer.alloc(9);
    head.writeUInt32LE(length, 0);
    head.write("O", 4);
    expect(() => new FrameReader().push(head)).toThrow(FrameError);
  }
  expect(() => new FrameReader().push(frame("R", Buffer.alloc(0)))).toThrow(FrameError);
});

test("what the host sends is what the guest reads", () => {
  expect(encodeFrame("R", Buffer.from("x")).equals(frame("R", Buffer.from("x")))).toBe(true);
});

describe("an exit", () => {
  const good = { code: 0, signal: 0, oom: 0, full: 0, peak: 7 };
  const read = (value: unknown) => decodeExit(Buffer.from(JSON.stringify(value)));

  test("is read", () => {
    expect(read(good)).toEqual({ code: 0, signal: 0, oom: 0, full: 0, memoryBytes: 7 });
    expect(read({ ...good, code: -1, signal: 9 })).toMatchObject({ code: null, signal: 9 });
  });

  test("that cannot be is refused", () => {
    const odd = [
      null,
      [],
      {},
      "x",
      { ...good, code: 256 },
      { ...good, signal: 9 },
      { ...good, code: -1 },
    ];
    const more = [
      { ...good, peak: -5 },
      { ...good, peak: 1.5 },
      { ...good, oom: "1" },
    ];
    for (const value of [...odd, ...more]) expect(() => read(value)).toThrow(FrameError);
    const property = fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        decodeExit(Buffer.from(bytes));
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(FrameError);
      }
    });
    fc.assert(property);
  });
});
