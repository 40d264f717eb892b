// A node that is killed between what ends a durable child for good and the answer to who wanted that:
// in its next life the child is there whole, or gone whole, and gone if that was answered.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CrashPoint } from "../../src/store/crash-point.ts";
import { type RedisServer, startRedis, whyNoRedis } from "../redis/server.ts";
import { Child } from "./child.ts";
import type { Whose } from "./leaving.ts";
import type { FromHotel } from "./leaving-node.ts";

let base: string;
let folder: string;
let server: RedisServer | null = null;
let lives: Child<FromHotel>[] = [];

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "coppice-leaving-"));
  folder = base;
});
afterEach(async () => {
  await Promise.all(lives.map((life) => life.kill()));
  lives = [];
  await server?.end();
  server = null;
  rmSync(base, { recursive: true, force: true });
});

async function boot(point: CrashPoint | null): Promise<Child<FromHotel>> {
  const life = new Child<FromHotel>("leaving-node.ts", [folder], {
    COPPICE_KILL_BOOT: String(lives.length + 1),
    ...(server && { COPPICE_KILL_REDIS: server.url }),
    ...(point && { COPPICE_CRASH_AT: `${point}:1` }),
  });
  lives.push(life);
  await life.next("up");
  return life;
}

const WHOLE = ["one", "two first", "three"];
/** In flight and in the mailbox went with it: nothing of that is in the next of its name. */
const NONE: string[] = [];

/** What the next life has of a guest that was ended for good while the node was to die there. */
async function left(whose: Whose, point: CrashPoint | null) {
  const first = await boot(point);
  await first.ask({ settle: whose }, "settled");
  const ended = first.ask({ end: whose }, "ended").then(
    () => true,
    () => false,
  );
  if (point === null) expect(await ended).toBe(true);
  else {
    await first.exited;
    expect([first.process.signalCode, await ended]).toEqual(["SIGKILL", false]);
  }
  await first.kill();
  const next = await boot(null);
  if (whose === "static") return (await next.ask({ find: whose }, "found")).notes;
  const { notes } = await next.ask({ find: whose }, "found");
  if (notes !== null) return notes;
  // Nothing waits for the next of its name either.
  await next.ask({ settle: whose }, "settled");
  return [null, (await next.ask({ find: whose }, "found")).notes];
}

const ANEW = [null, ["one", "two again", "three"]];

for (const store of ["sqlite", "redis"] as const) {
  const isMissing = store === "redis" && (await whyNoRedis()) !== null;
  for (const [point, dynamic, static_] of [
    ["forget:asked", WHOLE, WHOLE],
    ["forget:done", ANEW, NONE],
    [null, ANEW, NONE],
  ] as const) {
    test.skipIf(isMissing)(
      `killed at ${point ?? "the answer"}, ${store}`,
      async () => {
        if (store === "redis") server = await startRedis();
        expect(await left("dynamic", point)).toEqual(dynamic);
        if (store === "redis") return;
        await Promise.all(lives.map((life) => life.kill()));
        lives = [];
        folder = join(base, "static");
        // (The tree has it: it starts anew.)
        expect(await left("static", point)).toEqual(static_);
      },
      400_000,
    );
  }
}
