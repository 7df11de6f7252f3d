import { defineConfig } from 'vitest/config';

// What takes minutes and is asked for by name: `npm run test:on-request -- leaks|latency|cost|churn|psi-race|record` (docs/testing.md).
export default defineConfig({
  test: {
    name: 'on request',
    root: import.meta.dirname,
    include: ['*.test.ts'],
    fileParallelism: false,
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
  },
});
