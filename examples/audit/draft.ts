/**
 * Owns one package's result while it grows: counts, the first places and problems, and a sentence for
 * whatever a limit cut. It reads no file and judges no code.
 */
import type { Finding } from "./capability.ts";
import { limits } from "./limits.ts";
import { emptyManifest, type Manifest, scriptsAtInstall } from "./manifest.ts";
import {
  type Capability,
  type CapabilityName,
  capabilityNames,
  type Native,
  type NativeFormat,
  type PackageAudit,
  type PackageFacts,
  type Problem,
  type ProblemKind,
  problemKinds,
} from "./model.ts";
import { scoreRisk } from "./risk.ts";
import { compareText, cutText, formatBytes, plural } from "./text.ts";

export class Draft {
  readonly path: string;
  bytes = 0;
  files = 0;
  parsedFiles = 0;
  parsedBytes = 0;
  skippedFiles = 0;
  /** Not parsed because the files before had used up what one package may have. */
  filesOverBudget = 0;
  hasBindingGyp = false;
  licenceFile: string | null = null;
  manifest: Manifest | null = null;
  private readonly capabilities = byName<CapabilityName, Capability>(capabilityNames, () => ({
    count: 0,
    places: [],
  }));
  private readonly problemCounts = byName<ProblemKind, number>(problemKinds, () => 0);
  private readonly problems: Problem[] = [];
  private readonly natives: Native[] = [];
  private nativeCount = 0;
  private readonly stops: string[] = [];

  constructor(path: string) {
    this.path = path;
  }

  addProblem(file: string, kind: ProblemKind, what: string): void {
    this.problemCounts[kind] += 1;
    if (this.problems.length >= limits.problems) return;
    this.problems.push({
      file: cutText(file, limits.file),
      kind,
      what: cutText(what, limits.problem),
    });
  }

  addNative(file: string, format: NativeFormat, bytes: number): void {
    this.nativeCount += 1;
    if (this.natives.length >= limits.natives) return;
    this.natives.push({ file: cutText(file, limits.file), format, bytes });
  }

  /** `findings` are in the order of `text`. */
  addFindings(file: string, text: string, findings: readonly Finding[]): void {
    let line = 1;
    let seen = 0;
    for (const { capability, at, what } of findings) {
      const entry = this.capabilities[capability];
      entry.count += 1;
      if (entry.places.length >= limits.places) continue;
      for (let end = text.indexOf("\n", seen); end !== -1 && end < at; ) {
        line += 1;
        seen = end + 1;
        end = text.indexOf("\n", seen);
      }
      entry.places.push({ file: cutText(file, limits.file), line, what: copyText(what) });
    }
  }

  /** A bound of the whole package was reached: what comes after is not in the result. */
  stop(sentence: string): void {
    this.stops.push(sentence);
  }

  finish(): PackageAudit {
    const manifest = this.manifest ?? emptyManifest("no package.json");
    for (const problem of manifest.problems) this.addProblem("package.json", "manifest", problem);
    if (this.filesOverBudget > 0) this.addProblem(".", "tooLarge", this.overBudget());
    this.problems.sort((a, b) => compareText(a.file, b.file));
    const facts: PackageFacts = {
      name: manifest.name ?? nameFromPath(this.path),
      version: manifest.version ?? "",
      path: this.path,
      bytes: this.bytes,
      files: this.files,
      licence: manifest.licence,
      licenceFile: this.licenceFile,
      scripts: scriptsAtInstall(manifest, this.hasBindingGyp),
      nativeCount: this.nativeCount,
      natives: this.natives,
      capabilities: this.capabilities,
      parsedFiles: this.parsedFiles,
      skippedFiles: this.skippedFiles,
      problemCounts: this.problemCounts,
      problems: this.problems,
      cut: this.cuts(),
    };
    return { ...facts, loading: null, ...scoreRisk(facts) };
  }

  private overBudget(): string {
    const limit = formatBytes(limits.parseBytesPerPackage);
    const files = plural(this.filesOverBudget, "more file");
    return `not parsed: ${files} after the limit of ${limit} of code for one package`;
  }

  private cuts(): string[] {
    const cuts = [...this.stops];
    if (this.filesOverBudget > 0) cuts.push(`code: ${this.overBudget()}`);
    for (const name of capabilityNames) {
      const { count, places } = this.capabilities[name];
      if (count > places.length)
        cuts.push(`${name}: the first ${places.length} of ${count} places`);
    }
    if (this.nativeCount > this.natives.length) {
      cuts.push(`natives: the first ${this.natives.length} of ${this.nativeCount}`);
    }
    const problems = problemKinds.reduce((sum, kind) => sum + this.problemCounts[kind], 0);
    if (problems > this.problems.length) {
      cuts.push(`problems: ${this.problems.length} of ${problems}`);
    }
    return cuts;
  }
}

/** The row of a package whose audit was given up; `reason` must be the same on every run. */
export function failedAudit(path: string, reason: string): PackageAudit {
  const draft = new Draft(path);
  draft.manifest = { ...emptyManifest(""), problems: [] };
  draft.addProblem(".", "failed", reason);
  return draft.finish();
}

/** `@scope/name` or `name`: what the folder of a package is called. */
function nameFromPath(path: string): string {
  const [last = path, scope = ""] = path.split("/").reverse();
  return cutText(scope.startsWith("@") ? `${scope}/${last}` : last, limits.name);
}

/** A piece of a text keeps all of that text in memory; a copy does not. */
function copyText(text: string): string {
  return Buffer.from(text, "utf16le").toString("utf16le");
}

function byName<Name extends string, Value>(
  names: readonly Name[],
  value: () => Value,
): Record<Name, Value> {
  return Object.fromEntries(names.map((name) => [name, value()])) as Record<Name, Value>;
}
