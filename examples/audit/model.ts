/**
 * Owns the shape of the audit's data: one package's result, the facts of a run, and a report of
 * both. It holds no behaviour; how the numbers come about is in scan.ts and risk.ts.
 */
import { z } from "zod";

export const capabilityNames = [
  "childProcess",
  "network",
  "dynamicCode",
  "dynamicRequire",
  "environment",
  "fileSystem",
] as const;
export type CapabilityName = (typeof capabilityNames)[number];

export const problemKinds = [
  /** package.json is missing, broken, or lacks its name or version. */
  "manifest",
  /** A file or folder which could not be read. */
  "unreadable",
  /** Code which the parser refused. */
  "syntax",
  /** Code which a limit kept from the parser. */
  "tooLarge",
  /** A symbolic link which leads nowhere, in circles, or out of the package. */
  "link",
  /** The audit of this package was given up. */
  "failed",
] as const;
export type ProblemKind = (typeof problemKinds)[number];

const count = z.int().nonnegative();

export const placeSchema = z.strictObject({ file: z.string(), line: count, what: z.string() });
export type Place = z.infer<typeof placeSchema>;

export const capabilitySchema = z.strictObject({
  /** All places. */
  count,
  /** The first of them; see limits.ts. */
  places: z.array(placeSchema),
});
export type Capability = z.infer<typeof capabilitySchema>;

export const installScriptSchema = z.strictObject({
  name: z.enum(["preinstall", "install", "postinstall"]),
  command: z.string(),
  /** npm runs node-gyp by itself where there is a binding.gyp and no script of its own. */
  implicit: z.boolean(),
});
export type InstallScript = z.infer<typeof installScriptSchema>;

export const nativeFormats = ["ELF", "PE", "Mach-O", "WebAssembly", "by name"] as const;
export type NativeFormat = (typeof nativeFormats)[number];

export const nativeSchema = z.strictObject({
  file: z.string(),
  /** Read from the first bytes; "by name" when only the ending of the name says so. */
  format: z.enum(nativeFormats),
  bytes: count,
});
export type Native = z.infer<typeof nativeSchema>;

export const problemSchema = z.strictObject({
  /** Relative to the package; "." is the package itself. */
  file: z.string(),
  kind: z.enum(problemKinds),
  what: z.string(),
});
export type Problem = z.infer<typeof problemSchema>;

/** What a package did while it was imported in a machine of its own. */
export const loadingSchema = z.strictObject({
  outcome: z.enum(["loaded", "failed", "hangs", "killed", "attacks", "skipped"]),
  why: z.string(),
  wrote: z.array(z.string()),
  ran: z.array(z.string()),
  /** Outside of the packages and of Node.js. */
  opened: z.array(z.string()),
  /** Times it wanted to go where there is no way: the machine has no network. */
  reached: count,
  leftRunning: count,
  printed: z.string(),
});
export type Loading = z.infer<typeof loadingSchema>;

export const packageAuditSchema = z.strictObject({
  name: z.string(),
  /** Empty when package.json does not say. */
  version: z.string(),
  /** Relative to the audited project, with "/": the identity of the package. */
  path: z.string(),
  /** Of regular files, without the packages nested in its node_modules. */
  bytes: count,
  files: count,
  /** As package.json states it; null when it does not. */
  licence: z.string().nullable(),
  /** The first licence file at the top of the package. */
  licenceFile: z.string().nullable(),
  /** What a package manager runs when it installs the package. */
  scripts: z.array(installScriptSchema),
  nativeCount: count,
  natives: z.array(nativeSchema),
  capabilities: z.strictObject({
    childProcess: capabilitySchema,
    network: capabilitySchema,
    dynamicCode: capabilitySchema,
    dynamicRequire: capabilitySchema,
    environment: capabilitySchema,
    fileSystem: capabilitySchema,
  }),
  parsedFiles: count,
  /** Code which was not parsed; `problems` says why. */
  skippedFiles: count,
  problemCounts: z.strictObject({
    manifest: count,
    unreadable: count,
    syntax: count,
    tooLarge: count,
    link: count,
    failed: count,
  }),
  problems: z.array(problemSchema),
  /** What a limit cut from this result, one sentence each. */
  cut: z.array(z.string()),
  /** Null when the package was not imported. */
  loading: loadingSchema.nullable(),
  risk: z.int().min(0).max(100),
  /** Where the risk comes from, the largest part first. */
  reasons: z.array(z.string()),
});
export type PackageAudit = z.infer<typeof packageAuditSchema>;

/** A result before it is scored. */
export type PackageFacts = Omit<PackageAudit, "risk" | "reasons" | "loading">;

export const runSchema = z.strictObject({
  seconds: z.number().nonnegative(),
  /** Packages audited in this run. */
  audited: count,
  /** Packages whose result an earlier, interrupted run had left. */
  alreadyDone: count,
  /** Packages given up after repeated failures. */
  failed: count,
  /** Actors restarted by their supervisors. */
  restarts: count,
  threads: count,
  restartReasons: z.array(z.strictObject({ path: z.string(), reason: z.string(), count })),
  startedAt: z.string(),
  /** Whether packages were imported in a machine; if not, why not. */
  importing: z.string(),
  chaosSeed: z.union([z.number(), z.string()]).optional(),
});
export type Run = z.infer<typeof runSchema>;

export const reportSchema = z.strictObject({
  /** How the audited project is called in the report. */
  project: z.string(),
  packages: z.array(packageAuditSchema),
  run: runSchema,
});
export type Report = z.infer<typeof reportSchema>;
