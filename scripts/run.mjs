// The one door of every npm script: makes the clone ready, then runs the command on Node ≥ 24 with
// the source of "coppice" instead of a build. Runs on Node 20; see setup.mjs and launch.mjs.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { launch } from "./launch.mjs";
import { ensureReady, SetupError } from "./setup.mjs";

const root = join(import.meta.dirname, "..");
const cli = "src/cli/main.ts";
const biome = "node_modules/@biomejs/biome/bin/biome";

const COMMANDS = {
  start: ["examples/audit/main.ts"],
  test: ["scripts/test.mjs"],
  check: [biome, "check", "--error-on-warnings"],
  format: [biome, "check", "--write"],
  typecheck: ["node_modules/typescript/bin/tsc", "--noEmit"],
  build: ["scripts/build.mjs"],
  conformance: [cli, "conformance"],
  sim: [cli, "sim"],
  bench: ["bench/run.ts"],
  soak: ["test/soak/run.ts"],
  kill: ["test/kill/run.ts"],
  coppice: [cli],
};

const SOURCE_FLAG = "--conditions=coppice-source";

async function main([name, ...rest]) {
  const command = Object.hasOwn(COMMANDS, name ?? "") ? COMMANDS[name] : undefined;
  if (!command) {
    throw new SetupError(
      `no command ${JSON.stringify(name ?? "")}.\n` +
        `Remedy: npm run <${Object.keys(COMMANDS).join("|")}> [-- arguments]`,
    );
  }
  const node = await ensureReady();
  const [entry, ...args] = command;
  if (!existsSync(join(root, entry))) {
    throw new SetupError(
      `${entry} is missing from this checkout.\nRemedy: git status; git checkout`,
    );
  }
  const { code } = await launch(node, [SOURCE_FLAG, join(root, entry), ...args, ...rest]);
  return code;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`coppice: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
