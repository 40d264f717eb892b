// `coppice sim` through the command line; what it simulates is tested with the simulator.

import { expect, test } from "vitest";
import { cli, inProcess, ownFolder } from "./stage.ts";

ownFolder();

test("a few seeds pass; the count is the last line", async () => {
  const { status, out, err } = await inProcess(["sim", "--seeds", "3"]);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out.trimEnd().split("\n").at(-1)).toBe("3 passed, 0 failed");
});

test("it reads its own arguments, and answers for them", async () => {
  const { status, out, err } = await cli(["sim", "--no-such-option"]);
  expect({ status, out }).toEqual({ status: 2, out: "" });
  expect(err).toMatch(/E_USAGE: .*--no-such-option/);
});

test("its help is its own", async () => {
  const { status, out } = await cli(["sim", "--help"]);
  expect(status).toBe(0);
  expect(out).toContain("--seeds");
  expect((await cli(["help", "sim"])).out).toBe(out);
});
