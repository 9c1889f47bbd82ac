import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const onFilesOnly = ["**/bad_store.test.ts", "**/bad_store_sign_in.test.ts"];

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: [
      "**/node_modules/**",
      ...(process.env["THINGWARD_TEST_STORE"] === "postgres" ? onFilesOnly : []),
    ],
    // A file starts a server of its own: as many at once as the machine has processors.
    pool: "forks",
    fileParallelism: true,
    maxWorkers: availableParallelism(),
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
