import { defineConfig } from 'vitest/config';

// The browser tier: `npm run test:browser`. A real headless Chromium looks at the debugging page of the built agent.
export default defineConfig({
  test: {
    name: 'browser',
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
