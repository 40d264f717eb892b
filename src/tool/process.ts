/**
 * Owns: the tier `process`: a command in namespaces of its own, as an unprivileged user, in a guest's
 * root, without a network device, under a filter of system calls. It shares the host's kernel: one hole in it
 * is one too many, so this is not for hostile code.
 * Does not own: the walls' command line (jail.ts), running it (confined.ts).
 */

import type { SandboxLimits } from "../actor/walls.ts";
import { tar } from "./archive.ts";
import { Collector } from "./collect.ts";
import { type Confined, runConfined } from "./confined.ts";
import { ConfinedSandbox, type Walls } from "./confined-sandbox.ts";
import { DOOR, RELAY } from "./door.ts";
import { builtImages, lacking, shellOf } from "./image.ts";
import { jailed, jailUser } from "./jail.ts";
import { PROXY_ENV } from "./outlet.ts";
import type { SandboxDriver, SandboxRequest, TierReport } from "./sandbox.ts";
import { seccompFilter } from "./seccomp.ts";

/** What a command finds in its environment, in every tier. */
export const GUEST_ENV = {
  PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
  ...{ HOME: "/scratch", TMPDIR: "/scratch", LANG: "C.UTF-8", USER: "tool" },
} as const;

/** Processes of bubblewrap in the sandbox. */
const OWN = 1;
/**
 * A process may take that much more than all together, until somebody looks; Node.js reserves as much
 * without using it. @unit bytes
 */
const SLACK = 512 * 2 ** 20;

/**
 * The command line inside: a shell sets limits, unpacks the files that precede stdin, and becomes the
 * command. @param processes null: the walls cannot count them
 */
export function prelude(
  request: SandboxRequest,
  limits: SandboxLimits,
  archive: number,
  processes: number | null,
  door: string | null,
): string[] {
  const kib = Math.ceil((limits.memoryBytes + SLACK) / 1024);
  const count = processes === null ? "" : `ulimit -u ${processes}; `;
  // The tar is read to its last byte and not one further: what follows is the command's stdin.
  const dd = `dd bs=${archive} count=1 iflag=fullblock 2>/dev/null`;
  const files = archive > 0 ? `${dd} | tar xf - -C /scratch || exit 125; ` : "";
  const relay = door === null ? "" : `${RELAY} || exit 125; `;
  const script = `ulimit -c 0; ulimit -n 1024; ulimit -d ${kib}; ${files}${relay}${count}exec "$@"`;
  return ["/bin/sh", "-c", script, "sh", request.command, ...request.args];
}

/** The files of a call, as its stdin begins with them. */
export function archiveOf(request: SandboxRequest): Buffer {
  if (request.files.length === 0) return Buffer.alloc(0);
  const mode = (executable: boolean) => (executable ? 0o755 : 0o644);
  return tar(
    request.files.map(({ path, bytes, executable }) => ({ path, bytes, mode: mode(executable) })),
  );
}

/** The environment of a command. */
export const envOf = (door: string | null) =>
  door === null ? GUEST_ENV : { ...GUEST_ENV, ...PROXY_ENV };

function confine({ image, request, limits, user, door }: Walls): Confined {
  const archive = archiveOf(request);
  const mounts = ["--size", `${limits.scratchBytes}`, "--tmpfs", "/scratch", "--chdir", "/scratch"];
  if (door !== null) mounts.push("--ro-bind", door, DOOR);
  const own = OWN + (door === null ? 0 : 1);
  const walls = {
    ...{ jail: image.jail, shell: shellOf(image), descriptors: 3, root: image.root },
    ...{ user, mounts, env: envOf(door), limits: [], seccomp: 3 },
    command: prelude(request, limits, archive.length, limits.processes + own + 1, door),
  };
  const stdin = Buffer.concat([archive, request.stdin]);
  return {
    spawn: jailed(walls),
    stdin,
    filter: seccompFilter(),
    own,
    counted: true,
    after: null,
  };
}

/** What a probe runs. */
export const TRY: SandboxLimits = {
  ...{ timeoutMs: 10_000, memoryBytes: 2 ** 26, scratchBytes: 2 ** 20, outputBytes: 4_096 },
  ...{ processes: 8, vcpus: 1, network: "none", trafficBytes: 0 },
  ...{ witness: false },
};

export const tryRequest: SandboxRequest = {
  ...{ key: "", tool: "", command: "/bin/true", args: [], files: [] },
  stdin: new Uint8Array(),
};

const anyUser = () => jailUser(process.getuid?.(), Math.random());

/** Runs `true` behind the walls: namespaces may be forbidden in many ways. */
async function probe(): Promise<TierReport> {
  const tier = "process" as const;
  const missing = (why: string, fix: string) => ({ tier, available: false, why, fix }) as const;
  if (process.platform !== "linux" || process.arch !== "x64") {
    return missing(
      `it is for Linux on x64, not ${process.platform} on ${process.arch}`,
      "use such a host",
    );
  }
  const images = builtImages();
  const [image] = images;
  if (image === undefined) return { tier, available: false, ...lacking() };
  const collected = new Collector(TRY, () => {});
  const { signal } = new AbortController();
  const walls = { image, request: tryRequest, limits: TRY, user: anyUser(), door: null };
  const { end } = await runConfined(confine(walls), TRY, signal, collected);
  if ("code" in end && end.code === 0) {
    const roots = images.map((each) => each.runtime).join(", ");
    return { tier, available: true, what: `bubblewrap, not for hostile code; roots: ${roots}` };
  }
  const names = ["unprivileged_userns_clone=1", "apparmor_restrict_unprivileged_userns=0"];
  const fix = `allow user namespaces: sysctl ${names.map((each) => `kernel.${each}`).join(" ")}`;
  const why = "why" in end ? end.why : collected.why();
  return missing(`namespaces are not to be had here: ${why}`, fix);
}

export const processes: SandboxDriver = {
  probe,
  open: async () => new ConfinedSandbox({ tier: "process", folder: null, user: anyUser, confine }),
};
