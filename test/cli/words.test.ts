// Small things the commands are made of: numbers and times as words, the nearest word, help.

import { describe, expect, test, vi } from "vitest";
import { nearest } from "../../src/actor/names.ts";
import { readArguments } from "../../src/cli/arguments.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { cutTo, textWidth } from "../../src/cli/terminal.ts";
import { age, grouped, lasting, short, span } from "../../src/cli/words.ts";
import { printable } from "../../src/observe/inspect.ts";
import { cli } from "./stage.ts";

test.each([
  [0, "0", "0"],
  [999, "999", "999"],
  [1_000, "1.0k", "1,000"],
  [9_949, "9.9k", "9,949"],
  [12_345, "12k", "12,345"],
  [999_499, "999k", "999,499"],
  [999_500, "1.0M", "999,500"],
  [1_234_567_890, "1.2G", "1,234,567,890"],
])("%i is %s, or %s", (count, expected, withCommas) => {
  expect(short(count)).toBe(expected);
  expect(grouped(count)).toBe(withCommas);
});

test.each([
  [0, "0ms"],
  [999, "999ms"],
  [23_416, "23.4s"],
  [3_000_000, "50m"],
  [5_400_000, "1.5h"],
])("%i ms lasts %s", (ms, words) => {
  expect(lasting(ms)).toBe(words);
});

test.each([
  [0, "0ms", "0ms"],
  [250, "250ms", "250ms"],
  [1_500, "1500ms", "1s"],
  [5_000, "5s", "5s"],
  [90_000, "90s", "1m"],
  [7_200_000, "2h", "2h"],
  [172_800_000, "2d", "2d"],
  [-5, "-5ms", "0ms"],
])("%i ms is %s as a setting, %s ago", (ms, setting, ago) => {
  expect(span(ms)).toBe(setting);
  expect(age(ms)).toBe(ago);
});

test.each([
  ["tre", "tree"],
  ["tere", "tree"],
  ["dcotor", "doctor"],
  ["conf", "conformance"],
  ["STOP", "stop"],
  ["frobnicate", undefined],
  ["x", undefined],
  ["", undefined],
  ["a".repeat(10_000), undefined],
])("for %s, %s was meant", (typed, meant) => {
  const names = COMMANDS.map((each) => each.name);
  expect(nearest(typed, names)).toBe(meant);
});

test("widths on a terminal", () => {
  expect([textWidth("abc"), textWidth("日本"), textWidth("e\u0301"), textWidth("🌳")]).toEqual([
    3, 4, 1, 2,
  ]);
  expect(cutTo("abcdef", 4)).toBe("abc…");
  expect(cutTo("日本語", 4)).toBe("日…");
  expect(cutTo("abc", 0)).toBe("");
});

test("printable keeps every language and escapes every control", () => {
  expect(printable("Grüße, 世界 🌳 \\u001b")).toBe("Grüße, 世界 🌳 \\u001b");
  for (let code = 0; code < 0xa0; code++) {
    const isControl = code < 0x20 || code >= 0x7f;
    expect(printable(String.fromCharCode(code)).startsWith("\\") || !isControl).toBe(true);
  }
});

describe("every command", () => {
  const commands = COMMANDS.filter((each) => !each.raw);

  test.each(commands.map((each) => [each.name, each] as const))("%s", async (name, command) => {
    const help = await cli([name, "--help"]);
    expect(help).toMatchObject({ status: 0, err: "" });
    expect(help.out).toMatch(new RegExp(`^Usage: coppice ${name}`));
    expect((await cli(["help", name])).out).toBe(help.out);
    expect((await cli([name, "-h"])).out).toBe(help.out);
    for (const option of Object.keys(command.options)) expect(help.out).toContain(`--${option}`);
    expect(Object.keys(command.options)).toEqual(expect.arrayContaining(["json", "help", "stack"]));
    for (const line of help.out.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  });

  test.each(commands.map((each) => [each.name, each] as const))(
    "%s refuses what every object has",
    (_name, command) => {
      for (const name of ["constructor", "__proto__", "toString"]) {
        const read = () => readArguments(command, [`--${name}`]);
        expect(read).toThrow(expect.objectContaining({ code: "E_USAGE" }));
      }
    },
  );
});

test("doctor says what is there", async () => {
  const { status, out } = await cli(["doctor"]);
  expect(status).toBe(0);
  expect(out).toContain(process.versions.node);
  expect(out).toContain("/dev/kvm");
  const report = JSON.parse((await cli(["doctor", "--json"])).out);
  expect(report).toMatchObject({
    node: process.versions.node,
    nodeFits: true,
    sqlite: process.versions.sqlite,
    threads: expect.any(Number),
    kvm: expect.stringMatching(/^(usable|no permission|absent)$/),
    preemption: "abort",
    nodes: expect.any(Array),
  });
  vi.stubEnv("COPPICE_PREEMPT", "replace");
  expect((await cli(["doctor"])).out).toContain("a handler that hangs costs its thread");
  vi.unstubAllEnvs();
});
