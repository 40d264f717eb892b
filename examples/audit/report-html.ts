/**
 * Owns report.html: one file which needs nothing else, with charts and a table to sort and filter.
 * All but the section "This run" is the same for the same input.
 */
import { createHash } from "node:crypto";
import { script, style } from "./html-assets.ts";
import { capabilityChart, riskChart, sizeChart } from "./html-charts.ts";
import { filters, packageTable } from "./html-table.ts";
import { escapeHtml, formatCount } from "./html-text.ts";
import type { Report, Run } from "./model.ts";
import { compareByRisk } from "./risk.ts";
import { type Summary, summarise } from "./summary.ts";
import { formatBytes, plural } from "./text.ts";

export function renderHtml({ project, packages, run }: Report): string {
  const sorted = [...packages].sort(compareByRisk);
  const summary = summarise(sorted);
  const title = `Dependency audit of ${escapeHtml(project)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${lead(summary)}
<p class="lead">${escapeHtml(run.importing)}</p>
${cards(summary)}
<div class="pair">
${panel("What the code can do", capabilityChart(summary))}
${panel("Packages by risk (logarithmic)", riskChart(summary))}
</div>
${panel("Packages by size, coloured by risk", sizeChart(sorted) + legend)}
${panel("All packages", tools + packageTable(sorted))}
${runPanel(run)}
</main>
<script>${script}</script>
</body>
</html>
`;
}

/** Nothing is loaded, and no script runs but the one which is meant to. */
function policy(): string {
  const hash = createHash("sha256").update(script).digest("base64");
  return `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`;
}

function panel(title: string, content: string): string {
  return `<section class="panel"><h2>${title}</h2>${content}</section>`;
}

function lead({ parsedFiles, skippedFiles }: Summary): string {
  const parsed = `${formatCount(parsedFiles)} ${parsedFiles === 1 ? "file" : "files"} of code parsed`;
  const skipped = `, ${formatCount(skippedFiles)} could not be parsed or went over a limit`;
  return `<p class="lead">${parsed}${skippedFiles === 0 ? "" : skipped}.</p>`;
}

function cards(summary: Summary): string {
  const values: readonly (readonly [string, string])[] = [
    [formatCount(summary.packages), summary.packages === 1 ? "package" : "packages"],
    [formatBytes(summary.bytes), "on disk"],
    [formatCount(summary.files), "files"],
    [formatCount(summary.withScripts), "run something at installation"],
    [formatCount(summary.withNatives), "with native binaries"],
    [formatCount(summary.withProblems), "with problems"],
  ];
  const items = values.map(
    ([value, label]) => `<div class="card"><b>${value}</b><span>${label}</span></div>`,
  );
  return `<div class="cards">${items.join("")}</div>`;
}

const legend =
  '<ul class="legend"><li><i class="low"></i>risk below 15</li>' +
  '<li><i class="some"></i>15 to 34</li><li><i class="high"></i>35 to 59</li>' +
  '<li><i class="top"></i>60 and above</li></ul>';

const options = filters.map(([tag, label]) => `<option value="${tag}">${label}</option>`).join("");
const tools =
  '<div class="tools"><input id="search" type="search" placeholder="Name, version, path, licence"' +
  ' aria-label="Search packages"><select id="filter" aria-label="Show only">' +
  `${options}</select><output id="shown"></output></div>`;

function runPanel(run: Run): string {
  const facts: readonly (readonly [string, string])[] = [
    ["Started", run.startedAt],
    ["Took", `${run.seconds.toFixed(1)} s on ${plural(run.threads, "thread")}`],
    ["Audited", plural(run.audited, "package")],
    ["Taken over from an earlier run", plural(run.alreadyDone, "package")],
    ["Given up", plural(run.failed, "package")],
    ["Restarts", String(run.restarts)],
    ...(run.chaosSeed === undefined ? [] : [["Chaos seed", String(run.chaosSeed)] as const]),
  ];
  const items = facts.map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`);
  const reasons = run.restartReasons.map(
    ({ path, reason, count }) =>
      `<tr><td>${escapeHtml(path)}</td><td>${escapeHtml(reason)}</td>` +
      `<td class="number">${count}</td></tr>`,
  );
  const table =
    reasons.length === 0
      ? ""
      : '<table><thead><tr><th scope="col">Actor</th><th scope="col">Reason of its restarts</th>' +
        `<th scope="col" class="number">Count</th></tr></thead><tbody>${reasons.join("")}` +
        "</tbody></table>";
  return (
    '<section class="panel" id="run"><h2>This run</h2>' +
    `<dl>${items.join("")}</dl>${table}</section>`
  );
}
