import { defineConfig } from 'vitest/config';

// The kernel tier: `npm run test:kernel`. One virtual machine at a time: two cores emulate one guest.
export default defineConfig({
  test: {
    name: 'kernel',
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    exclude: ['on-request/**'],
    fileParallelism: false,
    testTimeout: 120_000,
    // A scenario may boot twice.
    hookTimeout: 400_000,
  },
});
