/**
 * Owns report.md: the result as text to read. All but the section "This run" is the same for the same
 * input.
 */
import { code, plain, table } from "./markdown.ts";
import type { PackageAudit, Report, Run } from "./model.ts";
import { capabilityNames } from "./model.ts";
import { compareByRisk } from "./risk.ts";
import { capabilitiesOf, deedsOf, problemCount, type Summary, summarise } from "./summary.ts";
import { formatBytes, plural } from "./text.ts";

const closerLook = 10;

export function renderMarkdown({ project, packages, run }: Report): string {
  const sorted = [...packages].sort(compareByRisk);
  const sections = [
    `# Dependency audit of ${code(project)}`,
    headOf(summarise(sorted)),
    plain(run.importing),
    "## Packages by risk",
    sorted.length === 0 ? "None." : packageTable(sorted),
    ...closeUps(sorted),
    "## Run at installation",
    scriptTable(sorted),
    "## While it was imported",
    loadingTable(sorted),
    "## Licences",
    licenceTable(summarise(sorted)),
    "## Problems",
    problemTable(sorted),
    "## This run",
    runText(run),
  ];
  return `${sections.join("\n\n")}\n`;
}

function headOf(summary: Summary): string {
  const { packages, withScripts, withNatives, withProblems } = summary;
  const facts =
    `**${plural(packages, "package")}**, ${formatBytes(summary.bytes)} in ` +
    `${plural(summary.files, "file")}; ${plural(summary.parsedFiles, "file")} of code parsed, ` +
    `${summary.skippedFiles} not. ${plural(withScripts, "package runs", "packages run")} something ` +
    `at installation, ${plural(withNatives, "holds", "hold")} native binaries, ` +
    `${plural(withProblems, "has", "have")} problems.`;
  const rows = summary.capabilities.map(({ label, packages, places }) => [
    label,
    String(packages),
    share(packages, summary.packages),
    String(places),
  ]);
  const columns = [
    ["Capability", "left"],
    ["Packages", "right"],
    ["Share", "right"],
    ["Places", "right"],
  ] as const;
  return `${facts}\n\n${table(columns, rows)}`;
}

function share(part: number, whole: number): string {
  return whole === 0 ? "—" : `${Math.round((100 * part) / whole)} %`;
}

function packageTable(packages: readonly PackageAudit[]): string {
  const columns = [
    ["Risk", "right"],
    ["Package", "left"],
    ["Version", "left"],
    ["Size", "right"],
    ["Files", "right"],
    ["Licence", "left"],
    ["Install", "left"],
    ["Natives", "right"],
    ["Uses", "left"],
    ["Problems", "right"],
  ] as const;
  return table(
    columns,
    packages.map((each) => [
      String(each.risk),
      code(each.name),
      code(each.version),
      formatBytes(each.bytes),
      String(each.files),
      each.licence === null ? "—" : code(each.licence),
      each.scripts.map(({ name, implicit }) => (implicit ? "node-gyp" : name)).join(", ") || "—",
      String(each.nativeCount),
      capabilitiesOf(each).join(", ") || "—",
      String(problemCount(each)),
    ]),
  );
}

function closeUps(packages: readonly PackageAudit[]): string[] {
  const risky = packages.slice(0, closerLook).filter(({ risk }) => risk > 0);
  if (risky.length === 0) return [];
  return ["## A closer look at the riskiest", ...risky.map(closeUp)];
}

function closeUp(audit: PackageAudit): string {
  const lines = [
    `### ${code(audit.name)} ${audit.version === "" ? "" : code(audit.version)}: risk ${audit.risk}`,
    "",
    `In ${code(audit.path)}.`,
    "",
    ...audit.reasons.map((reason) => `- ${plain(reason)}`),
  ];
  const rows = capabilityNames.flatMap((name) =>
    audit.capabilities[name].places.map(({ file, line, what }) => [
      name,
      code(`${file}:${line}`),
      code(what),
    ]),
  );
  const columns = [
    ["Capability", "left"],
    ["Place", "left"],
    ["Code", "left"],
  ] as const;
  if (rows.length > 0) lines.push("", table(columns, rows));
  if (audit.cut.length > 0) lines.push("", `Not all is shown: ${plain(audit.cut.join("; "))}.`);
  return lines.join("\n");
}

function scriptTable(packages: readonly PackageAudit[]): string {
  const rows = packages.flatMap((each) =>
    each.scripts.map(({ name, command, implicit }) => [
      code(each.name),
      implicit ? `${name} (implied by binding.gyp)` : name,
      code(command),
    ]),
  );
  const columns = [
    ["Package", "left"],
    ["Script", "left"],
    ["Command", "left"],
  ] as const;
  return rows.length === 0 ? "Nothing." : table(columns, rows);
}

/** What is worth a look: all but packages that were loaded and did nothing else. */
function loadingTable(packages: readonly PackageAudit[]): string {
  const rows = packages.flatMap(({ name, loading }) => {
    const deeds = deedsOf(loading);
    return loading === null || deeds.length === 0
      ? []
      : [[code(name), loading.outcome, plain(deeds.join("; "))]];
  });
  const columns = [
    ["Package", "left"],
    ["Outcome", "left"],
    ["What it did", "left"],
  ] as const;
  return rows.length === 0 ? "Nothing." : table(columns, rows);
}

function licenceTable({ licences }: Summary): string {
  const rows = licences.map(({ licence, packages }) => [
    licence === null ? "none stated" : code(licence),
    String(packages),
  ]);
  const columns = [
    ["Licence", "left"],
    ["Packages", "right"],
  ] as const;
  return rows.length === 0 ? "None." : table(columns, rows);
}

function problemTable(packages: readonly PackageAudit[]): string {
  const rows = packages.flatMap((each) => {
    const own = each.problems.map(({ file, what }) => [code(each.path), code(file), plain(what)]);
    const more = problemCount(each) - each.problems.length;
    return more > 0 ? [...own, [code(each.path), "…", `${more} more`]] : own;
  });
  const columns = [
    ["Package", "left"],
    ["File", "left"],
    ["Problem", "left"],
  ] as const;
  return rows.length === 0 ? "None." : table(columns, rows);
}

function runText(run: Run): string {
  const lines = [
    `- Started ${plain(run.startedAt)}, took ${run.seconds.toFixed(1)} s on ` +
      `${plural(run.threads, "thread")}.`,
    `- ${plural(run.audited, "package")} audited, ${run.alreadyDone} taken over from an earlier run, ` +
      `${run.failed} given up.`,
    `- ${plural(run.restarts, "restart")} by supervisors.`,
  ];
  if (run.chaosSeed !== undefined) lines.push(`- Chaos with seed ${code(String(run.chaosSeed))}.`);
  if (run.restartReasons.length === 0) return lines.join("\n");
  const columns = [
    ["Actor", "left"],
    ["Reason of its restarts", "left"],
    ["Count", "right"],
  ] as const;
  const rows = run.restartReasons.map(({ path, reason, count }) => [
    code(path),
    plain(reason),
    String(count),
  ]);
  return `${lines.join("\n")}\n\n${table(columns, rows)}`;
}
