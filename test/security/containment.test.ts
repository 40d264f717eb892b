// Hostile code on every tier that this host has: contained, and the outcome says so.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttp, type Server as Http } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ISOLATED_TIERS } from "../../src/actor/outcome.ts";
import type { Sandbox } from "../../src/tool/sandbox.ts";
import {
  callOn,
  hostTiers,
  openTier,
  printed,
  sandboxProcesses,
  shell,
} from "../tck/sandbox-host.ts";
import { root } from "../tidy/source.ts";
import { ATTEMPTS, type Bait } from "./attempts.ts";

const folder = mkdtempSync(join(tmpdir(), "coppice-bait-"));
const secret = "host-secret-7f3a";
let bait: Bait;
let server: Server;
let granted: Http;
let reached = 0;
const victim = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });

beforeAll(async () => {
  process.env.COPPICE_TEST_SECRET = secret;
  const file = join(folder, "secret");
  writeFileSync(file, secret, { mode: 0o644 });
  server = createServer((socket) => {
    reached++;
    socket.end(secret);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  granted = createHttp((req, res) => {
    const more = () => {
      while (!res.destroyed && res.write(Buffer.alloc(65_536)));
      res.once("drain", more);
    };
    if (req.url === "/endless") return more();
    const { port } = server.address() as AddressInfo;
    if (req.url === "/away") res.writeHead(302, { Location: `http://127.0.0.1:${port}/` });
    res.end("granted says hello");
  });
  granted.listen(0, "127.0.0.1");
  await once(granted, "listening");
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  bait = {
    ...{ secret, file, folder, pid: victim.pid as number },
    port: (server.address() as AddressInfo).port,
    granted: (granted.address() as AddressInfo).port,
    addresses: addresses.filter((each) => each.family === "IPv4").map((each) => each.address),
  };
});

afterAll(() => {
  delete process.env.COPPICE_TEST_SECRET;
  server.close();
  granted.closeAllConnections();
  granted.close();
  victim.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

describe.each(await hostTiers())("on $tier", ({ tier, missing }) => {
  describe.skipIf(missing !== null)("contained", () => {
    let box: Sandbox;
    beforeAll(async () => {
      box = await openTier(tier);
    });
    afterAll(() => box?.close(), 60_000);

    test.each(ATTEMPTS)("$name", async (attempt) => {
      let said = "";
      const call = attempt.call(bait);
      const outcome = await callOn(box, { ...call, output: (text) => (said += text) });
      const all = `${said} ${"why" in outcome ? outcome.why : ""}`;
      expect(attempt.ends, all.slice(-500)).toContain(outcome.tag);
      if (attempt.limit !== undefined) expect(outcome).toMatchObject({ limit: attempt.limit });
      expect(all).not.toContain(secret);
      if (attempt.never) expect(all).not.toMatch(attempt.never);
      if (attempt.always) expect(all).toMatch(attempt.always);
      // The host is as it was.
      expect(reached).toBe(0);
      expect(readdirSync(folder)).toEqual(["secret"]);
      expect(readFileSync(bait.file, "utf8")).toBe(secret);
      expect(existsSync("/etc/mark")).toBe(false);
      expect(victim.exitCode ?? victim.signalCode).toBeNull();
      // And the next call finds nothing of it.
      const next = "ls -A /scratch; ps | grep -c '[s]leep 86400'; exit 0";
      expect(printed(await shell(box, next))).toBe("0\n");
    });

    test("nothing is left", async () => {
      await box.close();
      await expect.poll(sandboxProcesses).toEqual([]);
    });
  });
});

test("docs/CONTAINMENT.md lists every attempt", () => {
  const rows = ATTEMPTS.map(({ name, what, ends, limit }) => {
    const end = limit === undefined ? ends.join(" or ") : `${ends.join(" or ")}: ${limit}`;
    return `| ${name} | ${what} | ${end} |`;
  });
  const text = `# What hostile code tried

Made of \`test/security/attempts.ts\` by \`test/security/containment.test.ts\`, which makes each
attempt on each tier the host has (${ISOLATED_TIERS.join(", ")}). After each, the host's files,
listener and processes are as they were, the secret was not printed, and the next call finds nothing of it.
\`process\` contains these attempts; it shares the host's kernel, and is not for hostile code.

| attempt | what is done | outcome |
|---|---|---|
${rows.join("\n")}
`;
  const path = join(root, "docs", "CONTAINMENT.md");
  if (process.env.COPPICE_WRITE_CONTAINMENT === "1") writeFileSync(path, text);
  expect(readFileSync(path, "utf8")).toBe(text);
});
