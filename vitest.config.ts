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
    testTimeout: 20_000,
    // A loaded machine is slow, not wrong.
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
  },
});
