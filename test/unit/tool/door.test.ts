// A way out of a sandbox of the host's processes: open to its user alone, gone with the call.

import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, expect, test } from "vitest";
import { ConfinedSandbox } from "../../../src/tool/confined-sandbox.ts";
import { openDoor } from "../../../src/tool/door.ts";
import { Outlet } from "../../../src/tool/outlet.ts";
import { callOn, hasImages } from "../../tck/sandbox-host.ts";

const folder = mkdtempSync(join(tmpdir(), "coppice-door-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const outlet = () => new Outlet(["a.example"], 1_000, () => {});
const user = process.getuid?.() === 0 ? { uid: 0x6000_0001, gid: 0x6000_0001 } : null;

test("its folder is closed to others, its socket leads to the proxy, and both go", async () => {
  const own = join(folder, "own");
  const door = await openDoor(own, user, outlet());
  const { mode, uid } = statSync(own);
  expect(mode & 0o777).toBe(0o700);
  expect(uid).toBe(user?.uid ?? process.getuid?.());
  const inside = connect(door.path);
  inside.write("CONNECT b.example:443 HTTP/1.1\r\n\r\n");
  expect(await text(inside)).toMatch(/^HTTP\/1.1 403 b.example:443 is refused/);
  const waits = connect(door.path);
  await once(waits, "connect");
  const ended = once(waits, "close");
  await door.close();
  await ended;
  expect(existsSync(own)).toBe(false);
});

test("where it cannot be opened nothing is left", async () => {
  await expect(openDoor(join(folder, "x".repeat(200)), null, outlet())).rejects.toThrow();
  expect(readdirSync(folder)).toEqual([]);
});

test.skipIf(!hasImages)("and the call has not run", async () => {
  const confine = () => expect.fail("something was started");
  const long = join(folder, "y".repeat(200));
  const box = new ConfinedSandbox({ tier: "process", folder: long, user: () => null, confine });
  const end = await callOn(box, { command: "sh", limits: { network: ["a.example"] } });
  expect(end).toMatchObject({ tag: "failed", tier: null, code: null });
  expect(end).toHaveProperty("why", expect.stringContaining("cannot be opened"));
  await box.close();
});
