/**
 * Owns the table of all packages in report.html: columns, cells, and what a row tells when it is
 * opened. Its cells carry what the script of html-assets.ts sorts and filters by.
 */
import { riskLevel } from "./html-charts.ts";
import { escapeHtml, formatCount } from "./html-text.ts";
import { type CapabilityName, capabilityNames, type PackageAudit } from "./model.ts";
import { capabilityLabels, deedsOf, problemCount } from "./summary.ts";
import { formatBytes } from "./text.ts";

/** Narrow headings of the columns which hold a number of places. */
const shortLabels: Record<CapabilityName, string> = {
  childProcess: "Proc",
  network: "Net",
  dynamicCode: "Eval",
  dynamicRequire: "Dyn",
  environment: "Env",
  fileSystem: "FS",
};

export function packageTable(packages: readonly PackageAudit[]): string {
  const headings = [
    heading("Risk", "number", "Risk from 0 to 100"),
    heading("Package", "text", "Name and version; open a row for its reasons and places"),
    heading("Size", "number", "Bytes of its files, without nested packages"),
    heading("Files", "number", "Number of files"),
    heading("Licence", "text", "As package.json states it"),
    heading("Install", "text", "Scripts which run at installation"),
    heading("Native", "number", "Native binaries"),
    ...capabilityNames.map((name) =>
      heading(shortLabels[name], "number", `${capabilityLabels[name]}: places in its code`),
    ),
    heading("Problems", "number", "What could not be looked at"),
  ];
  return (
    '<div class="scroll"><table id="packages"><thead><tr>' +
    `${headings.join("")}</tr></thead><tbody>\n${packages.map(row).join("\n")}\n</tbody></table></div>`
  );
}

/** What the filter offers: the tag of a row, and its name. */
export const filters: readonly (readonly [string, string])[] = [
  ["", "All packages"],
  ["install", "Runs something at installation"],
  ["native", "Native binaries"],
  ...capabilityNames.map((name) => [name, capabilityLabels[name]] as const),
  ["problem", "Problems"],
];

function heading(label: string, kind: "number" | "text", title: string): string {
  const side = kind === "number" ? ' class="number"' : "";
  return (
    `<th scope="col"${side} title="${title}">` +
    `<button type="button" data-kind="${kind}">${label}</button></th>`
  );
}

function row(audit: PackageAudit): string {
  const problems = problemCount(audit);
  const tags = [
    audit.scripts.length > 0 ? "install" : "",
    audit.nativeCount > 0 ? "native" : "",
    ...capabilityNames.filter((name) => audit.capabilities[name].count > 0),
    problems > 0 ? "problem" : "",
  ].filter((tag) => tag !== "");
  const search = [audit.name, audit.version, audit.path, audit.licence ?? ""].join(" ");
  const scripts = audit.scripts.map(({ name, implicit }) => (implicit ? "node-gyp" : name));
  const cells = [
    `<td class="number" data-value="${audit.risk}">` +
      `<span class="risk ${riskLevel(audit.risk)}">${audit.risk}</span></td>`,
    `<td class="package" data-value="${escapeHtml(audit.name)}">${details(audit)}</td>`,
    number(audit.bytes, formatBytes(audit.bytes)),
    number(audit.files),
    text(audit.licence ?? ""),
    text(scripts.join(", ")),
    number(audit.nativeCount),
    ...capabilityNames.map((name) => number(audit.capabilities[name].count)),
    number(problems),
  ];
  return (
    `<tr data-tags="${tags.join(" ")}" data-search="${escapeHtml(search.toLowerCase())}">` +
    `${cells.join("")}</tr>`
  );
}

function number(value: number, shown = formatCount(value)): string {
  const zero = value === 0 ? " zero" : "";
  return `<td class="number${zero}" data-value="${value}">${shown}</td>`;
}

function text(value: string): string {
  const shown = escapeHtml(value);
  return `<td data-value="${shown}"><span class="clip" title="${shown}">${shown || "—"}</span></td>`;
}

function details(audit: PackageAudit): string {
  const parts = [
    list("Path", [escapeHtml(audit.path)]),
    list(
      "Risk",
      audit.reasons.map((reason) => escapeHtml(reason)),
    ),
    list(
      "At installation",
      audit.scripts.map(({ name, command }) => `${name}: ${codeOf(command)}`),
    ),
    ...capabilityNames.map((name) =>
      list(
        `${capabilityLabels[name]} (${formatCount(audit.capabilities[name].count)})`,
        audit.capabilities[name].places.map(
          ({ file, line, what }) => `${escapeHtml(`${file}:${line}`)} ${codeOf(what)}`,
        ),
      ),
    ),
    list(
      "Native binaries",
      audit.natives.map(
        ({ file, format, bytes }) => `${escapeHtml(file)} (${format}, ${formatBytes(bytes)})`,
      ),
    ),
    list(
      `Imported: ${audit.loading?.outcome ?? "no"}`,
      deedsOf(audit.loading).map((deed) => escapeHtml(deed)),
    ),
    list(
      "Problems",
      audit.problems.map(({ file, what }) => `${escapeHtml(file)}: ${escapeHtml(what)}`),
    ),
    list(
      "Not shown",
      audit.cut.map((cut) => escapeHtml(cut)),
    ),
  ];
  return (
    `<details><summary><b>${escapeHtml(audit.name)}</b> ` +
    `<span class="version">${escapeHtml(audit.version || "no version")}</span></summary>` +
    `<div class="more"><div class="columns">${parts.join("")}</div></div></details>`
  );
}

/** `items` are HTML already. */
function list(title: string, items: readonly string[]): string {
  if (items.length === 0) return "";
  const lines = items.map((item) => `<li>${item}</li>`).join("");
  return `<section><h4>${title}</h4><ul>${lines}</ul></section>`;
}

function codeOf(value: string): string {
  return `<code>${escapeHtml(value)}</code>`;
}
