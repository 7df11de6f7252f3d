import { basename } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';
import { insideNamespaces } from '../e2e/namespace.ts';
import { collect } from './collect.ts';

/** The node before Headroom, right after its install, in use, disturbed, without it again; what needs no cluster comes first. */
const ORDER = ['alone', 'metrics', 'leak', 'refusals', 'disturbances', 'uninstall'];

class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => ORDER.indexOf(basename(moduleId, '.test.ts'));
    return files.toSorted((a, b) => place(a) - place(b));
  }
}

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
      sequence: { sequencer: InOrder },
      testTimeout: 180_000,
      hookTimeout: 300_000,
    },
  };
});
