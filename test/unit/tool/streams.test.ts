// Connections over the channel of a guest. Whatever a guest says is a stream or a FrameError; an honest
// one loses no byte, however slowly either side reads, and no window is ever passed.

import type { Duplex } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameError } from "../../../src/tool/frames.ts";
import { Streams } from "../../../src/tool/streams.ts";

const WINDOW = 65_536;

function message(kind: string, id: number, bytes: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(5);
  head.write(kind, 0, "latin1");
  head.writeUInt32LE(id, 1);
  return Buffer.concat([head, bytes]);
}
const number = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** A host's end, and what it says. */
function host() {
  const said: Buffer[] = [];
  const opened: Duplex[] = [];
  const streams = new Streams(
    (payload) => said.push(Buffer.from(payload)),
    (stream) => {
      stream.on("error", () => {});
      opened.push(stream);
    },
  );
  const heard = (kind: string) => said.filter((each) => String.fromCharCode(each[0] ?? 0) === kind);
  return { streams, said, opened, heard };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("any messages are streams or a FrameError", async () => {
  const any = fc.oneof(
    fc.uint8Array({ maxLength: 12 }).map((each) => Buffer.from(each)),
    fc
      .tuple(fc.constantFrom(..."odaecx"), fc.integer({ min: 0, max: 5 }), fc.uint8Array())
      .map(([kind, id, bytes]) => message(kind, id, bytes)),
    fc
      .tuple(fc.constantFrom(..."oecd"), fc.integer({ min: 1, max: 3 }))
      .map(([kind, id]) => message(kind, id)),
  );
  const property = fc.asyncProperty(fc.array(any, { maxLength: 30 }), async (messages) => {
    const { streams, opened } = host();
    try {
      for (const each of messages) streams.hear(each);
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(FrameError);
    }
    await settled();
    for (const each of opened) each.destroy();
    await settled();
  });
  await fc.assert(property, { numRuns: 500 });
});

test.each([
  ["nothing", [Buffer.alloc(0)]],
  ["a stream that was not opened", [message("d", 1, Buffer.from("x"))]],
  ["a number out of order", [message("o", 2)]],
  ["the same number again", [message("o", 1), message("o", 1)]],
  ["another kind", [message("o", 1), message("z", 1)]],
  ["more after the end", [message("o", 1), message("e", 1), message("d", 1, Buffer.from("x"))]],
  ["two ends", [message("o", 1), message("e", 1), message("e", 1)]],
  ["more than was sent, taken", [message("o", 1), message("a", 1, number(1))]],
  ["more than the window", [message("o", 1), message("d", 1, Buffer.alloc(WINDOW + 1))]],
  ["too many at a time", Array.from({ length: 33 }, (_, id) => message("o", id + 1))],
])("%s is hostile", (_, messages) => {
  const { streams } = host();
  const say = () => {
    for (const each of messages) streams.hear(each);
  };
  expect(say).toThrow(FrameError);
});

test("who reads nothing gets a window and no more; reading opens it", async () => {
  const { streams, opened, heard } = host();
  streams.hear(message("o", 1));
  let sent = 0;
  const taken = () => heard("a").reduce((sum, each) => sum + each.readUInt32LE(5), 0);
  for (let turn = 0; turn < 50; turn++) {
    const room = WINDOW - (sent - taken());
    if (room > 0) streams.hear(message("d", 1, Buffer.alloc(room)));
    sent += room;
    await settled();
  }
  expect(sent).toBeLessThanOrEqual(3 * WINDOW);
  expect(() => streams.hear(message("d", 1, Buffer.alloc(WINDOW + 1)))).toThrow(FrameError);
  const before = taken();
  opened[0]?.resume();
  await settled();
  await settled();
  expect(taken()).toBeGreaterThan(before);
});

test("what is written waits for the guest", async () => {
  const { streams, opened, heard } = host();
  streams.hear(message("o", 1));
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, at) => at & 255));
  opened[0]?.end(bytes);
  await settled();
  const got = () => Buffer.concat(heard("d").map((each) => each.subarray(5)));
  expect(got()).toHaveLength(WINDOW);
  let acked = 0;
  for (let turn = 0; turn < 100 && got().length < bytes.length; turn++) {
    expect(got().length - acked).toBeLessThanOrEqual(WINDOW);
    const more = Math.min(10_000, got().length - acked);
    acked += more;
    streams.hear(message("a", 1, number(more)));
    await settled();
  }
  expect(got().equals(bytes)).toBe(true);
  await settled();
  expect(heard("e")).toHaveLength(1);
  expect(heard("c")).toHaveLength(0);
});

test("numbers of streams are free again when they are closed, from either side", async () => {
  const { streams, opened, heard } = host();
  for (let id = 1; id <= 200; id++) {
    streams.hear(message("o", id));
    if (id % 2) streams.hear(message("c", id));
    else {
      opened.at(-1)?.destroy();
      await settled();
      // The guest had not heard of it yet.
      streams.hear(message("d", id, Buffer.from("late")));
      streams.hear(message("c", id));
    }
  }
  expect(heard("c")).toHaveLength(100);
});

test("both directions may end by themselves; the guest closes then", async () => {
  const { streams, opened, heard } = host();
  streams.hear(message("o", 1));
  const [stream] = opened;
  streams.hear(message("d", 1, Buffer.from("question")));
  streams.hear(message("e", 1));
  let asked = "";
  for await (const each of stream as Duplex) asked += each;
  expect(asked).toBe("question");
  expect(heard("c").length + heard("e").length).toBeLessThanOrEqual(1);
  streams.hear(message("o", 2));
  opened[1]?.end("answer");
  streams.hear(message("e", 2));
  opened[1]?.resume();
  await settled();
  await settled();
  expect(heard("c").map((each) => each.readUInt32LE(1))).not.toContain(2);
  streams.hear(message("c", 2));
});
