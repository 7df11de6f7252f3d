import { defineConfig } from 'vitest/config';
import { CONTROL_PLANE, controlPlaneBinaries } from './control-plane/binaries.ts';
import { insideNamespaces } from './namespace.ts';

// The control-plane tier: `npm run test:e2e`. Binaries are found or built outside, where there is a network.
export default defineConfig(async () => {
  await controlPlaneBinaries(process.env, CONTROL_PLANE, (text) => process.stderr.write(`e2e: ${text}\n`));
  await insideNamespaces();
  return {
    test: {
      name: 'e2e',
      root: import.meta.dirname,
      include: ['**/*.test.ts'],
      fileParallelism: false,
      testTimeout: 120_000,
      hookTimeout: 180_000,
    },
  };
});
