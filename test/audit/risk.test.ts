// The score: every point has its reason, and the order never depends on chance.

import { expect, test } from "vitest";
import { failedAudit } from "../../examples/audit/draft.ts";
import type { CapabilityName, PackageFacts } from "../../examples/audit/model.ts";
import { compareByRisk, points, scoreRisk } from "../../examples/audit/risk.ts";

function facts(uses: Partial<Record<CapabilityName, number>>, rest: Partial<PackageFacts> = {}) {
  const { risk, reasons, ...empty } = failedAudit("node_modules/x", "");
  const capabilities = structuredClone(empty.capabilities);
  for (const [name, count] of Object.entries(uses)) {
    capabilities[name as CapabilityName].count = count;
  }
  const problemCounts = { ...empty.problemCounts, failed: 0 };
  return { ...empty, problemCounts, problems: [], licence: "MIT", capabilities, ...rest };
}

const install = { name: "install", command: "x", implicit: false } as const;

test("nothing is no risk", () => {
  expect(scoreRisk(facts({}))).toEqual({ risk: 0, reasons: [] });
});

test("more places, more points", () => {
  const risk = (count: number) => scoreRisk(facts({ childProcess: count })).risk;
  expect([1, 2, 9, 10, 1000].map(risk)).toEqual([11, 14, 14, 18, 18]);
});

test("reasons begin with their points, the largest first", () => {
  const audit = facts({ fileSystem: 1, network: 12, environment: 2 }, { scripts: [install] });
  expect(scoreRisk(audit)).toEqual({
    risk: 54,
    reasons: [
      "+25 runs a command at installation: install",
      "+10 uses the network (12 places)",
      "+10 at installation it may use the network or start programs",
      "+4 may send environment variables away",
      "+3 uses the file system (1 place)",
      "+2.4 reads environment variables (2 places)",
    ],
  });
});

test("WebAssembly alone weighs less than machine code", () => {
  const native = { file: "x", format: "WebAssembly", bytes: 1 } as const;
  const wasm = facts({}, { nativeCount: 1, natives: [native] });
  const both = { nativeCount: 2, natives: [native, { ...native, format: "ELF" as const }] };
  expect(scoreRisk(wasm).risk).toBe(points.webAssembly);
  expect(scoreRisk(facts({}, both)).risk).toBe(points.nativeBinary);
});

test("everything at once is 100", () => {
  const all = { childProcess: 10, network: 10, dynamicCode: 10, fileSystem: 10, environment: 10 };
  const native = { file: "x", format: "ELF", bytes: 1 } as const;
  const audit = facts(all, { scripts: [install], nativeCount: 1, natives: [native] });
  expect(scoreRisk(audit).risk).toBe(100);
});

test("order: risk, then name, version, path", () => {
  const row = (risk: number, name: string, version = "1", path = "p") => ({
    ...failedAudit(path, ""),
    risk,
    name,
    version,
  });
  const sorted = [
    row(9, "b"),
    row(5, "B"),
    row(5, "a", "1", "p"),
    row(5, "a", "1", "q"),
    row(5, "a", "2"),
  ];
  expect([...sorted].reverse().sort(compareByRisk)).toEqual(sorted);
});
