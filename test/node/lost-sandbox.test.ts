/** A sandbox ended from outside: its owner gets an exit, on a real node, on each tier of the host. */
import { readFileSync } from "node:fs";
import { ref, type System, start } from "coppice";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { descendants } from "../../src/tool/processes.ts";
import { hostTiers } from "../tck/sandbox-host.ts";
import { Ear, Plain, Trapping } from "./fixtures/sandboxes.ts";

const tiers = (await hostTiers()).filter(({ tier }) => tier !== "microvm");
const all = tiers.every(({ missing }) => missing === null);
const plain = ref("/desk/plain", Plain);
const trapping = ref("/desk/trapping", Trapping);
const exits: string[] = [];
let system: System;

/** Pids of walls that hold a command which waits. */
function walls(tier: string): number[] {
  return descendants(process.pid).filter((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      if (tier === "microvm-tcg") return command.startsWith("/usr/bin/qemu");
      const parent = Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[3]);
      return parent === process.pid && /^unshare|86400/.test(command);
    } catch {
      return false; // it has ended meanwhile
    }
  });
}

const up = () => system.ask(ref("/desk/ear", Ear), "count", {}, { timeout: "1m" });

describe.skipIf(!all)("killed from outside", () => {
  beforeAll(async () => {
    system = await start(new URL("./fixtures/sandboxes.ts", import.meta.url), {
      ...{ threads: 1, log: "silent", inspect: false },
      onEvent: (event) => {
        if (event.type === "exited") exits.push(JSON.stringify(event.reason));
      },
    });
  });
  afterAll(() => system.stop());

  test.each(tiers)("$tier: its owner ends with it, or hears of it", async ({ tier }) => {
    exits.length = 0;
    const calls = await up();
    const killed = async (count: number) => {
      await expect.poll(up).toBe(calls + count);
      for (const pid of walls(tier)) process.kill(pid, "SIGKILL");
    };
    system.tell(plain, "go", tier as "process");
    await killed(1);
    await expect.poll(() => exits).toHaveLength(1);
    expect(exits[0]).toMatch(`"name":"SandboxLost"`);
    expect(exits[0]).toMatch(`the ${tier} sandbox of tool`);
    system.tell(trapping, "go", tier as "process");
    await killed(2);
    const said = () => system.ask(trapping, "said", {}, { timeout: "1m" });
    await expect
      .poll(async () => (await said()).slice(-2))
      .toEqual(["E_TOOL_UNKNOWN", "SandboxLost"]);
    expect(exits).toHaveLength(1);
  });
});
