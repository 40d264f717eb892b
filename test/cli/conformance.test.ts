// `coppice conformance`: recorded traces pass, doctored ones fail readably.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readTraces, type Trace } from "../../src/sim/trace.ts";
import { cli, errorOf, ownFolder, root } from "./stage.ts";

const own = ownFolder();

const recorded = readFileSync(join(root, "test", "conformance", "otp-traces.jsonl.gz"));
const traces: Trace[] = readTraces(
  gunzipSync(recorded).toString().split("\n").slice(0, 40).join("\n"),
  "recorded",
);

/** Writes traces into a file of the test's folder. */
function file(name: string, content: readonly unknown[] | string | Buffer): string {
  const path = join(own.path, name);
  const isRaw = typeof content === "string" || Buffer.isBuffer(content);
  writeFileSync(path, isRaw ? content : content.map((each) => JSON.stringify(each)).join("\n"));
  return path;
}

/** A trace in which one recorded event is missing. */
function doctored(): { trace: Trace; step: number } {
  const trace = structuredClone(traces.find((each) => each.steps[1]!.events.length > 1) as Trace);
  trace.steps[1]!.events.pop();
  return { trace, step: 2 };
}

test("recorded traces pass, gzipped or not; the count stands alone in the last line", async () => {
  const [one, two] = [traces.slice(0, 30), traces.slice(30)];
  const zipped = file("a.jsonl.gz", gzipSync(one.map((each) => JSON.stringify(each)).join("\n")));
  const outcome = await cli(["conformance", zipped, file("b.jsonl", two)]);
  expect(outcome).toEqual({ status: 0, out: `${traces.length} passed, 0 failed\n`, err: "" });
});

test("a doctored trace fails with place, step and difference", async () => {
  const { trace, step } = doctored();
  const lines = [JSON.stringify(traces[0]), "", JSON.stringify(trace), JSON.stringify(traces[1])];
  const path = file("doctored.jsonl", lines.join("\n"));
  const { status, out, err } = await cli(["conformance", path]);
  expect({ status, err }).toEqual({ status: 1, err: "" });
  const op = JSON.stringify(trace.steps[step - 1]!.op);
  expect(out).toContain(`FAIL ${path}:3 seed ${trace.seed}, step ${step} ${op}\n`);
  expect(out).toMatch(/^ {2}events.* differs after /m);
  expect(out).toMatch(/^ +\+ actual {3}\["(start|terminate)"/m);
  expect(out.endsWith("\n2 passed, 1 failed\n")).toBe(true);

  const json = await cli(["conformance", path, "--json"]);
  expect(json.status).toBe(1);
  expect(JSON.parse(json.out)).toMatchObject({
    passed: 2,
    failed: 1,
    failures: [{ file: path, line: 3, seed: trace.seed, step, difference: expect.any(String) }],
  });
});

test("of many failures the first are told, all are counted", async () => {
  const path = file(
    "many.jsonl",
    Array.from({ length: 30 }, () => doctored().trace),
  );
  const { out } = await cli(["conformance", path]);
  expect(out.match(/^FAIL /gm)).toHaveLength(20);
  expect(out.endsWith("… 10 more failing traces\n\n0 passed, 30 failed\n")).toBe(true);
});

test("a trace that asks for the impossible fails, the others go on", async () => {
  const trace = structuredClone(traces[0]) as Trace;
  trace.steps[1] = { ...trace.steps[1]!, op: ["exit", "/nobody", "boom"] };
  const { status, out } = await cli(["conformance", file("odd.jsonl", [trace, traces[1]])]);
  expect(status).toBe(1);
  expect(out).toContain('step 2 ["exit","/nobody","boom"]');
  expect(out.endsWith("\n1 passed, 1 failed\n")).toBe(true);
});

test("progress is for terminals, and goes away", async () => {
  const path = file("a.jsonl", traces);
  const { out, err } = await cli(["conformance", path], { errTerminal: true });
  expect(out).toBe(`${traces.length} passed, 0 failed\n`);
  expect(err).toMatch(new RegExp(`^\\r1 of ${traces.length} traces`));
  expect(err.endsWith("\r\u001b[K")).toBe(true);
});

test.each([
  ["a line that is no JSON", `${JSON.stringify(traces[0])}\n{"seed":`, ":2"],
  ["a line that is no trace", '{"seed":1}\n', ":1"],
  ["bytes that are no text", Buffer.from([0xff, 0xfe]), ""],
  ["half a gzip file", gzipSync(JSON.stringify(traces[0])).subarray(0, 200), ""],
])("%s is E_TRACE_FORMAT with its place", async (_what, content, place) => {
  const path = file("bad.jsonl", content);
  const outcome = await cli(["conformance", path, "--json"]);
  expect({ status: outcome.status, out: outcome.out }).toEqual({ status: 1, out: "" });
  expect(errorOf(outcome)).toMatchObject({ code: "E_TRACE_FORMAT", at: `${path}${place}` });
  const { err } = await cli(["conformance", path]);
  expect(err).toContain(`(at ${path}${place})`);
  expect(err).toContain("remedy: record it again");
});

test("a missing file, a folder, no file: wrong command lines", async () => {
  for (const args of [["none.jsonl"], ["."], []]) {
    const { status, out, err } = await cli(["conformance", ...args], { cwd: own.path });
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toMatch(/^coppice: E_USAGE: /);
  }
});
