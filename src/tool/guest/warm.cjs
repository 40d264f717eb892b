// Owns: Node.js that waits warm in a guest. Descriptor 3 brings what to do: `W` warms up what a call
// will need, `R` brings the command line of `node`; what it does not know how to do in this process
// it leaves to a fresh one.
const fs = require("node:fs");
const { Console } = require("node:console");
const crypto = require("node:crypto");
const { createRequire, Module } = require("node:module");
const { resolve } = require("node:path");
const { Writable } = require("node:stream");
const vm = require("node:vm");
require("node:util");
require("node:timers/promises");
require("node:child_process");

const CONTROL = 3;

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
function freshRandom() {
  const numbers = new BigUint64Array(512);
  let next = numbers.length;
  Math.random = function random() {
    if (next === numbers.length) {
      crypto.randomFillSync(numbers);
      next = 0;
    }
    return Number(numbers[next++] >> 11n) / 2 ** 53;
  };
}

function warmUp() {
  const quiet = new Console(new Writable({ write: (_chunk, _encoding, done) => done() }));
  for (let turn = 0; turn < 3; turn++) {
    quiet.log("x", { a: [1, 2, 3], b: new Map([[1, new Error("x").stack]]) });
    const script = new vm.Script(
      "let o = {}; for (let i = 0; i < 500; i++) o[i] = [i * 2]; JSON.stringify(o)",
    );
    JSON.parse(script.runInNewContext());
    crypto.createHash("sha256").update("x").digest("hex");
    Buffer.from("x").toString("base64");
  }
  process.stdout.writable;
  process.stderr.writable;
}

function fresh(args) {
  process.execve(process.execPath, ["node", ...args], process.env);
}

function evaluate(code, name, args) {
  if (/\bimport\b|\bawait\b/.test(code)) return fresh(args);
  let script;
  try {
    const importModuleDynamically = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
    script = new vm.Script(code, { filename: name, importModuleDynamically });
  } catch {
    return fresh(args);
  }
  const file = resolve(name);
  const module = new Module(file);
  module.filename = file;
  module.paths = Module._nodeModulePaths(process.cwd());
  Object.assign(globalThis, { module, exports: module.exports, require: createRequire(file) });
  Object.assign(globalThis, { __filename: name, __dirname: "." });
  script.runInThisContext();
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
    return evaluate(code, "[eval]", args);
  }
  // A program on stdin, as `run: "node"` gives it.
  if (first === undefined) {
    const code = fs.readFileSync(0, "utf8");
    return evaluate(code, "[stdin]", ["-e", code]);
  }
  if (first.startsWith("-")) return fresh(args);
  process.argv.push(resolve(first), ...rest);
  Module.runMain(process.argv[1]);
}

warmUp();
fs.writeSync(CONTROL, "R");
for (;;) {
  if (read(1).toString() === "W") {
    warmUp();
    fs.writeSync(CONTROL, "w");
    continue;
  }
  const line = read(read(4).readUInt32LE(0)).toString();
  fs.closeSync(CONTROL);
  run(line.split("\0").slice(1, -1));
  break;
}
