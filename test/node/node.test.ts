/** The real node: threads, the real store, crashes of actors and threads, bad input. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ActorError, dynamicRef, ref, type StartOptions, type System, start } from "coppice";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Counter } from "./fixtures/desk.ts";

const fixture = (name: string) => new URL(`./fixtures/${name}.ts`, import.meta.url);
const kept = ref("/desk/kept", Counter);
const kept2 = ref("/desk/kept2", Counter);
const plain = ref("/desk/plain", Counter);
const crowd = dynamicRef("/desk/crowd", Counter);

let data: string;
let system: System | null = null;

async function boot(options: StartOptions = {}): Promise<System> {
  system = await start(fixture("desk"), { threads: 2, data, log: "silent", ...options });
  return system;
}

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "coppice-test-"));
});

afterEach(async () => {
  await system?.stop();
  system = null;
  rmSync(data, { recursive: true, force: true });
});

async function failure(promise: Promise<unknown>): Promise<ActorError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ActorError);
  return error as ActorError;
}

describe("a running node", () => {
  test("tells, asks and asks between threads", async () => {
    const node = await boot();
    node.tell(kept, "add", { by: 40 });
    node.tell(plain, "add", { by: 2 });
    expect(await node.ask(kept, "read", {})).toBe(40);
    expect(await node.ask(plain, "readOther", { path: "/desk/kept" })).toBe(40);
    node.tell(kept, "send", { path: "/desk/kept2", by: 7 });
    await expect.poll(() => node.ask(kept2, "read", {})).toBe(7);
    expect((await failure(node.ask(plain, "silent", {}))).code).toBe("no_reply");
    expect((await failure(node.ask(plain, "slow", { ms: 500 }, { timeout: 20 }))).code).toBe(
      "timeout",
    );
  });

  test("keeps values that JSON cannot, between threads and through the store", async () => {
    const node = await boot();
    const value = new Map([["a", 1]]);
    node.tell(kept, "odd", { value });
    node.tell(plain, "odd", { value });
    expect(await node.ask(kept, "read", {})).toBe(1);
    expect(await node.ask(plain, "read", {})).toBe(1);
  });

  test("a durable actor crashes, keeps its state, and drops the bad message in the end", async () => {
    const reasons: string[] = [];
    const node = await boot({
      onEvent: (event) => {
        if (event.type === "dead_letter") reasons.push(event.reason);
      },
    });
    node.tell(kept, "add", { by: 5 });
    node.tell(kept, "boom", {});
    node.tell(kept, "add", { by: 1 });
    expect(await node.ask(kept, "read", {})).toBe(6);
    await expect.poll(() => reasons).toEqual(["max_deliveries"]);
    const view = await node.inspect.show("/desk/kept");
    expect(view.incarnation).toBe(3);
    expect(view.lastExit?.reason).toMatchObject({ tag: "error", message: "boom" });
  });

  test("a plain actor loses its state with its crash, and its asker is told", async () => {
    const node = await boot();
    node.tell(plain, "add", { by: 5 });
    expect(await node.ask(plain, "read", {})).toBe(5);
    node.tell(plain, "boom", {});
    await expect.poll(() => node.ask(plain, "read", {}).catch(() => -1)).toBe(0);
  });

  test("lost threads: every actor comes back, durable ones with state and mail", async () => {
    const node = await boot();
    const child = await node.start(crowd, { id: "one", args: undefined });
    node.tell(child, "add", { by: 3 });
    node.tell(kept, "add", { by: 5 });
    expect(await node.ask(child, "read", {})).toBe(3);
    expect(await node.ask(kept, "read", {})).toBe(5);
    for (const thread of [1, 2, 1]) {
      await node.crashThread(thread);
      node.tell(child, "add", { by: 1 });
      node.tell(kept, "add", { by: 1 });
      await expect
        .poll(() => Promise.all([node.ask(child, "read", {}), node.ask(kept, "read", {})]))
        .toEqual([expect.any(Number), expect.any(Number)]);
    }
    const rows = (await node.inspect.tree()).processes;
    expect(rows.map((each) => each.path)).toContain("/desk/crowd/one");
    expect(rows.every((each) => each.status !== "restarting")).toBe(true);
    expect(await node.ask(plain, "read", {})).toBe(0);
  });

  test("stop and start again: durable actors and dynamic children go on", async () => {
    let node = await boot();
    const child = await node.start(crowd, { id: "one", args: undefined });
    node.tell(child, "add", { by: 3 });
    node.tell(kept, "add", { by: 5 });
    expect(await node.ask(child, "read", {})).toBe(3);
    await node.stop();
    node = await boot();
    expect(await node.ask(kept, "read", {})).toBe(5);
    expect(await node.ask(child, "read", {})).toBe(3);
    node.tell(child, "exit", {});
    const gone = async () => (await node.inspect.tree()).processes.map((each) => each.path);
    await expect.poll(gone).not.toContain("/desk/crowd/one");
    await node.stop();
    node = await boot();
    expect(await gone()).not.toContain("/desk/crowd/one");
  });
});

describe("acting on it", () => {
  test("suspend, resume, kill, restart, stop", async () => {
    const node = await boot();
    await node.inspect.act("suspend", "/desk/kept");
    node.tell(kept, "add", { by: 1 });
    const status = async () => (await node.inspect.show("/desk/kept")).status;
    await expect.poll(status).toBe("suspended");
    expect((await failure(node.ask(kept, "read", {}, { timeout: 50 }))).code).toBe("timeout");
    await node.inspect.act("resume", "/desk/kept");
    expect(await node.ask(kept, "read", {})).toBe(1);
    await node.inspect.act("kill", "/desk/kept");
    await expect.poll(async () => (await node.inspect.show("/desk/kept")).incarnation).toBe(2);
    await node.inspect.act("restart", "/desk/kept");
    expect((await node.inspect.show("/desk/kept")).incarnation).toBe(3);
    await node.inspect.act("stop", "/desk/kept");
    expect(await status()).toBe("undefined");
    expect((await failure(node.inspect.show("/desk/nobody"))).code).toBe("E_PATH_UNKNOWN");
    expect(await node.getState(plain)).toEqual({ count: 0 });
  });
});

describe("bad input", () => {
  test.each([
    ["no-default", "E_APP_DEFAULT"],
    ["throws", "E_APP_LOAD"],
    ["not-there", "E_APP_FILE"],
    ["needs-vm", "E_SANDBOX_MISSING"],
    ["broken-start", "E_START_FAILED"],
  ])("%s ends in %s", async (name, code) => {
    const error = await failure(start(fixture(name), { threads: 1, data, log: "silent" }));
    expect(error.code).toBe(code);
    expect(error.fix).toBeTruthy();
    if (name === "broken-start") expect(error.message).toContain("no key in the environment");
  });

  test("a second node on the same data is refused and harms nothing", async () => {
    const node = await boot();
    const error = await failure(start(fixture("desk"), { data, log: "silent" }));
    expect(error.code).toBe("E_NODE_RUNNING");
    expect(await node.ask(plain, "read", {})).toBe(0);
  });

  test("unknown types, wrong messages and wrong args throw at the call", async () => {
    const node = await boot();
    const send = (type: string, message: unknown) => () =>
      node.tell(plain, type as "add", message as { by: number });
    expect(send("nope", {})).toThrow(expect.objectContaining({ code: "E_MESSAGE_TYPE" }));
    expect(send("add", { by: "1" })).toThrow(expect.objectContaining({ code: "E_MESSAGE_SCHEMA" }));
    const none = expect.objectContaining({ code: "E_SPEC_SETTING" });
    const stord = { stord: true } as object;
    expect(() => node.tell(plain, "add", { by: 1 }, stord)).toThrow(none);
    expect(() => node.ask(plain, "read", {}, { timout: "1s" } as object)).toThrow(none);
    const named = node.start(crowd, { name: "x", args: undefined } as never);
    expect((await failure(named)).code).toBe("E_SPEC_SETTING");
    const started = node.start(crowd, { id: "x", args: 1 as never });
    expect((await failure(started)).code).toBe("E_ARGS_SCHEMA");
    await node.start(crowd, { id: "x", args: undefined });
    expect((await failure(node.start(crowd, { id: "x", args: undefined }))).code).toBe("refused");
    const nobody = node.ask({ ...plain, path: "/desk/nobody" }, "read", {});
    expect((await failure(nobody)).code).toBe("no_actor");
  });
});

test("who asks a system that has ended, or is ending, is told", async () => {
  const ended = await boot();
  const open = failure(ended.ask(plain, "silent", {}, { timeout: "1h" }));
  await ended.stop();
  // The end of the tree may overtake it on its way to the other thread.
  expect(["exited", "no_reply", "no_actor"]).toContain((await open).code);
  expect(await failure(ended.admin("/desk", { op: "count_children" }))).toMatchObject({
    code: "exited",
    reason: { tag: "shutdown" },
  });
  expect((await failure(ended.getState(kept))).code).toBe("exited");
});
