import { defineConfig } from "vitest/config";

// Files run in two workers: CI machines have two cores, and the end-to-end tests start four nodes of their own.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["build.ts"],
    setupFiles: ["test/setup.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
