/**
 * Owns writing the three reports: each is complete or not there at all.
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "./model.ts";
import { renderHtml } from "./report-html.ts";
import { renderJson } from "./report-json.ts";
import { renderMarkdown } from "./report-md.ts";

export function writeReport(folder: string, report: Report): string[] {
  mkdirSync(folder, { recursive: true });
  const files = {
    "report.json": renderJson(report),
    "report.md": renderMarkdown(report),
    "report.html": renderHtml(report),
  };
  return Object.entries(files).map(([name, text]) => {
    const path = join(folder, name);
    writeFileSync(`${path}.part`, text);
    renameSync(`${path}.part`, path);
    return path;
  });
}
