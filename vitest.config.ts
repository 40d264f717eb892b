import { defineConfig } from "vitest/config";

// Inside the repository "coppice" means the source, for the tests themselves, for what they import
// and for the threads and processes they start.
const conditions = ["coppice-source", "node", "module-sync", "import", "default"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    execArgv: ["--conditions=coppice-source"],
    // A loaded machine is slow, not wrong: these end what hangs, and say nothing about speed.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 120_000 } },
    teardownTimeout: 60_000,
  },
});
