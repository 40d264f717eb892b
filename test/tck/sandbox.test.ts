// What every sandbox driver promises (src/tool/sandbox.ts), on each tier this host has.

import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SandboxLimits } from "../../src/actor/walls.ts";
import type { Sandbox } from "../../src/tool/sandbox.ts";
import { callOn, hostTiers, openTier, printed, sandboxProcesses, shell } from "./sandbox-host.ts";

const tiers = await hostTiers();

describe.each(tiers)("sandbox $tier", ({ tier, missing }) => {
  let box: Sandbox;
  describe.skipIf(missing !== null)("on this host", () => {
    beforeAll(async () => {
      box = await openTier(tier);
    });
    afterAll(async () => {
      await box?.close();
      for (let turn = 0; turn < 200 && sandboxProcesses().length > 0; turn++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(sandboxProcesses()).toEqual([]);
    });

    test("gives both streams, apart, and what was used", async () => {
      const outcome = await shell(box, "echo out; echo err >&2");
      expect(outcome).toMatchObject({ tag: "ok", tier });
      if (outcome.tag !== "ok") return;
      expect(Buffer.from(outcome.value.stdout).toString()).toBe("out\n");
      expect(Buffer.from(outcome.value.stderr).toString()).toBe("err\n");
      expect(outcome.usage.wallMs).toBeGreaterThan(0);
      expect(outcome.usage.bytesOut).toBe(8);
      expect(outcome.usage.bytesIn).toBeGreaterThan(10);
    });

    test("a status is a failure with what was printed last", async () => {
      const outcome = await shell(box, "echo first >&2; echo no such file >&2; exit 3");
      expect(outcome).toMatchObject({ tag: "failed", code: 3, tier });
      expect(outcome).toHaveProperty("why", expect.stringContaining("no such file"));
      expect(await callOn(box, { command: "no-such-program" })).toMatchObject({
        tag: "failed",
        code: 127,
      });
      expect(await shell(box, "kill -SEGV $$")).toMatchObject({ tag: "failed", code: null });
    });

    test("arguments arrive as they are, no shell reads them", async () => {
      const args = ["", "a b", '"$HOME"', "ü\n'", "*", "--", "-n"];
      const script = 'for each; do printf "[%s]" "$each"; done';
      const outcome = await callOn(box, { command: "sh", args: ["-c", script, "sh", ...args] });
      expect(printed(outcome)).toBe(args.map((each) => `[${each}]`).join(""));
    });

    test("stdin arrives whole, also when nobody reads it", async () => {
      const stdin = randomBytes(700_000);
      const outcome = await callOn(box, { command: "cat", stdin });
      expect(outcome.tag).toBe("ok");
      if (outcome.tag === "ok") expect(Buffer.from(outcome.value.stdout).equals(stdin)).toBe(true);
      expect(printed(await shell(box, "echo done", { stdin }))).toBe("done\n");
    });

    test("files are in the working folder, some may be run", async () => {
      const long = `${"deep/".repeat(30)}file.txt`;
      const files = {
        "a/b.txt": "text",
        "run.sh": "#!/bin/sh\necho ran $1",
        "big.bin": "x".repeat(600_000),
        [long]: "far",
      };
      const script = `pwd; cat a/b.txt; ./run.sh it; wc -c < big.bin; cat ${long}; rm a/b.txt && echo gone`;
      const outcome = await shell(box, script, { files, stdin: "unread" });
      expect(printed(outcome)).toBe("/scratch\ntextran it\n600000\nfargone\n");
    });

    test("files that do not fit are told before anything runs", async () => {
      const limits = { scratchBytes: 2 ** 20 };
      const files = { big: "x".repeat(2 ** 21) };
      expect(await shell(box, "echo ran", { files, limits })).toMatchObject({
        tag: "killed",
        limit: "scratch",
      });
    });

    test("output streams while the command runs", async () => {
      const parts: string[] = [];
      const done = shell(box, "echo one; read line; sleep 1; echo two", {
        output: (text) => parts.push(text),
      });
      await expect.poll(() => parts.join("")).toContain("one");
      const early = parts.join("");
      expect(printed(await done)).toBe("one\ntwo\n");
      expect(early).toBe("one\n");
    });

    // (The other tiers have other signs of it: test/security.)
    const inMachine = test.runIf(tier.startsWith("microvm"));
    inMachine("what reached a limit of its machine is told as that", async () => {
      const memory = { memoryBytes: 96 * 2 ** 20 };
      const code = "a = []\nwhile True: a.append(bytearray(b'x' * 4_000_000))";
      const full = await callOn(box, { command: "python3", args: ["-c", code], limits: memory });
      expect(full).toMatchObject({ tag: "killed", limit: "memory" });
      const script = "for i in 1 2 3 4 5 6 7 8 9; do sleep 100 & done; wait";
      const many = await shell(box, script, { limits: { processes: 5 } });
      expect(many).toMatchObject({ tag: "killed", limit: "processes" });
    });

    test("a deadline, an owner that is gone, and too much output end it", async () => {
      const late = await shell(box, "echo x; sleep 1000", { limits: { timeoutMs: 1_500 } });
      expect(late).toMatchObject({ tag: "timeout", limitMs: 1_500, tier });
      const owner = new AbortController();
      const dropped = shell(box, "echo x; sleep 1000", {
        signal: owner.signal,
        output: () => owner.abort(),
      });
      expect(await dropped).toMatchObject({ tag: "killed", limit: "owner" });
      const never = await shell(box, "echo ran", { signal: AbortSignal.abort() });
      expect(never).toMatchObject({ tag: "killed", limit: "owner" });
      const flood = await shell(box, "yes", { limits: { outputBytes: 50_000 } });
      expect(flood).toMatchObject({ tag: "killed", limit: "output" });
      expect(flood.usage.bytesOut).toBeLessThanOrEqual(50_000);
      const exact = "head -c 5000 /dev/zero";
      expect((await shell(box, exact, { limits: { outputBytes: 5_000 } })).tag).toBe("ok");
      expect((await shell(box, exact, { limits: { outputBytes: 4_999 } })).tag).toBe("killed");
    });

    describe("hosts that are granted are reached through the proxy, and no others", () => {
      const big = randomBytes(400_000);
      const server = createServer((req, res) =>
        res.end(req.url === "/big" ? big : `${req.method} ${req.url}`),
      );
      let limits: Partial<SandboxLimits> = {};
      let url = "";
      beforeAll(async () => {
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        const to = `127.0.0.1:${(server.address() as AddressInfo).port}`;
        url = `http://${to}`;
        limits = { network: [to], timeoutMs: 200_000 };
      });
      afterAll(() => {
        server.closeAllConnections();
        server.close();
      });

      test("by node", async () => {
        const js = `fetch("${url}/node", { method: "POST", body: "x".repeat(200_000) })
          .then((answer) => answer.text()).then(console.log)
          .then(() => fetch("https://example.org/")).catch((error) => console.log(error.message))`;
        const end = await callOn(box, { command: "node", args: ["-e", js], limits });
        expect(printed(end)).toBe("POST /node\nfetch failed\n");
        expect(end.usage.network).toMatchObject([
          { to: url.slice("http://".length), refused: null, connections: 1 },
          { to: "example.org:443", refused: "it is not granted", bytesIn: 0, bytesOut: 0 },
        ]);
        expect(end.usage.network?.[0]?.bytesOut).toBeGreaterThan(200_000);
      });

      test("by python3", async () => {
        const py = `import urllib.request as u
print(u.urlopen("${url}/python").read().decode())
try: u.urlopen("https://example.org/")
except OSError as error: print(error)`;
        const end = await callOn(box, { command: "python3", args: ["-c", py], limits });
        expect(printed(end)).toMatch(/^GET \/python\n.*403/);
      });

      test("by the shell, beside a long stdin; nothing of it without a grant", async () => {
        const sh = `wget -q -O - ${url}/sh; echo; wget -q -O - http://example.org/ || echo no
          for each in 1 2 3; do wget -q -O - ${url}/big | sha256sum & done; wait`;
        const sum = createHash("sha256").update(big).digest("hex");
        const end = await shell(box, sh, { limits, stdin: randomBytes(700_000) });
        expect(printed(end)).toBe(`GET /sh\nno\n${`${sum}  -\n`.repeat(3)}`);
        const none = await shell(box, `env | grep -i proxy; wget -q -O - ${url}/none; exit 0`);
        expect(printed(none)).toBe("");
        expect(none.usage.network).toBeUndefined();
      });
    });

    test("each call is alone: files, processes, random numbers; the clock is right", async () => {
      const look =
        "ls -A /scratch; echo x > /scratch/mark; sleep 1000 & od -An -tx1 -N16 /dev/urandom; date +%s";
      const seen = await Promise.all(Array.from({ length: 5 }, () => shell(box, look)));
      const lines = seen.map((each) => printed(each).trim().split("\n"));
      for (const each of lines) {
        expect(each).toHaveLength(2);
        expect(Math.abs(Number(each[1]) * 1_000 - Date.now())).toBeLessThan(120_000);
      }
      expect(new Set(lines.map(([random]) => random)).size).toBe(5);
    });

    test("node: a program by argument, file, module and stdin; random afresh", async () => {
      const js = (args: string[], more = {}) => callOn(box, { command: "node", args, ...more });
      const random = "console.log(Math.random(), crypto.randomUUID(), process.version)";
      const [a, b] = await Promise.all([js(["-e", random]), js(["-e", random])]);
      expect(printed(a).split(" ")[2]?.trim()).toBe(process.version);
      expect(printed(a).split(" ")[0]).not.toBe(printed(b).split(" ")[0]);
      expect(printed(a).split(" ")[1]).not.toBe(printed(b).split(" ")[1]);
      const files = {
        "lib.cjs": "exports.six = 6;",
        "start.cjs": "console.log(require('./lib.cjs').six, process.argv.slice(2), __filename)",
        "main.mjs": "import { six } from './lib.cjs'; console.log(await six)",
      };
      expect(printed(await js(["start.cjs", "x", "-y"], { files }))).toBe(
        "6 [ 'x', '-y' ] /scratch/start.cjs\n",
      );
      expect(printed(await js(["main.mjs"], { files }))).toBe("6\n");
      expect(printed(await js([], { stdin: "console.log(6 * 7)" }))).toBe("42\n");
      expect(printed(await js(["-p", "6 * 7"]))).toBe("42\n");
      const thrown = await js(["-e", "null.x"]);
      expect(thrown).toMatchObject({ tag: "failed", code: 1 });
      expect(thrown).toHaveProperty("why", expect.stringContaining("TypeError"));
      expect(await js(["-e", "process.exit(9)"])).toMatchObject({ tag: "failed", code: 9 });
    });

    test("python3: a program by argument, file and stdin; random afresh", async () => {
      const py = (args: string[], more = {}) => callOn(box, { command: "python3", args, ...more });
      const random =
        "import random, uuid, ssl; print(random.random(), uuid.uuid4(), ssl.RAND_bytes(4))";
      const [a, b] = await Promise.all([py(["-c", random]), py(["-c", random])]);
      for (const at of [0, 1, 2]) {
        expect(printed(a).split(" ")[at]).not.toBe(printed(b).split(" ")[at]);
      }
      const files = { "lib.py": "six = 6", "main.py": "import lib, sys; print(lib.six, sys.argv)" };
      expect(printed(await py(["main.py", "x"], { files }))).toBe("6 ['main.py', 'x']\n");
      expect(printed(await py([], { stdin: "print(6 * 7)" }))).toBe("42\n");
      const thrown = await py(["-c", "raise ValueError('odd')"]);
      expect(thrown).toMatchObject({ tag: "failed", code: 1 });
      expect(thrown).toHaveProperty("why", expect.stringContaining("ValueError: odd"));
      expect(await py(["-c", "import sys; sys.exit(9)"])).toMatchObject({ tag: "failed", code: 9 });
    });

    test("a witness tells what was done, or the call is refused", async () => {
      const script = "echo x > mark; id; (sleep 1000 &); ping -c 1 -w 1 1.1.1.1; exit 0";
      const outcome = await shell(box, script, { limits: { witness: true } });
      if (!tier.startsWith("microvm")) return expect(outcome).toMatchObject({ tag: "denied" });
      expect(outcome).toMatchObject({ tag: "ok" });
      const seen = outcome.tag === "ok" ? (outcome.value.witness ?? []) : [];
      const lines = seen.map(({ what, detail }) => `${what} ${detail}`);
      expect(lines).toEqual(
        expect.arrayContaining(["file 2\t/scratch/mark", "exec /usr/bin/busybox", "left 1"]),
      );
      expect(lines.some((line) => /^(blind|lost)/.test(line))).toBe(false);
    });

    test("close ends what runs", async () => {
      const other = await openTier(tier);
      const began = Promise.withResolvers<void>();
      const running = shell(other, "echo x; sleep 1000", { output: () => began.resolve() });
      await began.promise;
      await other.close();
      expect((await running).tag).toMatch(/killed|unknown/);
    });
  });
});
