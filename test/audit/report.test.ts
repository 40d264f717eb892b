// The three reports: complete, the same for the same input, and not to be taken over by a package.

import { expect, test } from "vitest";
import { failedAudit } from "../../examples/audit/draft.ts";
import { code, plain } from "../../examples/audit/markdown.ts";
import {
  type PackageAudit,
  packageAuditSchema,
  type Report,
  runSchema,
} from "../../examples/audit/model.ts";
import { renderHtml } from "../../examples/audit/report-html.ts";
import { renderJson } from "../../examples/audit/report-json.ts";
import { renderMarkdown } from "../../examples/audit/report-md.ts";
import { scanPackage } from "../../examples/audit/scan.ts";
import { cutText, formatBytes, visible } from "../../examples/audit/text.ts";
import { squarify } from "../../examples/audit/treemap.ts";
import { makePackage, pkg } from "./fixture.ts";

const renderers = { json: renderJson, md: renderMarkdown, html: renderHtml };

const run = {
  seconds: 1.5,
  audited: 2,
  alreadyDone: 1,
  failed: 0,
  restarts: 3,
  threads: 2,
  restartReasons: [{ path: "/audit/x", reason: "killed", count: 3 }],
  startedAt: "2026-01-01T00:00:00.000Z",
  importing: "No package was imported: nobody asked.",
  chaosSeed: 7,
};

const evil =
  "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`|\n| x | [a](javascript:b) " +
  "\u001b[31mred\u009b\u202e\u2028\u0000``` https://evil.example @everyone \\| **b**";

async function sample(): Promise<Report> {
  const files = { "a.js": `eval(1); fetch(x)`, "bad.js": "}", "x.node": "" };
  const one = await scanPackage(makePackage(files, { scripts: { install: "node a" } }), pkg);
  return { project: "shop", packages: [failedAudit("node_modules/zz", "gone"), one], run };
}

async function hostile(): Promise<Report> {
  const scripts = { postinstall: evil };
  const manifest = { name: evil, version: evil, license: evil, scripts };
  const audit = await scanPackage(makePackage({ "a.js": "eval(1)" }, manifest), pkg);
  const place = { file: evil, line: 1, what: evil };
  const row: PackageAudit = {
    ...audit,
    path: evil,
    capabilities: { ...audit.capabilities, network: { count: 1, places: [place] } },
    problems: [{ file: evil, kind: "syntax", what: evil }],
    natives: [{ file: evil, format: "ELF", bytes: 5 }],
    reasons: [evil],
    cut: [evil],
  };
  const restartReasons = [{ path: evil, reason: evil, count: 1 }];
  const hostileRun = { ...run, restartReasons, startedAt: evil, chaosSeed: evil };
  return { project: evil, packages: [row], run: hostileRun };
}

test("report.json: packages by risk and the run, in the shape of the schemas", async () => {
  const report = await sample();
  const { packages, run: told, ...rest } = JSON.parse(renderJson(report));
  expect(rest).toEqual({});
  expect(packages.map(({ name }: PackageAudit) => name)).toEqual(["pkg", "zz"]);
  expect(packages.map((each: unknown) => packageAuditSchema.parse(each))).toEqual(packages);
  const { project, ...plainRun } = told;
  expect(project).toBe("shop");
  expect(runSchema.parse(plainRun)).toEqual(run);
});

test("the order of what comes in does not matter, nor that of keys", async () => {
  const report = await sample();
  const turned = report.packages
    .map((each) => Object.fromEntries(Object.entries(each).reverse()) as PackageAudit)
    .reverse();
  for (const render of Object.values(renderers)) {
    expect(render({ ...report, packages: turned })).toBe(render(report));
  }
});

test("only the run's own part differs between runs", async () => {
  const report = await sample();
  const { chaosSeed: _, ...calm } = run;
  const other = { ...report, run: { ...calm, seconds: 99, restarts: 0, restartReasons: [] } };
  const starts = { json: `"run": {`, md: "## This run", html: `id="run"` };
  for (const [format, render] of Object.entries(renderers)) {
    const start = starts[format as keyof typeof starts];
    const [before, after] = render(report).split(start);
    const [otherBefore, otherAfter] = render(other).split(start);
    expect(otherBefore).toBe(before);
    expect(otherAfter).not.toBe(after);
  }
});

test("an empty project has reports as well", () => {
  const report = { project: "empty", packages: [], run };
  expect(JSON.parse(renderJson(report)).packages).toEqual([]);
  expect(renderMarkdown(report)).toContain("**0 packages**");
  expect(renderHtml(report)).toContain("There is nothing to show.");
});

test("no report lets a control character or a turn of direction through", async () => {
  const report = await hostile();
  for (const [format, render] of Object.entries(renderers)) {
    const text = render(report).replaceAll("\n", "");
    // The narrow space between thousands is the reports' own.
    expect(text.match(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu), format).toBeNull();
  }
});

test("report.json says hostile names exactly", async () => {
  const report = await hostile();
  const [row] = JSON.parse(renderJson(report)).packages;
  expect(row.path).toBe(evil);
});

test("report.html: hostile names stay text", async () => {
  const html = renderHtml(await hostile());
  expect(html.match(/<script/g)).toHaveLength(1);
  expect(html.match(/<\/script/g)).toHaveLength(1);
  expect(html).not.toContain("<img");
  // No quote of a package ends an attribute: without all whole tags, no "<" is left.
  const shell = html.replace(/<style>[\s\S]*?<\/style>|<script>[\s\S]*?<\/script>/g, "");
  const tag = /<!doctype html>|<\/?[a-z0-9]+( [a-z0-9-]+(="[^"<>]*")?)*\s*\/?>/gi;
  expect(shell.replace(tag, "")).not.toMatch(/[<>]/);
  const names = [...shell.matchAll(tag)].map(([text]) => text.replace(/"[^"]*"/g, ""));
  expect(names.filter((text) => /\s(on|src|href)/.test(text))).toEqual([]);
});

test("report.html needs nothing from elsewhere and allows one script only", async () => {
  const html = renderHtml(await sample());
  expect(html).toContain("default-src 'none'");
  expect(html).toMatch(/script-src 'sha256-[A-Za-z0-9+/=]{44}'/);
  expect(html).not.toMatch(/\b(src|href)=/);
  expect(html).not.toMatch(/url\(|@import/);
});

test("report.md: hostile names stay in their cells", async () => {
  const markdown = renderMarkdown(await hostile());
  const lines = markdown.split("\n");
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith("| --")) continue;
    const cells = (row = "") => row.replaceAll("\\|", "").split("|").length;
    expect(cells(lines[index + 1]), lines[index + 1]).toBe(cells(line));
  }
  // Outside of code nothing is left of the tags, links and addresses.
  const prose = markdown.replace(/(?<!`)(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, "");
  expect(prose).not.toMatch(/(?<!\\)[<>]|(?<!\\)\[|https:\/\/|(?<!\\)@/);
});

test("Markdown code is fenced longer than what is in it", () => {
  expect(code("a")).toBe("`a`");
  expect(code("a`b``c")).toBe("``` a`b``c ```");
  expect(code("a|b\nc")).toBe("`a\\|b\\u{a}c`");
  expect(code(" ")).toBe("—");
  expect(plain("a*b <x> www.x.org")).toBe("a\\*b \\<x\\> www\\.x.org");
});

test("texts: cut, visible, sizes", () => {
  expect(cutText("abc", 3)).toBe("abc");
  expect(cutText("abcdef", 3)).toBe("abc… (3 more characters)");
  expect(visible("a\u001b[0m\n\u{e0041}é")).toBe("a\\u{1b}[0m\\u{a}\\u{e0041}é");
  expect([0, 999, 1000, 999_949, 999_950, 52_428_800, 2e9].map(formatBytes)).toEqual([
    "0 B",
    "999 B",
    "1 kB",
    "999.9 kB",
    "1 MB",
    "52.4 MB",
    "2 GB",
  ]);
});

test("a treemap fills its area with the right shares", () => {
  const area = { x: 0, y: 0, width: 300, height: 200 };
  const weights = [60, 30, 20, 10, 5, 5, 1, 0.001];
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const places = squarify(weights, area);
  expect(places).toHaveLength(weights.length);
  for (const [index, { x, y, width, height }] of places.entries()) {
    expect(width * height).toBeCloseTo(((weights[index] ?? 0) * 60_000) / total, 3);
    expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
    expect(x + width).toBeLessThan(300.001);
    expect(y + height).toBeLessThan(200.001);
  }
  expect(squarify([], area)).toEqual([]);
});
