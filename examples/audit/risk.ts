/**
 * Owns how dangerous a package's facts are taken to be: the table of points, the score, its reasons,
 * and the order of a report. It is arithmetic over facts, and no verdict on anybody's intent.
 */
import type { CapabilityName, PackageAudit, PackageFacts, ProblemKind } from "./model.ts";
import { compareText, plural } from "./text.ts";

/**
 * Points of a risk from 0 to 100; a sum above 100 counts as 100. A capability brings six tenths of
 * its points at one place, eight tenths at two to nine, all of them from ten places on.
 */
export const points = {
  /** Its own command runs on every machine which installs it. */
  installScript: 25,
  /** npm compiles its binding.gyp at installation. */
  implicitBuild: 15,
  /** Machine code, which nobody reads. */
  nativeBinary: 15,
  /** The same in a sandbox. */
  webAssembly: 4,
  capability: {
    childProcess: 18,
    dynamicCode: 12,
    network: 10,
    dynamicRequire: 5,
    fileSystem: 5,
    environment: 3,
  } satisfies Record<CapabilityName, number>,
  /** What is worse together than apart. */
  together: {
    /** Code fetched at installation, or programs started then. */
    installAndReach: 10,
    /** Code from the network can be run. */
    networkAndCode: 6,
    /** Secrets of the environment can be sent away. */
    networkAndEnvironment: 4,
  },
  /** Once for each kind: what could not be looked at may hold anything. */
  problem: {
    manifest: 5,
    unreadable: 5,
    syntax: 3,
    tooLarge: 6,
    link: 3,
    failed: 30,
  } satisfies Record<ProblemKind, number>,
  noLicence: 2,
} as const;

/** What a capability lets a package do, as its reason in a report. */
export const capabilityTexts: Record<CapabilityName, string> = {
  childProcess: "starts other programs",
  network: "uses the network",
  dynamicCode: "runs text as code",
  dynamicRequire: "loads modules whose names are computed",
  environment: "reads environment variables",
  fileSystem: "uses the file system",
};

const problemTexts: Record<ProblemKind, string> = {
  manifest: "package.json is missing, broken or incomplete",
  unreadable: "some of it cannot be read",
  syntax: "some of its code cannot be parsed",
  tooLarge: "some of its code is over a limit and was not parsed",
  link: "symbolic links lead out of it or nowhere",
  failed: "its audit was given up",
};

interface Part {
  readonly points: number;
  readonly text: string;
}

/** The risk of a package and where it comes from, the largest part first. */
export function scoreRisk(facts: PackageFacts): { risk: number; reasons: string[] } {
  const parts = [
    ...installParts(facts),
    ...nativeParts(facts),
    ...capabilityParts(facts),
    ...togetherParts(facts),
    ...problemParts(facts),
  ].sort((a, b) => b.points - a.points);
  const sum = parts.reduce((total, part) => total + part.points, 0);
  return {
    risk: Math.min(100, Math.round(sum)),
    reasons: parts.map((part) => `+${Number(part.points.toFixed(1))} ${part.text}`),
  };
}

/** The most dangerous first; equal ones in an order which never changes. */
export function compareByRisk(a: PackageAudit, b: PackageAudit): number {
  return (
    b.risk - a.risk ||
    compareText(a.name, b.name) ||
    compareText(a.version, b.version) ||
    compareText(a.path, b.path)
  );
}

function installParts({ scripts }: PackageFacts): Part[] {
  const own = scripts.filter(({ implicit }) => !implicit);
  const parts: Part[] = [];
  if (own.length > 0) {
    const names = own.map(({ name }) => name).join(", ");
    parts.push({ points: points.installScript, text: `runs a command at installation: ${names}` });
  }
  if (own.length < scripts.length) {
    parts.push({ points: points.implicitBuild, text: "compiles native code at installation" });
  }
  return parts;
}

function nativeParts({ nativeCount, natives }: PackageFacts): Part[] {
  if (nativeCount === 0) return [];
  const sandboxed = natives.length === nativeCount && natives.every(isWebAssembly);
  return sandboxed
    ? [{ points: points.webAssembly, text: `holds ${plural(nativeCount, "WebAssembly file")}` }]
    : [
        {
          points: points.nativeBinary,
          text: `holds ${plural(nativeCount, "native binary", "native binaries")}`,
        },
      ];
}

function isWebAssembly({ format }: { format: string }): boolean {
  return format === "WebAssembly";
}

function capabilityParts({ capabilities }: PackageFacts): Part[] {
  const names = Object.keys(points.capability) as CapabilityName[];
  return names.flatMap((name) => {
    const { count } = capabilities[name];
    if (count === 0) return [];
    const share = count === 1 ? 0.6 : count < 10 ? 0.8 : 1;
    const text = `${capabilityTexts[name]} (${plural(count, "place")})`;
    return [{ points: points.capability[name] * share, text }];
  });
}

function togetherParts({ capabilities, scripts }: PackageFacts): Part[] {
  const has = (name: CapabilityName) => capabilities[name].count > 0;
  const { installAndReach, networkAndCode, networkAndEnvironment } = points.together;
  const parts: Part[] = [];
  const runs = scripts.some(({ implicit }) => !implicit);
  if (runs && (has("network") || has("childProcess"))) {
    const text = "at installation it may use the network or start programs";
    parts.push({ points: installAndReach, text });
  }
  if (has("network") && has("dynamicCode")) {
    parts.push({ points: networkAndCode, text: "may run code from the network" });
  }
  if (has("network") && has("environment")) {
    const text = "may send environment variables away";
    parts.push({ points: networkAndEnvironment, text });
  }
  return parts;
}

function problemParts({ problemCounts, licence, licenceFile }: PackageFacts): Part[] {
  const kinds = Object.keys(points.problem) as ProblemKind[];
  const parts: Part[] = kinds
    .filter((kind) => problemCounts[kind] > 0)
    .map((kind) => ({ points: points.problem[kind], text: problemTexts[kind] }));
  if (licence === null && licenceFile === null) {
    parts.push({ points: points.noLicence, text: "states no licence" });
  }
  return parts;
}
