// kill -9 of the process that holds sandboxes leaves none of them.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { descendants, runs } from "../../src/tool/processes.ts";
import { hostTiers } from "../tck/sandbox-host.ts";

const COUNT = 20;

describe.each(await hostTiers())("on $tier", { timeout: 300_000 }, ({ tier, missing }) => {
  test.skipIf(missing !== null)(`${COUNT} sandboxes end with their holder`, async () => {
    const file = join(import.meta.dirname, "holder.ts");
    const args = ["--conditions=coppice-source", file, tier, `${COUNT}`];
    const holder = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(holder.stdout, "data");
      const pids = descendants(holder.pid as number);
      expect(pids.length).toBeGreaterThanOrEqual(COUNT);
      holder.kill("SIGKILL");
      await expect.poll(() => pids.filter(runs)).toEqual([]);
    } finally {
      holder.kill("SIGKILL");
    }
  });
});
