// An interpreter that waited warm, and is not taken apart at its end, does what others can see of it: on
// each tier a program prints the same, in the same order, and ends with the same status.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Sandbox } from "../../src/tool/sandbox.ts";
import { callOn, hasImages, hostTiers, openTier } from "./sandbox-host.ts";

interface Program {
  readonly code: string;
  readonly printed: string;
  /** 0: it ends well. */
  readonly status: number;
  /** Of what it complained. */
  readonly why?: RegExp;
}

const BYE = `process.on("exit", (code) => console.log("bye", code));`;

const NODE: Readonly<Record<string, Program>> = {
  "its listeners hear of the end, once": {
    code: `${BYE} console.log("a"); setTimeout(() => console.log("later"), 5); process.exitCode = 4;`,
    ...{ printed: "a\nlater\nbye 4\n", status: 4 },
  },
  "process.exit": { code: `${BYE} process.exit(7);`, printed: "bye 7\n", status: 7 },
  "a listener changes the status": {
    code: `${BYE} process.on("exit", () => { process.exitCode = 9; });`,
    ...{ printed: "bye 0\n", status: 9 },
  },
  "an error nobody caught": {
    code: `${BYE} throw new Error("odd");`,
    ...{ printed: "bye 1\n", status: 1, why: /Error: odd/ },
  },
  "a rejection nobody handled": {
    code: `${BYE} Promise.reject(new Error("odd"));`,
    ...{ printed: "bye 1\n", status: 1, why: /Error: odd/ },
  },
  "a promise that is never settled": {
    code: `console.log(await import("node:os").then((os) => typeof os.cpus)); await new Promise(() => {});`,
    ...{ printed: "function\n", status: 13, why: /unsettled top-level await/ },
  },
  "an import in a script": {
    code: `import("node:os").then((os) => console.log(typeof os.cpus));`,
    ...{ printed: "function\n", status: 0 },
  },
  "children get its streams and nothing else": {
    code: `const { execFileSync } = require("node:child_process");
      console.log(execFileSync("sh", ["-c", "cd /proc/self/fd; echo *"]).toString());`,
    ...{ printed: "0 1 2 3\n\n", status: 0 },
  },
  "what is hot is compiled": {
    code: `require("node:v8").setFlagsFromString("--allow-natives-syntax");
      function hot(n) { let sum = 0; for (let i = 0; i < n; i++) sum += i % 7; return sum; }
      const compiled = new Function("f", "return (%GetOptimizationStatus(f) & 16) !== 0");
      const turn = () => { for (let i = 0; i < 500; i++) hot(20); };
      (async () => {
        const until = Date.now() + 30_000;
        while (!compiled(hot) && Date.now() < until) { turn(); await new Promise(setImmediate); }
        console.log(compiled(hot));
      })();`,
    ...{ printed: "true\n", status: 0 },
  },
  "all is printed before the end": {
    code: `process.stdout.write("y".repeat(300_000));`,
    ...{ printed: "y".repeat(300_000), status: 0 },
  },
};

const PYTHON: Readonly<Record<string, Program>> = {
  "threads, functions and destructors": {
    code: `import atexit, threading, time
class A:
    def __del__(self): print("gone")
a = A()
atexit.register(print, "at exit")
threading.Thread(target=lambda: (time.sleep(0.05), print("thread"))).start()
print("main", threading.main_thread().is_alive())`,
    ...{ printed: "main True\nthread\nat exit\ngone\n", status: 0 },
  },
  "sys.exit with a number": { code: "import sys; sys.exit(3)", printed: "", status: 3 },
  "sys.exit with a reason": { code: "exit('odd')", printed: "", status: 1, why: /^odd$/ },
  "an error nobody caught": {
    code: "print('a')\n1 / 0",
    ...{
      printed: "a\n",
      status: 1,
      why: /^Traceback .*\n {2}File "<string>", line 2, in <module>\nZero/,
    },
  },
  "a mistake": { code: "def f(:", printed: "", status: 1, why: /SyntaxError/ },
  "a child of its own ends for itself": {
    code: `import os, sys
if os.fork() == 0: sys.exit(5)
print(os.waitstatus_to_exitcode(os.wait()[1]))`,
    ...{ printed: "5\n", status: 0 },
  },
  "another program in its place": {
    code: "import os; os.execvp('sh', ['sh', '-c', 'echo sh; exit 9'])",
    ...{ printed: "sh\n", status: 9 },
  },
};

const SHELL: Readonly<Record<string, Program>> = {
  "its last command's status": { code: "echo a; false", printed: "a\n", status: 1 },
  "what it does at its end": {
    code: `trap "echo bye" EXIT; echo hi; exit 4`,
    ...{ printed: "hi\nbye\n", status: 4 },
  },
  "its words mean what it says": {
    code: "echo() { printf said; }; echo a; false # the end",
    ...{ printed: "said", status: 1 },
  },
  "words of ours are its own": { code: "command() { :; }; false", printed: "", status: 1 },
  "limits of its own": { code: "ulimit -n 3; echo a; false", printed: "a\n", status: 1 },
  "closed streams": { code: "exec >&- 2>&- <&-; false", printed: "", status: 1 },
  "an end in the middle": { code: "echo a; (exit 7) || exit 6; echo b", printed: "a\n", status: 6 },
  "what it leaves behind": { code: "sleep 1000 & echo a; false", printed: "a\n", status: 1 },
  "an error names no file": {
    code: "echo a\nodd",
    ...{ printed: "a\n", status: 127, why: /^sh: odd: not found$/ },
  },
  "a mistake": {
    code: "echo a\nif then echo b; fi",
    ...{ printed: "a\n", status: 2, why: /^sh: syntax error: unexpected "then"$/ },
  },
  "no loop around it": { code: "break; echo b", printed: "b\n", status: 0 },
  "its name, arguments, descriptors and traps": {
    code: `cd /proc/self/fd; echo "$0" $# $what$program *; trap`,
    ...{ printed: "sh 0 0 1 2 3\n", status: 0 },
  },
  "a signal that we use too": {
    code: `trap "echo heard" USR1; kill -USR1 $$; echo after`,
    ...{ printed: "heard\nafter\n", status: 0 },
  },
  "another program in its place": { code: "exec sh -c 'exit 9'", printed: "", status: 9 },
  "a text whose mark is missing": { code: "cat <<E\nx", printed: "x", status: 0 },
  "it prints what it runs": { code: "set -x; true", printed: "+ true\n", status: 0 },
  "a long program": { code: `: ${"x".repeat(5_000)}\necho 42`, printed: "42\n", status: 0 },
  ...Object.fromEntries(
    ["true &&", "true |", "f()"].map((code) => [
      `unfinished: ${code}`,
      { code, printed: "", status: 2, why: /^sh: syntax error/ },
    ]),
  ),
};

describe.each(await hostTiers())("$tier", { timeout: 300_000 }, ({ tier, missing }) => {
  let box: Sandbox;
  const skip = missing !== null || !hasImages;
  beforeAll(async () => {
    if (!skip) box = await openTier(tier);
  });
  afterAll(() => box?.close());

  const ends = async (command: string, flag: string, { code, printed, status, why }: Program) => {
    let text = "";
    const outcome = await callOn(box, {
      command,
      args: [flag, code],
      output: (part) => (text += part),
    });
    const known = JSON.stringify(outcome);
    if (status === 0) expect(outcome.tag, known).toBe("ok");
    else expect(outcome, known).toMatchObject({ tag: "failed", code: status });
    expect(text, known).toContain(printed);
    if (why !== undefined) expect((outcome as { why: string }).why).toMatch(why);
    else expect(text).toBe(printed);
  };

  test.skipIf(skip).each(Object.entries(NODE))("node: %s", (_name, program) =>
    ends("node", "-e", program),
  );
  test.skipIf(skip).each(Object.entries(PYTHON))("python3: %s", (_name, program) =>
    ends("python3", "-c", program),
  );
  test.skipIf(skip).each(Object.entries(SHELL))("sh: %s", (_name, program) =>
    ends("sh", "-c", program),
  );
});
