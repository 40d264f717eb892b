/**
 * Owns the numbers over all packages which the reports show: totals, how many packages have which
 * capability, how the risk is spread, what is largest. How they are shown is up to each report.
 */
import { type CapabilityName, capabilityNames, type Loading, type PackageAudit } from "./model.ts";
import { compareText } from "./text.ts";

export interface CapabilityTotal {
  readonly name: CapabilityName;
  readonly label: string;
  readonly packages: number;
  readonly places: number;
}

export interface Summary {
  readonly packages: number;
  readonly bytes: number;
  readonly files: number;
  readonly parsedFiles: number;
  readonly skippedFiles: number;
  readonly withScripts: number;
  readonly withNatives: number;
  readonly withProblems: number;
  readonly capabilities: readonly CapabilityTotal[];
  /** Ten steps of risk: 0–9, 10–19, … 90–100. */
  readonly risks: readonly number[];
  /** Stated licences with their packages, the most frequent first; null where none is stated. */
  readonly licences: readonly { readonly licence: string | null; readonly packages: number }[];
}

export const capabilityLabels: Record<CapabilityName, string> = {
  childProcess: "Child processes",
  network: "Network",
  dynamicCode: "Dynamic code",
  dynamicRequire: "Dynamic require",
  environment: "Environment",
  fileSystem: "File system",
};

export const riskSteps = 10;

export function summarise(packages: readonly PackageAudit[]): Summary {
  const sum = (value: (each: PackageAudit) => number) =>
    packages.reduce((total, each) => total + value(each), 0);
  const those = (holds: (each: PackageAudit) => boolean) => packages.filter(holds).length;
  return {
    packages: packages.length,
    bytes: sum((each) => each.bytes),
    files: sum((each) => each.files),
    parsedFiles: sum((each) => each.parsedFiles),
    skippedFiles: sum((each) => each.skippedFiles),
    withScripts: those((each) => each.scripts.length > 0),
    withNatives: those((each) => each.nativeCount > 0),
    withProblems: those((each) => problemCount(each) > 0),
    capabilities: capabilityNames.map((name) => ({
      name,
      label: capabilityLabels[name],
      packages: those((each) => each.capabilities[name].count > 0),
      places: sum((each) => each.capabilities[name].count),
    })),
    risks: Array.from({ length: riskSteps }, (_, step) =>
      those(({ risk }) => Math.min(Math.floor(risk / riskSteps), riskSteps - 1) === step),
    ),
    licences: licencesOf(packages),
  };
}

/** The labels of what a package can do, for a line of text. */
export function capabilitiesOf(audit: PackageAudit): string[] {
  return capabilityNames
    .filter((name) => audit.capabilities[name].count > 0)
    .map((name) => capabilityLabels[name].toLowerCase());
}

/** All of them, the ones not kept by name included. */
export function problemCount({ problemCounts }: PackageAudit): number {
  return Object.values(problemCounts).reduce((sum, count) => sum + count, 0);
}

function licencesOf(packages: readonly PackageAudit[]): Summary["licences"] {
  const counts = new Map<string | null, number>();
  for (const { licence } of packages) counts.set(licence, (counts.get(licence) ?? 0) + 1);
  return [...counts]
    .map(([licence, count]) => ({ licence, packages: count }))
    .sort((a, b) => b.packages - a.packages || compareText(a.licence ?? "", b.licence ?? ""));
}

/** What a package did while it was imported, one sentence each; nothing is worth no word. */
export function deedsOf(loading: Loading | null): string[] {
  if (loading === null) return [];
  const { outcome, why, wrote, ran, opened, reached, leftRunning, printed } = loading;
  const said = (what: string, list: readonly string[]) =>
    list.length === 0 ? [] : [`${what} ${list.join(", ")}`];
  return [
    ...(outcome === "loaded" ? [] : [why]),
    ...said("wrote", wrote),
    ...said("ran", ran),
    ...said("opened", opened),
    ...(reached > 0 ? [`wanted to reach the network ${reached} times`] : []),
    ...(leftRunning > 0 ? [`left ${leftRunning} processes running`] : []),
    ...(printed.trim() === "" ? [] : [`printed ${JSON.stringify(printed)}`]),
  ];
}
