/** What the audit's command line makes of importing: on for a minute, unless it is switched off. */
import { expect, test } from "vitest";
import { readOptions } from "../../examples/audit/options.ts";

test.each([
  [[], 60_000],
  [["--import-seconds", "5"], 5_000],
  [["--no-import"], 0],
  [["--no-import", "--import-seconds", "5"], 0],
  [["--chaos", "1"], 0],
  [["--chaos", "1", "--import"], 60_000],
])("%j: %i ms", (args, ms) => {
  expect(readOptions(args, "/").importMs).toBe(ms);
});

test.each([["0"], ["1.5"], ["x"], ["86401"]])("--import-seconds %s is refused", (text) => {
  expect(() => readOptions(["--import-seconds", text], "/")).toThrow("import-seconds");
});
