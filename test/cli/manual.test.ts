// The manuals beside the program: no code, command or option that it has and they do not, and none
// that only they have.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ERROR_CODES } from "../../src/actor/errors.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { checkNode } from "../../src/cli/dispatch.ts";
import { root } from "./stage.ts";

const read = (name: string) => readFileSync(join(root, "docs", name), "utf8");

test("docs/ERRORS.md has one full row for each code, in the table's order", () => {
  const rows = read("ERRORS.md")
    .split("\n")
    .flatMap((line) => {
      const [, code, meaning = "", remedy = ""] = line.split("|").map((cell) => cell.trim());
      const name = /^`(\w+)`$/.exec(code ?? "")?.[1];
      return name === undefined ? [] : [{ name, meaning, remedy }];
    });
  expect(rows.map((each) => each.name)).toEqual(Object.keys(ERROR_CODES));
  for (const { meaning, remedy } of rows) {
    expect(meaning.length).toBeGreaterThan(10);
    expect(remedy.length).toBeGreaterThan(10);
  }
});

test("docs/CLI.md shows each command, each option, and an example of each", () => {
  const text = read("CLI.md");
  for (const { name, options } of COMMANDS) {
    expect(text).toMatch(new RegExp(`^\\$ (npx )?coppice ${name}\\b`, "m"));
    for (const option of Object.keys(options)) expect(text).toContain(`--${option}`);
  }
});

test("docs/CLI.md knows no command or option that does not exist", () => {
  const text = read("CLI.md");
  const names = new Set([...COMMANDS.map((each) => each.name), "help", "--version", "--help"]);
  for (const [, name] of text.matchAll(/^\$ (?:npx )?coppice (\S+)/gm)) {
    expect(names).toContain(name);
  }
  for (const { name, options, raw } of COMMANDS) {
    if (raw) continue;
    const lines = text.matchAll(new RegExp(`^\\$ (?:npx )?coppice ${name}\\b([^|\\n]*)`, "gm"));
    for (const [, rest = ""] of lines) {
      for (const [, option] of rest.matchAll(/--(\w+)/g)) {
        expect(Object.keys(options)).toContain(option);
      }
    }
  }
});

test("a Node.js too old is E_NODE_VERSION", () => {
  checkNode("24.0.0");
  checkNode("100.1.0");
  expect(() => checkNode("22.19.0")).toThrow(expect.objectContaining({ code: "E_NODE_VERSION" }));
});
