// Makes a fresh clone ready: installs node_modules from the lock file and answers with the path of
// a Node of version 24 or newer. Runs on Node 20. Once everything is there it only reads two files.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { launch } from "./launch.mjs";

const NODE_MAJOR = 24;
const root = join(import.meta.dirname, "..");
const lockFile = join(root, "package-lock.json");
const stampFile = join(root, "node_modules", ".coppice-stamp");
const mutexFile = join(root, ".coppice-setup");
const pinnedNode = join(root, "node_modules", "node", "bin", "node");

const major = (version) => Number(/^v?(\d+)\./.exec(version)?.[1] ?? 0);
const ownNodeFits = major(process.versions.node) >= NODE_MAJOR;
const say = (text) => process.stderr.write(`coppice: ${text}\n`);

/** A failure with its remedy, already worded for the user, and the exit code it ends with. */
export class SetupError extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Installs what is missing and answers with the Node to run the project with. */
export async function ensureReady() {
  if (isReady()) return ownNodeFits ? process.execPath : pinnedNode;
  const release = await takeMutex();
  try {
    if (!isReady()) await install();
  } finally {
    release();
  }
  return ownNodeFits ? process.execPath : pinnedNode;
}

function wantedStamp() {
  const hash = createHash("sha256").update(readFileSync(lockFile)).digest("hex");
  return `${hash} ${process.platform}-${process.arch}\n`;
}

function isReady() {
  if (!ownNodeFits && !existsSync(pinnedNode)) return false;
  return existsSync(stampFile) && readFileSync(stampFile, "utf8") === wantedStamp();
}

async function install() {
  if (installedByHand()) {
    say("node_modules fits package-lock.json");
  } else {
    say("first run: installing the locked dependencies and Node 24 into node_modules (npm ci) …");
    const startedAt = Date.now();
    await npmCi();
    say(`installed in ${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
  }
  if (!ownNodeFits) checkPinnedNode();
  writeFileSync(stampFile, wantedStamp());
}

/** True after somebody's `npm install`: npm's own record lists every package of the lock file. */
function installedByHand() {
  try {
    const record = join(root, "node_modules", ".package-lock.json");
    const installed = JSON.parse(readFileSync(record, "utf8")).packages;
    const locked = Object.entries(JSON.parse(readFileSync(lockFile, "utf8")).packages);
    const missing = locked.filter(
      ([path, entry]) => path && !entry.optional && installed[path]?.version !== entry.version,
    );
    return missing.length === 0 && (ownNodeFits || existsSync(pinnedNode));
  } catch {
    return false;
  }
}

async function npmCi() {
  const flags = ["--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  const [command, ...args] = [...npmCommand(), "ci", "--engine-strict=false", ...flags];
  // npm's chatter goes to stderr: stdout belongs to the command that was asked for.
  const options = { cwd: root, env: envWithoutOwnBin(), stdio: ["ignore", 2, 2] };
  const { code, signal } = await launch(command, args, options);
  if (signal) throw new SetupError("set-up interrupted; the next run starts it again", 130);
  if (code === 0) return;
  throw new SetupError(
    `npm ci failed (exit code ${code}; npm's own message is above).\n` +
      "Remedy: the first run needs the npm registry, so check the network and\n" +
      "`npm config get registry`, then run the same command again.",
  );
}

/** The npm that started us, run by its own Node, and not by the one it is about to delete. */
function npmCommand() {
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  if (!npm?.endsWith(".js") || !existsSync(npm)) return ["npm"];
  return [node && existsSync(node) && node !== pinnedNode ? node : "node", npm];
}

function envWithoutOwnBin() {
  const ownBin = join(root, "node_modules", ".bin");
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== ownBin);
  return { ...process.env, PATH: path.join(delimiter) };
}

function checkPinnedNode() {
  const answer = spawnSync(pinnedNode, ["--version"], { encoding: "utf8" });
  if (answer.status === 0 && major(answer.stdout) >= NODE_MAJOR) return;
  const fact = existsSync(pinnedNode)
    ? `the Node 24 of the npm package "node" does not run on this machine: ${
        answer.error?.message ?? answer.stderr.trim()
      }`
    : 'the npm package "node" is installed but brought no Node 24: its install script did not run\n' +
      `(ignore-scripts is ${process.env.npm_config_ignore_scripts ?? "not set here"}) or failed`;
  throw new SetupError(
    `${fact}.\n` +
      `This is Node ${process.versions.node}; coppice needs Node ${NODE_MAJOR} or newer.\n` +
      "Remedy: `npm rebuild node --ignore-scripts=false --foreground-scripts` in this folder,\n" +
      "or put a Node of version 24 or newer first on PATH; then run the same command again.",
  );
}

/** Two commands started at once on a fresh clone must not both run npm ci. */
async function takeMutex() {
  for (let waiting = false; ; waiting = true) {
    try {
      writeFileSync(mutexFile, String(process.pid), { flag: "wx" });
      return () => rmSync(mutexFile, { force: true });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const holder = readHolder();
    if (holder && !isAlive(holder)) rmSync(mutexFile, { force: true });
    else if (!waiting) say(`waiting for the set-up that process ${holder} is doing …`);
    await sleep(200);
  }
}

function readHolder() {
  try {
    return Number(readFileSync(mutexFile, "utf8"));
  } catch {
    return 0;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
