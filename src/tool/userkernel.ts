/**
 * Owns: the tier `userkernel`: a command on gVisor, a kernel in user space that answers its system calls,
 * in a guest's root and without a network device. gVisor must be started by root; it gives up its rights
 * itself.
 * Does not own: running it (confined.ts), the command line inside (process.ts).
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Collector } from "./collect.ts";
import { type Confined, runConfined } from "./confined.ts";
import { ConfinedSandbox, type Walls } from "./confined-sandbox.ts";
import { DOOR } from "./door.ts";
import { builtImages, lacking, shellOf } from "./image.ts";
import { closing } from "./jail.ts";
import { archiveOf, envOf, prelude, TRY, tryRequest } from "./process.ts";
import { runFolder } from "./run-folder.ts";
import type { SandboxDriver, TierReport } from "./sandbox.ts";

/** Processes of gVisor beside those of the command. */
const OWN = 6;
/** What gVisor itself takes. @unit bytes */
const EXTRA = 128 * 2 ** 20;

/** What the Open Container Initiative calls a bundle, as far as gVisor reads it. */
function bundle({ image, limits, door }: Walls, args: readonly string[]): object {
  const { scratchBytes } = limits;
  const env = Object.entries(envOf(door)).map(([name, value]) => `${name}=${value}`);
  const mount = (destination: string, type: string, options: string[] = []) => {
    return { destination, type, source: type, options };
  };
  return {
    ociVersion: "1.0.0",
    process: {
      ...{ terminal: false, user: { uid: 1000, gid: 1000 }, args, env, cwd: "/scratch" },
      ...{ noNewPrivileges: true, capabilities: {} },
    },
    root: { path: image.root, readonly: true },
    hostname: "sandbox",
    mounts: [
      mount("/proc", "proc"),
      // gVisor makes devices of its own.
      mount("/scratch", "tmpfs", [`size=${scratchBytes}`, "mode=0777"]),
      ...(door === null ? [] : [{ ...mount(DOOR, "bind", ["bind", "ro"]), source: door }]),
    ],
    linux: { namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })) },
  };
}

function confine(folder: string, gvisor: string) {
  return (walls: Walls): Confined => {
    const { image, request, limits, door } = walls;
    // gVisor takes it for the name of a socket, which all of the host share.
    const id = `coppice-${randomUUID()}`;
    const own = join(folder, id);
    const archive = archiveOf(request);
    const args = prelude(request, limits, archive.length, null, door);
    mkdirSync(own, { recursive: true, mode: 0o700 });
    writeFileSync(join(own, "config.json"), JSON.stringify(bundle(walls, args)));
    // A namespace of processes around it: whatever it leaves behind ends with it.
    const around = [
      "--pdeathsig",
      "KILL",
      "unshare",
      "--pid",
      "--fork",
      "--kill-child",
      "--mount-proc",
    ];
    const flags = ["--network=none", "--ignore-cgroups", "--platform=ptrace"];
    if (door !== null) flags.push("--host-uds=open");
    const command = [gvisor, "--root", join(own, "state"), ...flags, "run", "--bundle", own, id];
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
    return {
      spawn: {
        file: shellOf(image),
        args: closing(2, ["setpriv", ...around, ...command]),
        env,
      },
      stdin: Buffer.concat([archive, request.stdin]),
      ...{
        filter: null,
        own: OWN + (door === null ? 0 : 1),
        counted: false,
        shared: true,
        extraBytes: EXTRA,
      },
      after: () => rm(own, { recursive: true, force: true }),
    };
  };
}

async function probe(): Promise<TierReport> {
  const tier = "userkernel" as const;
  const missing = (why: string, fix: string) => ({ tier, available: false, why, fix }) as const;
  const images = builtImages();
  const [image] = images;
  if (image === undefined) return { tier, available: false, ...lacking() };
  if (!image.gvisor) {
    return missing(
      "this distribution has no gVisor",
      "use microvm-tcg, which is the stronger wall",
    );
  }
  if (process.getuid?.() !== 0) {
    return missing("gVisor must be started by root", "run as root, or use microvm-tcg");
  }
  const folder = runFolder();
  const { signal } = new AbortController();
  const collected = new Collector(TRY, () => {});
  const walls = { image, request: tryRequest, limits: TRY, user: null, door: null };
  const confined = confine(folder, image.gvisor)(walls);
  const { end } = await runConfined(confined, TRY, signal, collected);
  await rm(folder, { recursive: true, force: true });
  if ("code" in end && end.code === 0) {
    const roots = images.map((each) => each.runtime).join(", ");
    return { tier, available: true, what: `gVisor; roots: ${roots}` };
  }
  const why = "why" in end ? end.why : collected.why();
  return missing(`gVisor does not run here: ${why.slice(0, 300)}`, "use microvm-tcg");
}

/** A kernel in user space. */
export const userkernel: SandboxDriver = {
  probe,
  async open() {
    const folder = runFolder();
    return new ConfinedSandbox({
      ...{ tier: "userkernel", folder, user: () => null },
      confine: (walls) => confine(folder, walls.image.gvisor ?? "")(walls),
    });
  },
};
