// Lines between threads: what travels, in which order, how much at a time; what cannot travel.

import type { MessagePort } from "node:worker_threads";
import { expect, test } from "vitest";
import { z } from "zod";
import { actor } from "../../../src/actor/actor.ts";
import { app } from "../../../src/actor/app.ts";
import { child, dynamic, supervisor } from "../../../src/actor/spec.ts";
import { memory } from "../../../src/actor/store.ts";
import { tool } from "../../../src/actor/tool.ts";
import { mailOf } from "../../../src/kernel/mailbox.ts";
import type { Envelope, Mail } from "../../../src/kernel/ports.ts";
import { lineEnds } from "../../../src/node/lines.ts";
import { PortTransport } from "../../../src/node/transport.ts";
import { namesOf } from "../../../src/node/wire.ts";

const Clerk = actor("clerk", { state: z.null(), messages: {}, init: () => null, on: {} });
const Stranger = actor("stranger", { state: z.null(), messages: {}, init: () => null, on: {} });
const settings = { input: z.null(), output: z.null(), run: () => null };
const stamp = tool("stamp", settings);
const secret = tool("secret", settings);
const root = supervisor("desk", {}, [
  child("one", Clerk, { tools: [stamp] }),
  dynamic("crowd", {}, Clerk),
]);
const names = namesOf(app({ root, store: memory() }));

/** One end of a line, and what its host was told. */
class End {
  readonly heard: Envelope[] = [];
  readonly refused: { envelope: Envelope; error: Error }[] = [];
  readonly overflowed: Mail[] = [];
  rooms = 0;
  onRefusal = () => {};
  readonly transport = new PortTransport({
    names,
    deliver: (envelope) => this.heard.push(envelope),
    before: () => {},
    after: () => {},
    wake: () => {},
    stir: () => {},
    room: () => this.rooms++,
    refuse: (envelope, error) => {
      this.refused.push({ envelope, error: error as Error });
      this.onRefusal();
    },
    overflow: (mail) => this.overflowed.push(mail),
  });
}

interface Tapped {
  /** What was posted by `a`, in order. */
  readonly posted: unknown[];
  readonly a: End;
  readonly b: End;
}

function pair(): Tapped & AsyncDisposable {
  const [one, two] = lineEnds();
  const [a, b] = [new End(), new End()];
  const posted: unknown[] = [];
  const { port } = one;
  const tapped = Object.create(port, {
    postMessage: {
      value: (message: unknown, transfer?: never[]) => {
        posted.push(typeof message === "object" && !Array.isArray(message) ? "bytes" : message);
        port.postMessage(message, transfer);
      },
    },
    on: { value: (event: string, listener: () => void) => port.on(event, listener) },
    close: { value: () => port.close() },
  }) as MessagePort;
  a.transport.connect(2, { ...one, port: tapped });
  b.transport.connect(1, two);
  return {
    posted,
    a,
    b,
    [Symbol.asyncDispose]: async () => {
      a.transport.close();
      b.transport.close();
    },
  };
}

// (Timers come before ports: after a timer that is late the ports have their turn too.)
const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 5));
const tell = (message: unknown, to = "/desk/one") => mailOf(to, "note", message, "/desk/two", 0);

test("mail, asks, answers and signals arrive as they were, in order", async () => {
  await using line = pair();
  const stored: Mail = { ...tell(5), seq: 7, attempts: 2 };
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  const values = [
    1,
    null,
    undefined,
    "text",
    [1, [2]],
    { a: { b: 1n } },
    new Map([[1, new Date(5)]]),
  ];
  const sent: Envelope[] = [
    ...values.map((each) => tell(each)),
    tell(1, "/desk/three"),
    mailOf("/desk/one", "ask", { n: 1 }, "/desk/two", 12),
    tell(cyclic),
    stored,
    { kind: "reply", to: "/desk/one", ask: 3, answer: { ok: true, value: [new Set([1])] } },
    { kind: "reply", to: "~1", ask: 4, answer: { ok: false, code: "timeout", message: "late" } },
    { kind: "mute", to: "/desk/one", by: "/desk/two" },
    tell("last"),
  ];
  // Together, and one by one.
  for (const each of sent) line.a.transport.send(2, each);
  line.a.transport.flush();
  for (const each of sent) {
    line.a.transport.send(2, each);
    line.a.transport.flush();
  }
  await turn();
  expect(line.b.heard.map(visible)).toEqual([...sent, ...sent].map(visible));
  expect(line.posted[0]).toBe("bytes");
  expect(line.posted.slice(1).filter((each) => each === "bytes")).toHaveLength(3);
});

/** Without what concerns the kernel it is in. */
function visible(envelope: Envelope): unknown {
  if (envelope.kind !== "mail") return envelope;
  const { next: _next, origin: _origin, ...rest } = envelope;
  return rest;
}

test("mail of one sender, receiver and type is one entry", async () => {
  await using line = pair();
  for (let i = 0; i < 5; i++) line.a.transport.send(2, tell(i));
  line.a.transport.send(2, tell(5, "/desk/three"));
  line.a.transport.flush();
  expect(line.posted).toEqual([
    [1, ["/desk/one", "note", "/desk/two", 0, 1, 2, 3, 4], ["/desk/three", "note", "/desk/two", 5]],
  ]);
});

test("many messages of one shape go as columns", async () => {
  await using line = pair();
  const messages = Array.from({ length: 100 }, (_, n) => ({ n, kind: "order" }));
  for (const each of messages) line.a.transport.send(2, tell(each));
  line.a.transport.send(2, tell({ other: 1 }));
  line.a.transport.flush();
  await turn();
  expect(line.posted).toEqual(["bytes"]);
  expect(line.b.heard.map((each) => each.kind === "mail" && each.message)).toEqual([
    ...messages,
    { other: 1 },
  ]);
});

test("what the tree has does not travel, and is the same object there", async () => {
  await using line = pair();
  const [one, crowd] = [root.children[0], root.children[1]];
  if (one === undefined || crowd?.kind !== "supervisor" || crowd.template === null) throw Error();
  const start = {
    kind: "start",
    life: 1,
    incarnation: 1,
    args: undefined,
    parent: "/desk",
  } as const;
  const sent: Envelope[] = [
    { ...start, to: "/desk/one", spec: one },
    { ...start, to: "/desk/crowd/7", spec: crowd.template },
    { ...start, to: "/desk/late", spec: child("late", Clerk, { tools: [stamp] }) },
  ];
  for (const each of sent) line.a.transport.send(2, each);
  line.a.transport.flush();
  await turn();
  const specs = line.b.heard.map((each) => (each.kind === "start" ? each.spec : null));
  expect(specs[0]).toBe(one);
  expect(specs[1]).toBe(crowd.template);
  expect(specs[2]).toMatchObject({ id: "late", behaviour: Clerk, tools: [stamp] });
});

test("E_SPEC_CHILD: a behaviour or tool that the app cannot name does not travel", async () => {
  await using line = pair();
  const start = {
    kind: "start",
    life: 1,
    incarnation: 1,
    args: undefined,
    parent: "/desk",
  } as const;
  line.a.transport.send(2, tell(1));
  for (const spec of [child("x", Stranger), child("y", Clerk, { tools: [secret] })]) {
    line.a.transport.send(2, { ...start, to: `/desk/${spec.id}`, spec });
  }
  line.a.transport.send(2, tell(2));
  line.a.transport.flush();
  await turn();
  expect(
    line.a.refused.map(({ error }) => [(error as never as { code: string }).code, error.message]),
  ).toEqual([
    ["E_SPEC_CHILD", "the app knows no behaviour stranger"],
    ["E_SPEC_CHILD", "the app knows no tool secret"],
  ]);
  expect(line.b.heard.map((each) => each.kind === "mail" && each.message)).toEqual([1, 2]);
});

test("a value that is no data spoils its own message only", async () => {
  await using line = pair();
  const bad = tell({ f: () => {} });
  for (const each of [tell(1), bad, tell(2)]) line.a.transport.send(2, each);
  line.a.transport.flush();
  await turn();
  expect(line.a.refused.map(({ envelope }) => envelope)).toEqual([bad]);
  expect(line.b.heard.map((each) => each.kind === "mail" && each.message)).toEqual([1, 2]);
});

test("what a refusal sends itself stays behind the batch it belongs to", async () => {
  await using line = pair();
  line.a.onRefusal = () => {
    for (let i = 0; i < 2_000; i++) line.a.transport.send(2, tell("answer"));
  };
  for (const each of [tell(Symbol("bad")), tell(1), tell(2)]) line.a.transport.send(2, each);
  line.a.transport.flush();
  await turn();
  const heard = line.b.heard.map((each) => each.kind === "mail" && each.message);
  expect(heard).toEqual([1, 2, ...Array(2_000).fill("answer")]);
});

test("a bounded number is under way; senders hear when to rest and when to go on", async () => {
  await using line = pair();
  let full = 0;
  const count = 50_000;
  for (let i = 0; i < count; i++) if (!line.a.transport.send(2, tell(i))) full++;
  line.a.transport.flush();
  // Nothing has been confirmed yet: 4 batches are under way, all else waits.
  expect(line.posted).toHaveLength(4);
  expect(full).toBe(count - 4 * 1_024 - 2 * 1_024 + 1);
  expect(line.a.rooms).toBe(0);
  await expect.poll(() => line.b.heard.length).toBe(count);
  expect(line.b.heard.every((each, at) => each.kind === "mail" && each.message === at)).toBe(true);
  expect(line.a.rooms).toBe(1);
});

test("what comes in one turn of the event loop is confirmed up to a bound, the rest later", async () => {
  await using line = pair();
  const confirmed: unknown[] = [];
  let take = (_: unknown) => {};
  const port = {
    postMessage: (message: unknown) => confirmed.push(message),
    on: (_: string, listener: typeof take) => {
      take = listener;
    },
    close() {},
  } as unknown as MessagePort;
  const parcels: unknown[] = [];
  const [one, two] = lineEnds();
  line.a.transport.connect(3, one);
  line.b.transport.connect(3, { ...two, port });
  two.port.on("message", (parcel) => {
    parcels.push(parcel);
    two.port.postMessage(1_024);
  });
  for (let i = 0; i < 18 * 1_024; i++) line.a.transport.send(3, tell(i));
  await expect.poll(() => parcels.length).toBe(18);
  for (const each of parcels) take(each);
  expect(line.b.heard).toHaveLength(18 * 1_024);
  expect(confirmed).toEqual(Array(16).fill(1_024));
  await turn();
  expect(confirmed.slice(16)).toEqual([2 * 1_024]);
});

test("mail waits for a thread that is not there yet; at its loss what was under way is gone", async () => {
  const [one, two] = lineEnds();
  const [a, b] = [new End(), new End()];
  a.transport.send(2, tell("lost"));
  a.transport.disconnect(2);
  a.transport.send(2, tell("kept"));
  a.transport.flush();
  a.transport.connect(2, one);
  b.transport.connect(1, two);
  a.transport.flush();
  await turn();
  expect(b.heard.map((each) => each.kind === "mail" && each.message)).toEqual(["kept"]);
  a.transport.close();
  b.transport.close();
});

test("more than a million waiting messages are refused", () => {
  const a = new End();
  for (let i = 0; i < 1_000_003; i++) a.transport.send(2, tell(i));
  expect(a.overflowed.map(({ message }) => message)).toEqual([1_000_000, 1_000_001, 1_000_002]);
});

test("what has been posted and not been taken is seen at once, also a confirmation", async () => {
  await using line = pair();
  const { a, b } = line;
  expect([a.transport.awaited(), b.transport.awaited()]).toEqual([false, false]);
  for (let i = 0; i < 1_024; i++) a.transport.send(2, tell(i));
  a.transport.send(2, tell("more"));
  expect(b.transport.awaited()).toBe(true);
  a.transport.flush();
  await turn();
  expect(b.heard).toHaveLength(1_025);
  expect([a.transport.awaited(), b.transport.awaited()]).toEqual([false, false]);
  // Both batches were taken; what confirmed them was seen under way by nobody, and has arrived.
  b.transport.send(1, tell("back"));
  b.transport.flush();
  expect([a.transport.awaited(), b.transport.awaited()]).toEqual([true, false]);
  // Nothing of a line that is gone is awaited.
  a.transport.disconnect(2);
  expect(a.transport.awaited()).toBe(false);
});
