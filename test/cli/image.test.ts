// `coppice image`: which images lie there, whose they are, and removing none that is in use.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { Calls } from "../../src/tool/calls.ts";
import { descriptionOf, findImage, guestVersion } from "../../src/tool/image.ts";
import { draftName, useFolder } from "../../src/tool/image-store.ts";
import { LIMITS } from "../tck/sandbox-host.ts";
import { cli, errorOf, ownFolder } from "./stage.ts";

const own = ownFolder();
let home: string;
beforeEach(() => {
  home = join(own.path, "images");
  mkdirSync(home);
  // Never taken back: what a failed test leaves undone must not find the host's own images.
  process.env.COPPICE_IMAGES = home;
});

const keyOf = (letter: string) => letter.repeat(24);
const description = (version: string) => `sh${version && `.${version}`}.json`;
const OLD = "0".repeat(12);

/** @param version undefined: nothing describes it; empty: as it was written before versions */
function place(letter: string, version?: string): string {
  const name = `sh-${keyOf(letter)}`;
  mkdirSync(join(home, name));
  const disk = join(home, name, "disk");
  writeFileSync(disk, Buffer.alloc(2 ** 20, 1));
  if (version !== undefined) {
    writeFileSync(join(home, description(version)), JSON.stringify({ key: keyOf(letter), disk }));
  }
  return name;
}

/** A call of the shell: what a tier without images answers. */
async function call(): Promise<unknown> {
  const calls = new Calls("process", () => null);
  const request = { key: "k", tool: "t", command: "sh", args: [], files: [] };
  const { signal } = new AbortController();
  const stdin = new Uint8Array();
  return calls.run(
    { ...request, stdin },
    LIMITS,
    signal,
    () => {},
    async ({ image }) => {
      throw new Error(image.key);
    },
  );
}

const image = async (...args: string[]) =>
  JSON.parse((await cli(["image", ...args, "--json"])).out);
const refusal = async (...args: string[]) => errorOf(await cli(["image", ...args, "--json"]));
const there = (name: string) => existsSync(join(home, name));

test("two versions beside each other find each its own; an older image alone is told", async () => {
  expect(await call()).toMatchObject({
    tag: "failed",
    why: "there is no guest image with sh; run: coppice image build sh",
  });
  place("a", OLD);
  place("b", "");
  expect(findImage("sh")).toBeNull();
  expect(await call()).toMatchObject({
    tag: "failed",
    why: "the guest image with sh was built for another version of Coppice; run: coppice image build sh",
  });
  place("c", guestVersion());
  expect(descriptionOf("sh")).toBe(join(home, description(guestVersion())));
  expect(await call()).toMatchObject({ tag: "unknown", why: expect.stringContaining(keyOf("c")) });
});

test("a list says sizes, versions and users", async () => {
  const [ours, old, lost] = [place("a", guestVersion()), place("b", OLD), place("c")];
  const uses = useFolder(ours);
  const listed = await image("list");
  expect(listed.map((each: { name: string; state: string }) => [each.name, each.state])).toEqual([
    [ours, "ready"],
    [old, "other"],
    [lost, "unnamed"],
  ]);
  expect(listed[0].bytes).toBeGreaterThanOrEqual(2 ** 20);
  const { out } = await cli(["image", "list"]);
  expect(out).toMatch(new RegExp(`${ours} +1 MB +ready +in use by ${process.pid}`));
  expect(out).toMatch(/3 images, 3 MB/);
  uses.end();
  expect((await image("list"))[0].users).toEqual([]);
});

test("what is in use is not removed; the rest of the command is not done either", async () => {
  const [a, b] = [place("a", guestVersion()), place("b", OLD)];
  const uses = useFolder(a);
  const refused = await refusal("remove", "sh");
  expect(refused).toMatchObject({ code: "E_IMAGE" });
  expect(refused.message).toContain(`in use by process ${process.pid}`);
  expect(there(a) && there(b)).toBe(true);
  uses.end();
  await image("remove", b);
  expect([there(a), there(b), there(description(OLD))]).toEqual([true, false, false]);
  await image("remove", "sh");
  expect(findImage("sh")).toBeNull();
  expect(await refusal("remove", "sh")).toMatchObject({ code: "E_IMAGE" });
});

test("prune removes what no version finds, and what dead processes left", async () => {
  const [ours, old, lost, used] = [
    ...[place("a", guestVersion()), place("b", OLD), place("c"), place("d")],
  ] as [string, string, string, string];
  const uses = useFolder(used);
  const dead = spawn("true");
  await new Promise((resolve) => dead.once("close", resolve));
  mkdirSync(join(home, `draft-${dead.pid}-abcdef`));
  mkdirSync(join(home, `${draftName()}abcdef`));
  mkdirSync(join(home, "run", `${dead.pid}-x`), { recursive: true });
  mkdirSync(join(home, "run", `${process.pid}-x`));
  mkdirSync(join(home, "uses"), { recursive: true });
  writeFileSync(join(home, "uses", `${dead.pid}-${lost}`), "");
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  const verdicts = [boot, boot.replaceAll(/[0-9]/g, "e")].map(
    (each) => `kvm-${each}-${keyOf("a")}.json`,
  ) as [string, string];
  for (const each of verdicts) writeFileSync(join(home, each), "null");
  const removed = await image("prune");
  expect(removed.map((each: { name: string }) => each.name).sort()).toEqual(
    [lost, `draft-${dead.pid}-abcdef`, verdicts[1], `run/${dead.pid}-x`].sort(),
  );
  for (const each of [ours, old, used, `${draftName()}abcdef`, verdicts[0]]) {
    expect(there(each)).toBe(true);
  }
  expect(there(`run/${process.pid}-x`)).toBe(true);
  await image("prune", "--others");
  expect([there(ours), there(old), there(used)]).toEqual([true, false, true]);
  uses.end();
  expect((await cli(["image", "prune"])).out).toContain(`removed ${used}`);
  expect((await cli(["image", "prune"])).out).toBe("nothing to remove\n");
});

test("a wrong word is told with the right ones", async () => {
  for (const [words, told] of [
    [["lst"], "did you mean list"],
    [["build", "ruby"], "image build"],
    [["remove"], "a name of coppice image list"],
    [["prune", "sh"], "image prune"],
    [["list", "sh"], "image list"],
    [["list", "--others"], "belongs to prune"],
  ] as const) {
    const error = await refusal(...words);
    expect(error).toMatchObject({ code: "E_USAGE" });
    expect(error.fix).toContain(told);
  }
});
