import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    // A file starts a server of its own: as many at once as the machine has processors.
    pool: "forks",
    fileParallelism: true,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
