import { defineConfig } from 'vitest/config';
import { insideNamespaces } from '../e2e/namespace.ts';
import { collect } from './collect.ts';

// The cluster tier: `npm run test:cluster`. What is fetched or built is fetched and built outside, where there is a network.
export default defineConfig(async () => {
  await collect(process.env, (text) => process.stderr.write(`cluster: ${text}\n`));
  await insideNamespaces();
  return {
    test: {
      name: 'cluster',
      root: import.meta.dirname,
      include: ['**/*.test.ts'],
      globalSetup: ['./setup.ts'],
      fileParallelism: false,
      testTimeout: 180_000,
      hookTimeout: 240_000,
    },
  };
});
