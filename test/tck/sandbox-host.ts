// What the tests of sandboxes share: drivers that this host has, a request in few words, and what is
// left on the host. Where the host has no images the tests are skipped, and that is said aloud.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { IsolatedTier, Outcome } from "../../src/actor/outcome.ts";
import type { SandboxLimits } from "../../src/actor/walls.ts";
import { builtImages } from "../../src/tool/image.ts";
import { descendants } from "../../src/tool/processes.ts";
import type { CommandOutput, Sandbox } from "../../src/tool/sandbox.ts";
import { DRIVERS } from "../../src/tool/tiers.ts";

/** Generous: the machine may be busy, and its processors software. */
export const LIMITS: SandboxLimits = {
  timeoutMs: 60_000,
  memoryBytes: 128 * 2 ** 20,
  scratchBytes: 16 * 2 ** 20,
  outputBytes: 2 ** 20,
  processes: 32,
  vcpus: 1,
  network: "none",
  trafficBytes: 16 * 2 ** 20,
  witness: false,
};

/** Tiers this host can test; those it lacks are told, and counted as skipped by vitest. */
export async function hostTiers(): Promise<{ tier: IsolatedTier; missing: string | null }[]> {
  const tiers: { tier: IsolatedTier; missing: string | null }[] = [];
  for (const [name, load] of Object.entries(DRIVERS)) {
    const tier = name as IsolatedTier;
    const report = await (await load()).probe();
    const missing = report.available ? null : `${report.why}; ${report.fix}`;
    if (missing !== null) process.stderr.write(`SKIPPED: sandbox ${tier}: ${missing}\n`);
    tiers.push({ tier, missing });
  }
  return tiers;
}

export const hasImages = builtImages().length === 3;

export async function openTier(tier: IsolatedTier): Promise<Sandbox> {
  const load = DRIVERS[tier];
  if (load === undefined) throw new Error(`no driver of ${tier}`);
  return (await load()).open((message) => process.stderr.write(`${tier}: ${message}\n`));
}

export interface Call {
  readonly command: string;
  readonly args?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  readonly limits?: Partial<SandboxLimits>;
  readonly signal?: AbortSignal;
  readonly output?: (text: string) => void;
}

/** One call. */
export function callOn(box: Sandbox, call: Call): Promise<Outcome<CommandOutput>> {
  const files = Object.entries(call.files ?? {}).map(([path, text]) => ({
    path,
    bytes: Buffer.from(text),
    executable: text.startsWith("#!"),
  }));
  const request = {
    ...{ key: "key", tool: "tool", command: call.command, args: call.args ?? [], files },
    stdin: Buffer.from(call.stdin ?? ""),
  };
  const output = ({ bytes }: { bytes: Uint8Array }) => call.output?.(Buffer.from(bytes).toString());
  const limits = { ...LIMITS, ...call.limits };
  return box.run(request, limits, call.signal ?? new AbortController().signal, output);
}

export const shell = (box: Sandbox, script: string, more: Partial<Call> = {}) =>
  callOn(box, { command: "sh", args: ["-c", script], ...more });

/** What a call printed, and that it went well. */
export function printed(outcome: Outcome<CommandOutput>): string {
  if (outcome.tag === "ok") return Buffer.from(outcome.value.stdout).toString();
  throw new Error(JSON.stringify(outcome));
}

/** Processes below this one, as the kernel names them; those of the test runner are not counted. */
export function sandboxProcesses(): string[] {
  return descendants(process.pid).flatMap((pid) => {
    try {
      const name = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
      return /bwrap|qemu|busybox|^sh$|runsc|exe/.test(name) ? [`${pid} ${name}`] : [];
    } catch {
      return []; // it ended in the meantime
    }
  });
}

/** Open descriptors of this process that are no part of the test runner: pipes, sockets, files. */
export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return /pipe|socket|coppice/.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false; // the one that listed them
    }
  }).length;
}
