// Owns: Node.js that waits warm in a guest. Descriptor 3 brings what is added to the environment and a
// command line of `node`: `W` to rehearse it, `R` to run it; what it does not know how to do in this
// process it leaves to a fresh one. Descriptor 4 takes the status of the program.
const fs = require("node:fs");
const crypto = require("node:crypto");
const { createRequire, Module } = require("node:module");
const { resolve } = require("node:path");
const v8 = require("node:v8");
const vm = require("node:vm");
require("node:util");
require("node:timers/promises");
require("node:child_process");

// Those of the globals that are looked up anew each time.
const { Buffer, process } = globalThis;

const CONTROL = 3;
const END = 4;
// The same pipe once more, as one that children do not get.
const end = fs.openSync(`/proc/self/fd/${END}`, "w");
fs.closeSync(END);

function read(length) {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const got = fs.readSync(CONTROL, bytes, at, length - at, null);
    if (got === 0) process.exit(125);
    at += got;
  }
  return bytes;
}

// V8's own generator goes on where the template's stood, in every clone: it is not used.
const numbers = new BigUint64Array(512);
let drawn = numbers.length;
Math.random = function random() {
  if (drawn === numbers.length) {
    crypto.randomFillSync(numbers);
    drawn = 0;
  }
  return Number(numbers[drawn++] >> 11n) / 2 ** 53;
};
function freshRandom() {
  drawn = numbers.length;
}

// Taking an interpreter apart takes longer than most programs: its status is told before that. Node.js
// itself still has to say something when nobody caught an error, or a promise was never settled.
let said = false;
function say() {
  said = true;
}
function tell(name, ...values) {
  const heard = Reflect.apply(emit, this, [name, ...values]);
  if (name !== "exit" || said) return heard;
  const status = Number(process.exitCode ?? values[0] ?? 0) & 255;
  if (status === UNSETTLED) return heard;
  fs.writeSync(end, Buffer.of(status));
  do Atomics.wait(NEVER, 0, 0, rehearsing ? 1 : Number.POSITIVE_INFINITY);
  while (!rehearsing);
  return heard;
}
function leaveSoon() {
  process.on("uncaughtExceptionMonitor", say);
  process.emit = tell;
}
const { emit } = process;
const UNSETTLED = 13;
const NEVER = new Int32Array(new SharedArrayBuffer(4));

// What is printed here is thrown away.
async function warmUp() {
  for (let turn = 0; turn < 3; turn++) {
    freshRandom();
    Math.random();
    console.log("x", { a: [1, 2, 3], b: new Map([[1, new Error("x").stack]]) });
    console.error("x");
    evaluate(
      "{ const o = {}; for (let i = 0; i < 500; i++) o[i] = [i * 2]; JSON.stringify(o); }",
      "[warm]",
    );
    evaluate(`import("data:text/javascript,export default ${++warmed}")`, "[warm]");
    crypto.createHash("sha256").update("x").digest("hex");
    Buffer.from("x").toString("base64");
    await new Promise((done) => setTimeout(done, 1));
    await new Promise((done) => setImmediate(done));
  }
}
let warmed = 0;

// All of a call: also that there is nothing left to do, which Node.js tells before it asks again. What V8 would
// collect or compile better one day is done, or put off until there is a program to do it for: a software
// processor would translate that in the middle of a call.
async function rehearse(line) {
  await warmUp();
  fs.closeSync(fs.openSync("/dev/null", "w"));
  Buffer.alloc(2 ** 18, 1); // new memory
  v8.setFlagsFromString(WAITING);
  gc();
  setImmediate(run, line);
  await new Promise((done) => process.once("beforeExit", done));
  process.emit("exit", 0);
  process.emit = emit;
  process.removeAllListeners("uncaughtExceptionMonitor");
  for (const name of NAMES) delete globalThis[name];
}
const REHEARSE = "W".charCodeAt(0);
let rehearsing = true;
v8.setFlagsFromString("--expose-gc");
const gc = vm.runInNewContext("gc");
v8.setFlagsFromString("--no-expose-gc");
// Until there is a program, V8 compiles nothing better, and counts what was rehearsed for little (init.c started it
// so); then it does what it does by default.
const WAITING =
  "--no-opt --no-maglev --invocation-count-for-maglev=2000 --invocation-count-for-feedback-allocation=1";
const RUNNING =
  "--opt --maglev --invocation-count-for-maglev=400 --invocation-count-for-feedback-allocation=8";

function fresh(args) {
  process.execve(process.execPath, ["node", ...args], process.env);
}

// What the call adds: where its proxy is. Node.js has looked for that long ago.
function environment(texts) {
  for (const text of texts) {
    const at = text.indexOf("=");
    process.env[text.slice(0, at)] = text.slice(at + 1);
  }
  if (process.env.NODE_USE_ENV_PROXY === "1") require("node:http").setGlobalProxyFromEnv();
}

const NAMES = ["module", "exports", "require", "__filename", "__dirname"];

// As `node -e` does it: names of a module are global. @returns whether it can be done here
function evaluate(code, name) {
  let script;
  try {
    const importModuleDynamically = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
    script = new vm.Script(code, { filename: name, importModuleDynamically });
  } catch {
    return false; // a module, TypeScript or a mistake: a fresh one knows
  }
  const file = resolve(name);
  const module = new Module(file);
  module.filename = file;
  module.paths = Module._nodeModulePaths(process.cwd());
  const values = [module, module.exports, createRequire(file), name, "."];
  for (const [at, each] of NAMES.entries()) globalThis[each] = values[at];
  script.runInThisContext();
  return true;
}

function run(args) {
  freshRandom();
  const [first, ...rest] = args;
  process.argv = [process.execPath];
  process.execArgv = [];
  if (first === "-e" && rest.length > 0) {
    const [code, ...more] = rest;
    if (more.some((each) => each.startsWith("-"))) return fresh(args);
    process.argv.push(...more);
    leaveSoon();
    if (!evaluate(code, "[eval]")) fresh(args);
    return;
  }
  // A program on stdin, as `run: "node"` gives it.
  if (first === undefined) {
    const code = fs.readFileSync(0, "utf8");
    leaveSoon();
    if (!evaluate(code, "[stdin]")) fresh(["-e", code]);
    return;
  }
  if (first.startsWith("-")) return fresh(args);
  process.argv.push(resolve(first), ...rest);
  leaveSoon();
  Module.runMain(process.argv[1]);
}

async function wait() {
  await warmUp();
  fs.writeSync(CONTROL, "R");
  for (;;) {
    const head = read(5);
    rehearsing = head[0] === REHEARSE;
    const texts = read(head.readUInt32LE(1)).toString().split("\0");
    const own = texts.indexOf("");
    const line = texts.slice(own + 2, -1);
    environment(texts.slice(0, own));
    if (!rehearsing) {
      fs.closeSync(CONTROL);
      v8.setFlagsFromString(RUNNING);
      // Out of this function: what the program throws is nobody's rejection.
      return setImmediate(run, line);
    }
    await rehearse(line);
    fs.writeSync(CONTROL, "w");
  }
}
wait();
