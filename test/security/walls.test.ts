// The walls, seen from the host while something runs behind them: what a call cannot tell from inside,
// because what holds it is another wall still.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { descendants } from "../../src/tool/processes.ts";
import { hostTiers, LIMITS, openTier, shell } from "../tck/sandbox-host.ts";

const SECRET = "host-secret-51c9";
const NAMESPACES = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
const root = process.getuid?.() === 0;

const of = (pid: number, name: string) => readFileSync(`/proc/${pid}/${name}`, "latin1");
const field = (text: string, name: string) =>
  new RegExp(`^${name}:?\\s+(\\S+)`, "m").exec(text)?.[1];
const limit = (pid: number, name: string) => Number(field(of(pid, "limits"), name));

/** The process that runs what is hostile: the command itself, or the machine. */
function confined(name: RegExp): number | undefined {
  return descendants(process.pid).find((pid) => {
    try {
      return name.test(of(pid, "comm"));
    } catch {
      return false; // it ended in the meantime
    }
  });
}

function commonWalls(pid: number): void {
  const status = of(pid, "status");
  expect(field(status, "Seccomp")).toBe("2");
  expect(field(status, "NoNewPrivs")).toBe("1");
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) {
    expect(field(status, set)).toMatch(/^0+$/);
  }
  if (root) expect(Number(field(status, "Uid"))).toBeGreaterThanOrEqual(0x6000_0000);
  for (const each of NAMESPACES) {
    const [theirs, ours] = [pid, "self"].map((who) => readlinkSync(`/proc/${who}/ns/${each}`));
    expect(theirs, each).not.toBe(ours);
  }
  expect(of(pid, "environ")).not.toContain(SECRET);
  expect(limit(pid, "Max core file size")).toBe(0);
  expect(of(pid, "mountinfo")).toMatch(/^\S+ \S+ \S+ \S+ \/ ro[, ]/m);
}

const TIERS: Readonly<Record<string, { name: RegExp; walls: (pid: number) => void }>> = {
  process: {
    name: /^sleep/,
    walls(pid) {
      expect(limit(pid, "Max data size")).toBeLessThan(2 ** 30);
      expect(limit(pid, "Max processes")).toBeLessThan(2 * LIMITS.processes);
      const kib = LIMITS.scratchBytes / 1024;
      expect(of(pid, "mountinfo")).toMatch(new RegExp(` /scratch .*size=${kib}k`));
    },
  },
  "microvm-tcg": {
    name: /^qemu/,
    walls(pid) {
      expect(of(pid, "mountinfo")).not.toMatch(/ \/proc[ /]/);
      if (root) expect(readdirSync(join("/proc", `${pid}`, "root", "dev"))).toEqual(["null"]);
      const disks = readdirSync(`/proc/${pid}/fd`).filter(
        (fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === "/run/disk",
      );
      expect(disks.length).toBeGreaterThan(0);
      for (const fd of disks) {
        const flags = Number.parseInt(field(of(pid, `fdinfo/${fd}`), "flags") ?? "", 8);
        expect(flags & 3).toBe(0); // opened to be read
      }
      expect(limit(pid, "Max file size")).toBeLessThanOrEqual(2 ** 29);
    },
  },
};

const tiers = (await hostTiers()).filter(({ tier }) => tier in TIERS);

describe.each(tiers)("on $tier", { timeout: 300_000 }, ({ tier, missing }) => {
  test.skipIf(missing !== null)("each wall stands", async () => {
    process.env.COPPICE_TEST_SECRET = SECRET;
    const box = await openTier(tier);
    const { promise: began, resolve } = Promise.withResolvers<void>();
    try {
      const more = { limits: { timeoutMs: 290_000 }, output: () => resolve() };
      const call = shell(box, "echo x; sleep 86400", more);
      await Promise.race([began, call.then((end) => Promise.reject(new Error(end.tag)))]);
      const found = TIERS[tier] as (typeof TIERS)[string];
      await expect.poll(() => confined(found.name), { timeout: 60_000 }).toBeDefined();
      const pid = confined(found.name) as number;
      commonWalls(pid);
      found.walls(pid);
    } finally {
      delete process.env.COPPICE_TEST_SECRET;
      await box.close();
    }
  });
});
