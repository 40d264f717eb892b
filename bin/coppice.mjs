#!/usr/bin/env node
// The `coppice` command. It may be started by any Node from 18 on, and runs the command line
// interface on Node 24 or newer: from source in a checkout, from dist/ in an installed package.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const NODE_MAJOR = 24;
const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "..", "src", "cli", "main.ts");
const built = join(here, "..", "dist", "src", "cli", "main.js");
const inCheckout = existsSync(source) && !here.split(sep).includes("node_modules");
const nodeFits = Number.parseInt(process.versions.node, 10) >= NODE_MAJOR;

/** The binary of the npm package "node", beside this package or in a folder above it. */
function findNode() {
  for (let folder = here; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", "node", "bin", "node");
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

/**
 * Runs the interface in a Node of its own. A terminal's Ctrl-C reaches it without our help; other
 * signals are passed on, and copies of one that arrive at the same time (npx sends them) count once.
 */
function runIn(node, args) {
  const onTerminal = [process.stdin, process.stdout, process.stderr].some((s) => s.isTTY);
  const child = spawn(node, [...args, ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    let passedOnAt = Number.NEGATIVE_INFINITY;
    process.on(signal, () => {
      if ((signal === "SIGINT" && onTerminal) || Date.now() - passedOnAt < 500) return;
      passedOnAt = Date.now();
      child.kill(signal);
    });
  }
  child.once("error", (error) => fail(`cannot start ${node}: ${error.message}`));
  child.once("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function fail(message) {
  process.stderr.write(`coppice: ${message}\n`);
  process.exit(1);
}

if (!inCheckout && !existsSync(built)) {
  fail(`${built} is missing.\nRemedy: install the package again, or run npm run build.`);
} else if (nodeFits && !inCheckout) {
  // The interface may look at argv[1] to learn how it was called.
  await import(pathToFileURL(built).href);
} else {
  const node = nodeFits ? process.execPath : findNode();
  const entry = inCheckout ? ["--conditions=coppice-source", source] : [built];
  if (node) runIn(node, entry);
  else {
    const remedy = inCheckout
      ? "run `npm start` or `npm test` once, which installs Node 24 into node_modules"
      : "put Node 24 first on PATH, or add it to your project: npm install --save-dev node@24";
    fail(
      `this is Node ${process.versions.node}, but coppice needs 24 or newer.\nRemedy: ${remedy}.`,
    );
  }
}
