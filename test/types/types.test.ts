// What must not compile does not, line by line. That negative.ts has an error below each directive
// is checked by `npm run typecheck`; here the directives go, and each of those lines must have an
// error that stands in it, so that one broken line cannot speak for its neighbours.
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const DIRECTIVE = "// @ts-expect-error ";
const source = readFileSync(join(import.meta.dirname, "negative.ts"), "utf8");
// Names with a dot are no part of the repository's own project.
const bare = join(import.meta.dirname, `.negative-${process.pid}.ts`);
const project = join(import.meta.dirname, `.tsconfig-${process.pid}.json`);

afterAll(() => {
  rmSync(bare, { force: true });
  rmSync(project, { force: true });
});

/** The line below each directive, with what the directive says. */
function cases(): Map<number, string> {
  const found = new Map<number, string>();
  for (const [index, line] of source.split("\n").entries()) {
    // Lines count from 1, and the case is the next one.
    if (line.includes(DIRECTIVE)) found.set(index + 2, line.slice(line.indexOf(DIRECTIVE) + 20));
  }
  return found;
}

/** Errors of TypeScript in a file that belongs to no other project, by line. */
function errorsOf(text: string): Map<number, string> {
  writeFileSync(bare, text);
  const files = [bare];
  writeFileSync(project, JSON.stringify({ extends: join(root, "tsconfig.json"), include: files }));
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const { stdout } = spawnSync(process.execPath, [
    tsc,
    "--noEmit",
    "-p",
    project,
    "--pretty",
    "false",
  ]);
  const errors = new Map<number, string>();
  for (const line of stdout.toString().split("\n")) {
    const match = /negative-\d+\.ts\((\d+),\d+\): error (.*)/.exec(line);
    if (match) errors.set(Number(match[1]), match[2] as string);
  }
  return errors;
}

test("each wrong line has an error of its own, and no other line has one", () => {
  const expected = cases();
  expect(expected.size).toBeGreaterThan(40);
  const errors = errorsOf(source.replaceAll(DIRECTIVE, "// "));
  const without = [...expected].filter(([line]) => !errors.has(line)).map(([, what]) => what);
  expect(without, "lines that compile").toEqual([]);
  const beside = [...errors].filter(([line]) => !expected.has(line));
  expect(beside, "errors in lines that are right").toEqual([]);
});

test("the same program with the right words compiles", () => {
  const [right] = source.split("/* ---- tell and ask ---- */");
  const program = `${right}
    ctx.tell(analyst, "note", { text: "x" });
    const { text } = await ctx.ask(analyst, "question", { text: "x" }, { timeout: "5s" });
    const made = await ctx.start(analysts, { args });
    ctx.tell(made, "reset", {});
    ctx.after("5s", "note", { text });
    const probed = await probe(Analyst, { args }).ask("question", { text });
    const n: number = probed.state.answered;
    const t: string = probed.reply.text;
    export default [n, t, child("plain", Plain), fake, simulate, dynamic, app, sqlite, microvm,
      refSchema, start, supervisor, tool, python];`;
  expect([...errorsOf(program)]).toEqual([]);
});
